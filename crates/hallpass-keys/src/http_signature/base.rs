//! The text that is signed.

/// The signature base of RFC 9421 section 2.5: a line for each component, and the parameters as the last one.
pub(super) fn signature_base(components: &[(&str, &str)], parameters: &str) -> String {
    let mut base = String::new();
    for (name, value) in components {
        base.push_str(&format!("\"{name}\": {value}\n"));
    }
    base.push_str("\"@signature-params\": ");
    base.push_str(parameters);
    base
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use hallpass_vocabulary::Environment;

    use super::*;
    use crate::{Purpose, Signature, SigningKey};

    /// RFC 9421 appendix B.2.6: the request, the key of appendix B.1.4, and the signature it publishes.
    #[test]
    fn the_published_signature_is_made_and_verified() {
        let seed = STANDARD
            .decode("n4Ni+HpISpVObnQMW0wOhCKROaIKqKtW/2ZYb2p9KcU=")
            .unwrap();
        let dev = Environment::new("dev").unwrap();
        let key = SigningKey::from_seed(Purpose::Operator, dev, seed.try_into().unwrap());
        let public = STANDARD
            .decode("JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=")
            .unwrap();
        assert_eq!(key.verifying_key().as_bytes().as_slice(), public);
        let base = signature_base(
            &[
                ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
                ("@method", "POST"),
                ("@path", "/foo"),
                ("@authority", "example.com"),
                ("content-type", "application/json"),
                ("content-length", "18"),
            ],
            "(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\");created=1618884473;keyid=\"test-key-ed25519\"",
        );
        assert!(base.starts_with(
            "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@method\": POST\n\"@path\": /foo\n"
        ));
        assert!(!base.ends_with('\n'));
        let published = STANDARD
            .decode("wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==")
            .unwrap();
        let published = Signature::try_from(published.as_slice()).unwrap();
        assert_eq!(key.sign(base.as_bytes()), published);
        assert!(
            key.verifying_key()
                .verify(base.as_bytes(), &published)
                .is_ok()
        );
    }
}
