//! HTTP client of the authority: tokens and bundle refresh.
