//! The body of `POST /v1/runs/{run}/end`: why, or nothing.

use hallpass_journal::Text;

use super::document::Document;
use super::{BadRequest, pointer, string};

/// The longest reason, in bytes: a few lines.
pub(crate) const REASON_BYTES_MAX: usize = 512;

/// Reads the reason, if there is one.
pub(crate) fn reason(body: &[u8]) -> Result<Option<Text>, BadRequest> {
    if body.is_empty() {
        return Ok(None);
    }
    let malformed = || BadRequest::new("", "the body is not a JSON object");
    let document = serde_json::from_slice(body).map_err(|_| malformed())?;
    let Document::Object(members) = document else {
        return Err(malformed());
    };
    let mut reason = None;
    for (name, value) in &members {
        let at = || pointer(name);
        if name != "reason" {
            return Err(BadRequest::new(at(), "there is no such member"));
        }
        let text = string(value, at)?;
        if !(1..=REASON_BYTES_MAX).contains(&text.len()) {
            let rule = format!("a reason has 1 to {REASON_BYTES_MAX} bytes");
            return Err(BadRequest::new(at(), rule));
        }
        if reason.replace(Text::new(text)).is_some() {
            return Err(BadRequest::new(at(), "the member is there twice"));
        }
    }
    Ok(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_or_nothing() {
        assert_eq!(reason(b""), Ok(None));
        assert_eq!(reason(b"{}"), Ok(None));
        assert_eq!(reason(br#"{"reason":"done"}"#), Ok(Some(Text::new("done"))));
        let long = format!(r#"{{"reason":"{}"}}"#, "x".repeat(REASON_BYTES_MAX + 1));
        for (body, pointer) in [
            ("[]", ""),
            ("{", ""),
            (r#"{"reason":""}"#, "/reason"),
            (r#"{"reason":1}"#, "/reason"),
            (r#"{"reason":"a","reason":"b"}"#, "/reason"),
            (r#"{"why":"a"}"#, "/why"),
            (&long, "/reason"),
        ] {
            assert_eq!(
                reason(body.as_bytes()).unwrap_err().pointer,
                pointer,
                "{body}"
            );
        }
    }
}
