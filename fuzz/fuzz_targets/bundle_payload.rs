//! The check and its seeds are those of the short form in the tests of hallpass-bundle.
#![no_main]

#[path = "../../crates/hallpass-bundle/tests/it/fuzz/bundle_payload.rs"]
mod bundle_payload;
#[path = "../seeds.rs"]
mod seeds;

libfuzzer_sys::fuzz_target!(init: seeds::write(&bundle_payload::seeds()), |bytes: &[u8]| bundle_payload::check(bytes));
