//! The seeds of a target, for the fuzzer to start from.

/// Writes them to the folder that `scripts/fuzz` names, the corpus; without one, does nothing.
pub fn write(seeds: &[Vec<u8>]) {
    let Some(folder) = std::env::var_os("HALLPASS_FUZZ_SEEDS") else {
        return;
    };
    for (number, seed) in seeds.iter().enumerate() {
        let path = std::path::Path::new(&folder).join(format!("seed-{number:03}"));
        std::fs::write(path, seed).expect("the corpus can be written to");
    }
}
