//! The short form of the fuzz target of this crate: the same check, over some thousand changed seeds. `scripts/fuzz` is
//! the long form.

mod bundle_payload;
#[path = "../../../../../fuzz/mutate.rs"]
mod mutate;

#[test]
fn fuzz_bundle_payload() {
    mutate::run(&bundle_payload::seeds(), 4_000, bundle_payload::check);
}
