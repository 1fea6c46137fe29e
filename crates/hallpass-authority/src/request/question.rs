//! The body of a question for the time.

use super::document::Document;
use super::{BadRequest, pointer, string};

/// Bytes of a nonce.
pub(crate) const NONCE_BYTES: usize = 16;

/// Reads the nonce.
pub(crate) fn nonce(body: &[u8]) -> Result<[u8; NONCE_BYTES], BadRequest> {
    let malformed = || BadRequest::new("", "the body is not a JSON object with a `nonce` alone");
    let document = serde_json::from_slice(body).map_err(|_| malformed())?;
    let Document::Object(members) = document else {
        return Err(malformed());
    };
    let [(name, value)] = members.as_slice() else {
        return Err(malformed());
    };
    if name != "nonce" {
        return Err(malformed());
    }
    let at = || pointer(name);
    let text = string(value, at)?;
    let mut nonce = [0; NONCE_BYTES];
    match hex::decode_to_slice(text, &mut nonce) {
        // One nonce has one form, which the answer repeats.
        Ok(()) if hex::encode(nonce) == text => Ok(nonce),
        _ => Err(BadRequest::new(at(), "a nonce is 32 lowercase hex digits")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_sixteen_bytes_in_one_form() {
        let of = |text: &str| nonce(text.as_bytes()).ok();
        let good = "00112233445566778899aabbccddeeff";
        assert!(of(&format!(" {{\"nonce\":\"{good}\"}} ")).is_some());
        for bad in [
            String::new(),
            "{}".to_owned(),
            "[]".to_owned(),
            format!("\"{good}\""),
            format!("[\"{good}\"]"),
            format!("{{\"nonce\":\"{good}00\"}}"),
            format!("{{\"nonce\":\"{}\"}}", &good[2..]),
            format!("{{\"nonce\":\"{}\"}}", good.to_uppercase()),
            format!("{{\"nonce\":\"{good}\",\"nonce\":\"{good}\"}}"),
            format!("{{\"nonce\":\"{good}\",\"time\":0}}"),
            "{\"nonce\":0}".to_owned(),
        ] {
            assert_eq!(of(&bad), None, "{bad}");
        }
    }
}
