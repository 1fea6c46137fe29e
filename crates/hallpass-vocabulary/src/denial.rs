//! Denial codes: the closed list of answers other than yes.
//!
//! A code is a promise: its text, HTTP status and meaning do not change. `docs/denials.md` is generated from this
//! file and a test holds the two together. Some codes say that no verdict could be reached; they deny all the same,
//! and [`DenialCode::is_verdict`] tells them apart.

use std::fmt;
use std::str::FromStr;

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

/// A text that is no denial code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a denial code")]
pub struct UnknownDenialCode;

macro_rules! denial_codes {
    ($($variant:ident {
        code: $code:literal, http: $http:literal, oauth: $oauth:expr, mcp: $mcp:ident, verdict: $verdict:literal,
        meaning: $meaning:literal, next: $next:literal $(,)?
    })+) => {
        /// Why a call was denied. Closed and stable; in the order in which a verifier looks (first failure wins).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum DenialCode {
            $(#[doc = $meaning] $variant,)+
        }

        impl DenialCode {
            /// Every code, in the order in which a verifier looks.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable text: in records, problem documents and metric labels.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// The HTTP status.
            pub fn http_status(self) -> u16 {
                match self { $(Self::$variant => $http),+ }
            }

            /// The `error` of a `WWW-Authenticate` challenge (RFC 6750 section 3.1), where one applies.
            pub fn oauth_error(self) -> Option<&'static str> {
                match self { $(Self::$variant => $oauth),+ }
            }

            /// The form for MCP clients.
            pub fn mcp_form(self) -> McpForm {
                match self { $(Self::$variant => McpForm::$mcp),+ }
            }

            /// Whether this is a verdict on the call, rather than the inability to reach one.
            pub fn is_verdict(self) -> bool {
                match self { $(Self::$variant => $verdict),+ }
            }

            /// What it means, in one line.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning),+ }
            }

            /// What the caller does next, in one line.
            pub fn next_step(self) -> &'static str {
                match self { $(Self::$variant => $next),+ }
            }
        }
    };
}

