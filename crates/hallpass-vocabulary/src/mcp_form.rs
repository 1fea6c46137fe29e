//! How a denial reaches an MCP client.

use std::fmt;

/// How a denial reaches an MCP client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum McpForm {
    /// An HTTP challenge (RFC 6750, RFC 9728) where the transport has one, else an error result.
    Challenge,
    /// A `tools/call` result with `isError`, which the model reads.
    ErrorResult,
}

impl fmt::Display for McpForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Challenge => "challenge",
            Self::ErrorResult => "error result",
        })
    }
}
