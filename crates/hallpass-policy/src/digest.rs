//! The digest of a policy: what `sha256sum` says of its files, so that anyone can recompute it with ordinary tools.

use sha2::{Digest, Sha256};

/// `sha256:` and the hex digest over one line `<sha256 of the file>  <name>` for each file, in the order given.
///
/// In byte order of the names, the same as `LC_ALL=C ls | grep -E '\.(json|toml)$' | xargs sha256sum | sha256sum` in the
/// policy directory.
pub(crate) fn of<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut whole = Sha256::new();
    for (name, text) in files {
        whole.update(format!("{}  {name}\n", hex::encode(Sha256::digest(text))));
    }
    format!("sha256:{}", hex::encode(whole.finalize()))
}

#[cfg(test)]
mod tests {
    use crate::PolicyFiles;

    fn digest<const N: usize>(files: [(&str, &str); N]) -> String {
        PolicyFiles::from(files).digest()
    }

    #[test]
    fn is_what_sha256sum_prints() {
        // printf a > a.toml; printf b > b.toml; sha256sum *.toml | sha256sum
        assert_eq!(
            digest([("b.toml", "b"), ("a.toml", "a")]),
            "sha256:ab54977a0ac19f04a247ca8e2e9d5c202d07ac894b03ff28de3286c51c1086d2"
        );
    }

    #[test]
    fn names_and_texts_both_count_those_of_schemas_too() {
        let base = digest([("a.toml", "x")]);
        assert_ne!(base, digest([("b.toml", "x")]));
        assert_ne!(base, digest([("a.toml", "x\n")]));
        assert_ne!(base, digest([("a.toml", "x"), ("s.json", "{}")]));
        assert_eq!(base, digest([("a.toml", "x")]));
    }
}
