//! Purpose-bound Ed25519 keys, key files, DSSE envelopes and signed notes.
