//! Strict JSON arguments, RFC 8785 canonical form, digest, and the tool call.
