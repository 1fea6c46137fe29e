//! What a server says when it refuses.

use std::fmt;
use std::time::Duration;

/// A problem document (RFC 9457). Members we do not know are ignored: a refusal with more to say is still a refusal.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct Problem {
    /// The HTTP status, from the status line rather than the document.
    #[serde(skip)]
    pub status: u16,
    /// How long to wait before asking again, from the header, where the server says.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
    /// The stable code; programs look at this.
    pub code: String,
    /// What the code means.
    #[serde(default)]
    pub title: String,
    /// What happened this time, where the server says.
    #[serde(default)]
    pub detail: Option<String>,
    /// Which occurrence: the id of a decision or a request.
    #[serde(default)]
    pub instance: Option<String>,
    /// Which member of the request is wrong, as a JSON Pointer (RFC 6901), where the server says.
    #[serde(default)]
    pub pointer: Option<String>,
    /// What to do next, where the server says.
    #[serde(default)]
    pub next: Option<String>,
}

impl Problem {
    pub(crate) fn read(status: u16, body: &[u8]) -> Option<Self> {
        let problem: Self = serde_json::from_slice(body).ok()?;
        Some(Self { status, ..problem })
    }
}

/// The code and what was said about it, on one line and without control characters: it may come from anywhere.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = self.detail.as_deref().unwrap_or(&self.title);
        write!(f, "{} ({})", printable(&self.code), self.status)?;
        if !said.is_empty() {
            write!(f, ": {}", printable(said))?;
        }
        if let Some(pointer) = &self.pointer {
            write!(f, " (at `{}`)", printable(pointer))?;
        }
        Ok(())
    }
}

fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_document_and_ignores_what_it_does_not_know() {
        let body = br#"{"type":"urn:x","title":"No.","status":200,"code":"not_allowed","new":[1]}"#;
        let problem = Problem::read(403, body).unwrap();
        assert_eq!(
            (problem.status, problem.code.as_str()),
            (403, "not_allowed")
        );
        assert_eq!(problem.to_string(), "not_allowed (403): No.");
        assert!(Problem::read(500, b"<html>").is_none());
        assert!(Problem::read(500, b"{}").is_none());
    }

    #[test]
    fn a_wrong_member_is_named() {
        let body = br#"{"code":"request_malformed","title":"No.","pointer":"/tenant"}"#;
        let problem = Problem::read(400, body).unwrap();
        assert_eq!(
            problem.to_string(),
            "request_malformed (400): No. (at `/tenant`)"
        );
    }

    #[test]
    fn a_terminal_is_not_spoken_to() {
        let problem = Problem::read(403, br#"{"code":"a\u001b[2J","detail":"b\r\nc"}"#).unwrap();
        assert!(!problem.to_string().contains(|c: char| c.is_control()));
    }
}