denial_codes! {
    RequestMalformed {
        code: "request_malformed", http: 400, oauth: Some("invalid_request"), mcp: ErrorResult, verdict: true,
        meaning: "The request is not a tool call: a header is missing, doubled or unreadable, or the body is not a strict JSON object.",
        next: "Send one JSON object without duplicate names, integers within ±(2^53-1), and each header once.",
    }
    RequestTooLarge {
        code: "request_too_large", http: 413, oauth: Some("invalid_request"), mcp: ErrorResult, verdict: true,
        meaning: "The arguments are larger or deeper than the service accepts.",
        next: "Send smaller arguments; pass large content by reference.",
    }
    TokenMissing {
        code: "token_missing", http: 401, oauth: None, mcp: Challenge, verdict: true,
        meaning: "No token came with the call.",
        next: "Ask the authority for a token and send it as `Authorization: Bearer hp1.…`.",
    }
    TokenTooLarge {
        code: "token_too_large", http: 401, oauth: Some("invalid_token"), mcp: Challenge, verdict: true,
        meaning: "The token is larger than 8 KiB or has more than 8 blocks.",
        next: "Ask for a fresh token instead of narrowing this one again.",
    }
    TokenMalformed {
        code: "token_malformed", http: 401, oauth: Some("invalid_token"), mcp: Challenge, verdict: true,
        meaning: "The text is not `hp1.` and the base64url of a Biscuit.",
        next: "Send the token exactly as the authority returned it.",
    }
    BundleMissing {
        code: "bundle_missing", http: 503, oauth: None, mcp: ErrorResult, verdict: false,
        meaning: "The service has not yet received a signed bundle, so it knows no keys.",
        next: "Retry shortly; if it lasts, check that the service reaches the authority and pins the right trust root.",
    }
    UnknownKey {
        code: "unknown_key", http: 401, oauth: Some("invalid_token"), mcp: Challenge, verdict: true,
        meaning: "The token names a signing key that is not in the bundle.",
        next: "Ask the authority of this environment for a token; a token of another authority is not accepted.",
    }
    KeyTainted {
        code: "key_tainted", http: 401, oauth: Some("invalid_token"), mcp: Challenge, verdict: true,
        meaning: "The key the token was signed with has been withdrawn as compromised.",
        next: "Ask the authority for a new token.",
    }
    WrongEnvironment {
        code: "wrong_environment", http: 401, oauth: Some("invalid_token"), mcp: Challenge, verdict: true,
        meaning: "The token belongs to another environment.",
        next: "Use a token minted for this environment.",
    }
    WrongPurpose {
        code: "wrong_purpose", http: 401, oauth: Some("invalid_token"), mcp: Challenge, verdict: true,
        meaning: "The key that signed the token is not for tokens of this kind.",
        next: "Use a run token; break-glass tokens work only where a service opted in.",
    }
    SignatureInvalid {
        code: "signature_invalid", http: 401, oauth: Some("invalid_token"), mcp: Challenge, verdict: true,
        meaning: "A signature of the token does not verify: it was altered or not signed by the key it names.",
        next: "Send the token exactly as received; if it was, ask for a new one and report this.",
    }
    TokenNotAdmitted {
        code: "token_not_admitted", http: 401, oauth: Some("invalid_token"), mcp: Challenge, verdict: true,
        meaning: "The token is signed but has a structure that is refused before any evaluation (rules, planted facts, unknown blocks).",
        next: "Narrow tokens only with caveats of the vocabulary.",
    }
    VocabularyUnsupported {
        code: "vocabulary_unsupported", http: 401, oauth: Some("invalid_token"), mcp: Challenge, verdict: true,
        meaning: "The token is of a vocabulary version this verifier does not know.",
        next: "Upgrade the service, or ask for a token of vocabulary version 1.",
    }
    GrantMalformed {
        code: "grant_malformed", http: 401, oauth: Some("invalid_token"), mcp: Challenge, verdict: true,
        meaning: "A fact or a check of the authority block is missing, doubled, of the wrong type or unknown.",
        next: "Mint tokens with Hallpass, or follow docs/token-format.md exactly.",
    }
    CaveatUnknown {
        code: "caveat_unknown", http: 403, oauth: Some("insufficient_scope"), mcp: ErrorResult, verdict: true,
        meaning: "A check of the token is not one of the published caveats.",
        next: "Narrow the token with published caveats only.",
    }
    TokenNotYetValid {
        code: "token_not_yet_valid", http: 401, oauth: Some("invalid_token"), mcp: Challenge, verdict: true,
        meaning: "The token was issued in the future of this service's clock.",
        next: "Check the clocks of the authority and of the service.",
    }
    TokenExpired {
        code: "token_expired", http: 401, oauth: Some("invalid_token"), mcp: Challenge, verdict: true,
        meaning: "The token, or a caveat that shortened its life, has expired.",
        next: "Renew the token for the same run.",
    }
    WrongTenant {
        code: "wrong_tenant", http: 403, oauth: Some("insufficient_scope"), mcp: ErrorResult, verdict: true,
        meaning: "The token is for a tenant this service does not serve.",
        next: "Call the service of the token's tenant.",
    }
    WrongAudience {
        code: "wrong_audience", http: 401, oauth: Some("invalid_token"), mcp: Challenge, verdict: true,
        meaning: "The token is not for this service.",
        next: "Use a route whose tools live at this service.",
    }
    ProofRequired {
        code: "proof_required", http: 401, oauth: Some("invalid_token"), mcp: Challenge, verdict: true,
        meaning: "The call must prove possession of the key the token is bound to, and no proof was accepted.",
        next: "Send a proof of possession, or use a route that waives it.",
    }
    ToolUnknown {
        code: "tool_unknown", http: 403, oauth: Some("insufficient_scope"), mcp: ErrorResult, verdict: true,
        meaning: "The tool is not in the catalogue for this service.",
        next: "Check the tool's name; a new tool must be in the policy before it can be called.",
    }
    ToolNotGranted {
        code: "tool_not_granted", http: 403, oauth: Some("insufficient_scope"), mcp: ErrorResult, verdict: true,
        meaning: "The token does not grant this tool.",
        next: "Use a route that grants the tool, or do without it.",
    }
    CaveatFailed {
        code: "caveat_failed", http: 403, oauth: Some("insufficient_scope"), mcp: ErrorResult, verdict: true,
        meaning: "A caveat added to the token does not allow this call.",
        next: "Use the token before it was narrowed, or stay within the caveat.",
    }
    BundleStale {
        code: "bundle_stale", http: 503, oauth: None, mcp: ErrorResult, verdict: false,
        meaning: "The last heartbeat of the authority is too old for a call of this impact.",
        next: "Retry when the service reaches the authority again.",
    }
    ApprovalRequired {
        code: "approval_required", http: 403, oauth: Some("insufficient_scope"), mcp: ErrorResult, verdict: true,
        meaning: "The token allows this tool only with an approval of exactly this call.",
        next: "Propose the call for approval and repeat it with the approved token.",
    }
    NotFound {
        code: "not_found", http: 404, oauth: None, mcp: ErrorResult, verdict: true,
        meaning: "There is no such thing for this tenant.",
        next: "Check the identifier.",
    }
    Overloaded {
        code: "overloaded", http: 503, oauth: None, mcp: ErrorResult, verdict: false,
        meaning: "The verifier could not decide in time or within its limits.",
        next: "Retry with backoff.",
    }
    JournalUnavailable {
        code: "journal_unavailable", http: 503, oauth: None, mcp: ErrorResult, verdict: false,
        meaning: "The decision could not be recorded, so the call does not run.",
        next: "Retry with backoff; the operator checks the journal's disk.",
    }
}

impl fmt::Display for DenialCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DenialCode {
    type Err = UnknownDenialCode;

    fn from_str(text: &str) -> Result<Self, UnknownDenialCode> {
        Self::ALL
            .iter()
            .copied()
            .find(|code| code.as_str() == text)
            .ok_or(UnknownDenialCode)
    }
}

impl serde::Serialize for DenialCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for DenialCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_distinct_snake_case_and_round_trip() {
        let texts: BTreeSet<_> = DenialCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(texts.len(), DenialCode::ALL.len());
        for code in DenialCode::ALL {
            assert!(
                code.as_str()
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b == b'_')
            );
            assert_eq!(code.as_str().parse(), Ok(*code));
        }
    }

    #[test]
    fn what_is_no_verdict_is_retryable_and_nothing_else_is() {
        for code in DenialCode::ALL {
            assert_eq!(code.http_status() == 503, !code.is_verdict(), "{code}");
        }
    }
}
