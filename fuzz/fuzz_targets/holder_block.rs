//! The check and its seeds are those of the short form in the tests of hallpass-token.
#![no_main]

#[path = "../../crates/hallpass-token/tests/it/fuzz/holder_block.rs"]
mod holder_block;
#[path = "../seeds.rs"]
mod seeds;

libfuzzer_sys::fuzz_target!(init: seeds::write(&holder_block::seeds()), |bytes: &[u8]| holder_block::check(bytes));
