//! The digest of a policy: what `sha256sum` says of its files, so that anyone can recompute it with ordinary tools.

use sha2::{Digest, Sha256};

/// `sha256:` and the hex digest over one line `<sha256 of the file>  <name>` for each file, in byte order of the names.
///
/// The same as `LC_ALL=C sha256sum *.toml | sha256sum` in the policy directory.
pub fn digest(files: &[(&str, &str)]) -> String {
    let mut lines: Vec<(&str, String)> = files
        .iter()
        .map(|(name, text)| {
            (
                *name,
                format!("{}  {name}\n", hex::encode(Sha256::digest(text))),
            )
        })
        .collect();
    lines.sort();
    let mut whole = Sha256::new();
    for (_, line) in &lines {
        whole.update(line);
    }
    format!("sha256:{}", hex::encode(whole.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_what_sha256sum_prints() {
        // printf a > a.toml; printf b > b.toml; sha256sum *.toml | sha256sum
        assert_eq!(
            digest(&[("b.toml", "b"), ("a.toml", "a")]),
            "sha256:ab54977a0ac19f04a247ca8e2e9d5c202d07ac894b03ff28de3286c51c1086d2"
        );
    }

    #[test]
    fn names_and_texts_both_count() {
        let base = digest(&[("a.toml", "x")]);
        assert_ne!(base, digest(&[("b.toml", "x")]));
        assert_ne!(base, digest(&[("a.toml", "x\n")]));
        assert_eq!(base, digest(&[("a.toml", "x")]));
    }
}
