//! The short form of the fuzz targets of this crate: the same checks, over a few thousand changed seeds. `scripts/fuzz` is
//! the long form.

mod arguments;
#[path = "../../../../../fuzz/mutate.rs"]
mod mutate;
mod normalisers;

#[test]
fn fuzz_arguments() {
    mutate::run(&arguments::seeds(), 30_000, arguments::check);
}

#[test]
fn fuzz_normalisers() {
    mutate::run(&normalisers::seeds(), 60_000, normalisers::check);
}
