//! Tamper-evident decision journal: JSON lines, a Merkle log over them, signed checkpoints.
