//! The HTTP binding of the verifier for axum services.
