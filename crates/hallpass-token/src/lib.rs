//! Biscuit tokens: mint, admit, decode to typed caveats, attenuate.
