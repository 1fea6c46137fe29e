//! The embedded verifier: check a token and a call, record the decision, hand out a Permit.
