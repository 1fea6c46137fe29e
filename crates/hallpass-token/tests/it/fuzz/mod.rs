//! The short form of the fuzz targets of this crate: the same checks, over some thousand changed seeds. `scripts/fuzz` is
//! the long form.

mod caveat_text;
mod holder_block;
#[path = "../../../../../fuzz/mutate.rs"]
mod mutate;
mod token_text;

#[test]
fn fuzz_token_text() {
    mutate::run(&token_text::seeds(), 10_000, token_text::check);
}

#[test]
fn fuzz_holder_block() {
    mutate::run(&holder_block::seeds(), 4_000, holder_block::check);
}

#[test]
fn fuzz_caveat_text() {
    mutate::run(&caveat_text::seeds(), 4_000, caveat_text::check);
}
