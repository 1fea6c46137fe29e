//! The check and its seeds are those of the short form in the tests of hallpass-args.
#![no_main]

#[path = "../../crates/hallpass-args/tests/it/fuzz/normalisers.rs"]
mod normalisers;
#[path = "../seeds.rs"]
mod seeds;

libfuzzer_sys::fuzz_target!(init: seeds::write(&normalisers::seeds()), |bytes: &[u8]| normalisers::check(bytes));
