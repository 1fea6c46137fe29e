//! The check and its seeds are those of the short form in the tests of hallpass-token.
#![no_main]

#[path = "../../crates/hallpass-token/tests/it/fuzz/caveat_text.rs"]
mod caveat_text;
#[path = "../../crates/hallpass-token/tests/it/fuzz/holder_block.rs"]
mod holder_block;
#[path = "../seeds.rs"]
mod seeds;

libfuzzer_sys::fuzz_target!(init: seeds::write(&caveat_text::seeds()), |bytes: &[u8]| caveat_text::check(bytes));
