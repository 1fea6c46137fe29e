//! An orchestrator that asks for a token per run and calls tools with it.
