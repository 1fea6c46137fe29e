//! What an operator may list: runs, tokens, stops and decisions, page by page.

use serde_json::Value;

use crate::operator_client::{OperatorClient, OperatorError};

/// A list of the authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// Records of what was decided and done.
    Decisions,
    /// Runs.
    Runs,
    /// Stops.
    Stops,
    /// Records of tokens.
    Tokens,
}

/// Some rows of a list, newest first, as the authority writes them.
#[derive(Debug, Clone, PartialEq)]
pub struct ListPage {
    /// The rows. A page of decisions may have none and still not be the last.
    pub rows: Vec<Value>,
    /// What to ask for as `after` for the next page; nothing after the last.
    pub next: Option<String>,
}

impl List {
    fn name(self) -> &'static str {
        match self {
            Self::Decisions => "decisions",
            Self::Runs => "runs",
            Self::Stops => "stops",
            Self::Tokens => "tokens",
        }
    }
}

impl OperatorClient {
    /// One page of a list, of the rows that fit the filters: names and values as docs/authority.md lists them.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn page(
        &self,
        list: List,
        filters: &[(&str, String)],
    ) -> Result<ListPage, OperatorError> {
        let query: Vec<String> = filters
            .iter()
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        let query = query.join("&");
        let query = Some(query.as_str()).filter(|query| !query.is_empty());
        let path = format!("/v1/{}", list.name());
        let mut document: Value = self.ask("GET", &path, query, b"").await?;
        let rows = document.get_mut(list.name()).map(Value::take);
        let Some(Value::Array(rows)) = rows else {
            return Err(OperatorError::Unreadable { status: 200 });
        };
        let next = document.get("next").and_then(Value::as_str);
        Ok(ListPage {
            rows,
            next: next.map(str::to_owned),
        })
    }

    /// A run, as the authority writes it.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn run(&self, run: hallpass_vocabulary::RunId) -> Result<Value, OperatorError> {
        self.ask("GET", &format!("/v1/runs/{run}"), None, b"").await
    }

    /// The record of a token, as the authority writes it.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn token(&self, token: hallpass_vocabulary::TokenId) -> Result<Value, OperatorError> {
        self.ask("GET", &format!("/v1/tokens/{token}"), None, b"")
            .await
    }
}

/// Percent-encoded: all but what RFC 3986 section 2.3 calls unreserved.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_become_another_parameter() {
        assert_eq!(encoded("user:a&b=c d/é~"), "user%3Aa%26b%3Dc%20d%2F%C3%A9~");
    }
}
