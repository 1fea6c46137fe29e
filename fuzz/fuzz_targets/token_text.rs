//! The check and its seeds are those of the short form in the tests of hallpass-token.
#![no_main]

#[path = "../../crates/hallpass-token/tests/it/fuzz/token_text.rs"]
mod token_text;
#[path = "../seeds.rs"]
mod seeds;

libfuzzer_sys::fuzz_target!(init: seeds::write(&token_text::seeds()), |bytes: &[u8]| token_text::check(bytes));
