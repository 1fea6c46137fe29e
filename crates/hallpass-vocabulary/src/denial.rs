//! Denial codes: the closed list of answers other than yes.
//!
//! A code is a promise: its text, HTTP status and meaning do not change. `docs/denials.md` is generated from this
//! file and a test holds the two together. Some codes say that no verdict could be reached; they deny all the same,
//! and [`DenialCode::is_verdict`] tells them apart.
//!
//! The whole order is here, also what no part of this version answers ([`AnsweredBy::Reserved`]): a code that came
//! later would be one that clients and readers of journals do not know.

use std::fmt;
use std::str::FromStr;

use crate::{AnsweredBy, McpForm};

/// A text that is no denial code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a denial code")]
pub struct UnknownDenialCode;

macro_rules! denial_codes {
    ($($variant:ident {
        code: $code:literal, http: $http:literal, oauth: $oauth:expr, mcp: $mcp:ident, verdict: $verdict:literal,
        retry: $retry:literal,
        by: $by:ident $(($kept_for:literal))?,
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

            /// The metric label of an allowed call. No code has this text.
            pub const METRIC_LABEL_ALLOW: &'static str = "allow";

            /// The stable text: in records and problem documents.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// The HTTP status.
            pub fn http_status(self) -> u16 {
                match self { $(Self::$variant => $http),+ }
            }

            /// The metric label of a call denied with this code: its text. One of an allowed call is
            /// [`METRIC_LABEL_ALLOW`](Self::METRIC_LABEL_ALLOW).
            pub fn metric_label(self) -> &'static str {
                self.as_str()
            }

            /// The `error` of a `WWW-Authenticate` challenge (RFC 6750 section 3.1; RFC 9449 section 7.1 for proofs),
            /// where one applies: a 401 is about the token or its proof, and `insufficient_scope` says that another token
            /// could allow the call.
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

            /// Whether the same request may be answered otherwise a moment later, with nothing changed by its sender.
            pub fn is_retryable(self) -> bool {
                match self { $(Self::$variant => $retry),+ }
            }

            /// The part of Hallpass that answers with it; [`AnsweredBy::Reserved`] where none does yet.
            pub fn answered_by(self) -> AnsweredBy {
                match self { $(Self::$variant => AnsweredBy::$by $(($kept_for))?),+ }
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
        code: "request_malformed", http: 400, oauth: Some("invalid_request"), mcp: ErrorResult, verdict: true, retry: false,
        by: Binding,
        meaning: "The request is not a tool call: a header is missing, doubled or unreadable, or the body is not a strict JSON object.",
        next: "Send one JSON object without duplicate names, integers within ±(2^53-1), and each header once.",
    }
    RequestTooLarge {
        code: "request_too_large", http: 413, oauth: Some("invalid_request"), mcp: ErrorResult, verdict: true, retry: false,
        by: Binding,
        meaning: "The arguments are larger or deeper than the service accepts.",
        next: "Send smaller arguments; pass large content by reference.",
    }
    TokenInArguments {
        code: "token_in_arguments", http: 400, oauth: Some("invalid_request"), mcp: ErrorResult, verdict: true, retry: false,
        by: Reserved("the search for tokens in arguments"),
        meaning: "The arguments contain a token; tokens travel out of band, never in arguments or prompts.",
        next: "Take the token out, treat it as leaked, and send this call's own in `Authorization`.",
    }
    TokenMissing {
        code: "token_missing", http: 401, oauth: None, mcp: Challenge, verdict: true, retry: false,
        by: Verifier,
        meaning: "No token came with the call.",
        next: "Ask the authority for a token and send it as `Authorization: Bearer hp1.…`.",
    }
    TokenTooLarge {
        code: "token_too_large", http: 401, oauth: Some("invalid_token"), mcp: Challenge, verdict: true, retry: false,
        by: Verifier,
        meaning: "The token is larger than 8 KiB or has more than 8 blocks.",
        next: "Ask for a fresh token instead of narrowing this one again.",
    }
    TokenMalformed {
        code: "token_malformed", http: 401, oauth: Some("invalid_token"), mcp: Challenge, verdict: true, retry: false,
        by: Verifier,
        meaning: "The text is not `hp1.` and the base64url of a Biscuit.",
        next: "Send the token exactly as the authority returned it.",
    }
    BundleMissing {
        code: "bundle_missing", http: 503, oauth: None, mcp: ErrorResult, verdict: false, retry: true,
        by: Verifier,
        meaning: "The service has not yet received a signed bundle, so it knows no keys.",
        next: "Retry shortly; if it lasts, check that the service reaches the authority and pins the right trust root.",
    }
    UnknownKey {
        code: "unknown_key", http: 401, oauth: Some("invalid_token"), mcp: Challenge, verdict: true, retry: false,
        by: Verifier,
        meaning: "The token names a signing key that is not in the bundle.",
        next: "Ask the authority of this environment for a token; a token of another authority is not accepted.",
    }
    WrongEnvironment {
        code: "wrong_environment", http: 401, oauth: Some("invalid_token"), mcp: Challenge, verdict: true, retry: false,
        by: Verifier,
        meaning: "The token belongs to another environment.",
        next: "Use a token minted for this environment.",
    }
    WrongPurpose {
        code: "wrong_purpose", http: 401, oauth: Some("invalid_token"), mcp: Challenge, verdict: true, retry: false,
        by: Verifier,
        meaning: "The key that signed the token is not for tokens of this kind.",
        next: "Use a run token; break-glass tokens work only where a service opted in.",
    }
    KeyTainted {
        code: "key_tainted", http: 401, oauth: Some("invalid_token"), mcp: Challenge, verdict: true, retry: false,
        by: Verifier,
        meaning: "The key the token was signed with has been withdrawn as compromised.",
        next: "Ask the authority for a new token.",
    }
    SignatureInvalid {
        code: "signature_invalid", http: 401, oauth: Some("invalid_token"), mcp: Challenge, verdict: true, retry: false,
        by: Verifier,
        meaning: "A signature of the token does not verify: it was altered or not signed by the key it names.",
        next: "Send the token exactly as received; if it was, ask for a new one and report this.",
    }
    TokenNotAdmitted {
        code: "token_not_admitted", http: 401, oauth: Some("invalid_token"), mcp: Challenge, verdict: true, retry: false,
        by: Verifier,
        meaning: "The token is signed but has a structure that is refused before any evaluation (rules, planted facts, unknown blocks).",
        next: "Narrow tokens only with caveats of the vocabulary.",
    }
    VocabularyUnsupported {
        code: "vocabulary_unsupported", http: 401, oauth: Some("invalid_token"), mcp: Challenge, verdict: true, retry: false,
        by: Verifier,
        meaning: "The token is of a vocabulary version this verifier does not know.",
        next: "Upgrade the service, or ask for a token of vocabulary version 1.",
    }
    GrantMalformed {
        code: "grant_malformed", http: 401, oauth: Some("invalid_token"), mcp: Challenge, verdict: true, retry: false,
        by: Verifier,
        meaning: "A fact or a check of the authority block is missing, doubled, of the wrong type or unknown.",
        next: "Mint tokens with Hallpass, or follow docs/token-format.md exactly.",
    }
    CaveatUnknown {
        code: "caveat_unknown", http: 403, oauth: Some("insufficient_scope"), mcp: ErrorResult, verdict: true, retry: false,
        by: Verifier,
        meaning: "A check of the token is not one of the published caveats.",
        next: "Narrow the token with published caveats only.",
    }
    BreakGlassNotAccepted {
        code: "break_glass_not_accepted", http: 403, oauth: Some("insufficient_scope"), mcp: ErrorResult, verdict: true, retry: false,
        by: Reserved("break-glass"),
        meaning: "The token is a genuine break-glass token, and this service does not accept those.",
        next: "Use a run token; a service accepts break-glass tokens only where its operator opted in.",
    }
    BreakGlassUnattested {
        code: "break_glass_unattested", http: 403, oauth: Some("insufficient_scope"), mcp: ErrorResult, verdict: true, retry: false,
        by: Reserved("break-glass"),
        meaning: "The break-glass token lacks the attestations of two enrolled operators who are different people.",
        next: "Have two enrolled operators attest it.",
    }
    Stopped {
        code: "stopped", http: 403, oauth: None, mcp: ErrorResult, verdict: true, retry: false,
        by: Verifier,
        meaning: "A stop is in force for the run, the tool, the service, the tenant or something else this call is part of.",
        next: "Stop working; no other token helps, and an operator says when the stop ends.",
    }
    TokenRevoked {
        code: "token_revoked", http: 401, oauth: Some("invalid_token"), mcp: Challenge, verdict: true, retry: false,
        by: Verifier,
        meaning: "The token is revoked, or was issued before a cut-off that covers it.",
        next: "Ask the authority for a new token; it says whether the run may go on.",
    }
    TokenNotYetValid {
        code: "token_not_yet_valid", http: 401, oauth: Some("invalid_token"), mcp: Challenge, verdict: true, retry: false,
        by: Verifier,
        meaning: "The token was issued in the future of this service's clock.",
        next: "Check the clocks of the authority and of the service.",
    }
    TokenExpired {
        code: "token_expired", http: 401, oauth: Some("invalid_token"), mcp: Challenge, verdict: true, retry: false,
        by: Verifier,
        meaning: "The token, or a caveat that shortened its life, has expired.",
        next: "Renew the token for the same run.",
    }
    WrongTenant {
        code: "wrong_tenant", http: 403, oauth: Some("insufficient_scope"), mcp: ErrorResult, verdict: true, retry: false,
        by: Verifier,
        meaning: "The token is for a tenant this service does not serve.",
        next: "Call the service of the token's tenant.",
    }
    WrongAudience {
        code: "wrong_audience", http: 401, oauth: Some("invalid_token"), mcp: Challenge, verdict: true, retry: false,
        by: Verifier,
        meaning: "The token is not for this service.",
        next: "Use a route whose tools live at this service.",
    }
    ProofRequired {
        code: "proof_required", http: 401, oauth: Some("invalid_token"), mcp: Challenge, verdict: true, retry: false,
        by: Verifier,
        meaning: "The call must prove possession of the key the token is bound to, and no proof was accepted.",
        next: "Send a proof of possession, or use a route that waives it.",
    }
    ProofInvalid {
        code: "proof_invalid", http: 401, oauth: Some("invalid_dpop_proof"), mcp: Challenge, verdict: true, retry: false,
        by: Reserved("proofs of possession"),
        meaning: "A proof of possession came and is not by the holder's key, not of exactly this call and token, or not of now.",
        next: "Make a proof for this call over the token as it is sent; check the clock.",
    }
    PredatesJournal {
        code: "predates_journal", http: 403, oauth: Some("insufficient_scope"), mcp: ErrorResult, verdict: true, retry: false,
        by: Reserved("proofs of possession and approvals"),
        meaning: "The proof or the approval is older than the service's journal, which cannot show that it is unused.",
        next: "Make a new proof, or propose the call for approval again.",
    }
    ProofReplayed {
        code: "proof_replayed", http: 401, oauth: Some("invalid_dpop_proof"), mcp: Challenge, verdict: true, retry: false,
        by: Reserved("proofs of possession"),
        meaning: "The proof of possession was used before.",
        next: "Make a new proof for each request, also for a retry.",
    }
    ToolUnknown {
        code: "tool_unknown", http: 403, oauth: Some("insufficient_scope"), mcp: ErrorResult, verdict: true, retry: false,
        by: Verifier,
        meaning: "The tool is not in the catalogue for this service.",
        next: "Check the tool's name; a new tool must be in the policy before it can be called.",
    }
    ToolNotGranted {
        code: "tool_not_granted", http: 403, oauth: Some("insufficient_scope"), mcp: ErrorResult, verdict: true, retry: false,
        by: Verifier,
        meaning: "The token does not grant this tool.",
        next: "Use a route that grants the tool, or do without it.",
    }
    CaveatFailed {
        code: "caveat_failed", http: 403, oauth: Some("insufficient_scope"), mcp: ErrorResult, verdict: true, retry: false,
        by: Verifier,
        meaning: "A caveat added to the token does not allow this call.",
        next: "Use the token before it was narrowed, or stay within the caveat.",
    }
    PolicyDenied {
        code: "policy_denied", http: 403, oauth: Some("insufficient_scope"), mcp: ErrorResult, verdict: true, retry: false,
        by: Verifier,
        meaning: "The service's own rules do not allow this call.",
        next: "Stay within the service's rules, or ask its operator.",
    }
    BundleStale {
        code: "bundle_stale", http: 503, oauth: None, mcp: ErrorResult, verdict: false, retry: true,
        by: Verifier,
        meaning: "The last heartbeat of the authority is too old for a call of this impact.",
        next: "Retry when the service reaches the authority again.",
    }
    BreakerOpen {
        code: "breaker_open", http: 503, oauth: None, mcp: ErrorResult, verdict: false, retry: true,
        by: Reserved("the guard"),
        meaning: "The tool failed so often that the service does not try it for now.",
        next: "Retry after the time the answer names.",
    }
    ArgumentsInvalid {
        code: "arguments_invalid", http: 422, oauth: None, mcp: ErrorResult, verdict: true, retry: false,
        by: Reserved("the guard"),
        meaning: "The arguments do not have the form the catalogue declares for this tool.",
        next: "Correct the arguments by the tool's schema.",
    }
    IdempotencyKeyRequired {
        code: "idempotency_key_required", http: 400, oauth: Some("invalid_request"), mcp: ErrorResult, verdict: true, retry: false,
        by: Reserved("the guard"),
        meaning: "The tool changes something, and the call has no idempotency key.",
        next: "Send an `Idempotency-Key`, and the same one with every retry of this change.",
    }
    IdempotencyConflict {
        code: "idempotency_conflict", http: 422, oauth: None, mcp: ErrorResult, verdict: true, retry: false,
        by: Reserved("the guard"),
        meaning: "The idempotency key belongs to an earlier call of another tool or with other arguments.",
        next: "Use a new key for a new change.",
    }
    InProgress {
        code: "in_progress", http: 409, oauth: None, mcp: ErrorResult, verdict: true, retry: true,
        by: Reserved("the guard"),
        meaning: "The call with this idempotency key is still running; it is not started twice.",
        next: "Wait, then send the same call with the same key.",
    }
    OutcomeUnknown {
        code: "outcome_unknown", http: 409, oauth: None, mcp: ErrorResult, verdict: true, retry: false,
        by: Reserved("the guard"),
        meaning: "The call with this idempotency key began and its end is on no record: it may have had effects.",
        next: "Find out at the service whether it took effect; only then repeat it, with a new key.",
    }
    AlreadyDone {
        code: "already_done", http: 409, oauth: None, mcp: ErrorResult, verdict: true, retry: false,
        by: Reserved("the guard"),
        meaning: "The call with this idempotency key has ended; it does not run again, and nothing is spent.",
        next: "Take the earlier decision, which the answer names, as the answer; use a new key to do it again.",
    }
    LoopDetected {
        code: "loop_detected", http: 403, oauth: None, mcp: ErrorResult, verdict: true, retry: false,
        by: Reserved("the guard"),
        meaning: "The run makes or retries the same call more often than the service allows.",
        next: "Try something else; waiting does not help, and neither does another token of the run.",
    }
    RateLimited {
        code: "rate_limited", http: 429, oauth: None, mcp: ErrorResult, verdict: true, retry: true,
        by: Reserved("the guard"),
        meaning: "More calls came than a limit of the service allows in this time.",
        next: "Retry after the time the answer names.",
    }
    ApprovalRequired {
        code: "approval_required", http: 403, oauth: Some("insufficient_scope"), mcp: ErrorResult, verdict: true, retry: false,
        by: Verifier,
        meaning: "The token allows this tool only with an approval of exactly this call.",
        next: "Propose the call for approval and repeat it with the approved token.",
    }
    ApprovalInvalid {
        code: "approval_invalid", http: 403, oauth: Some("insufficient_scope"), mcp: ErrorResult, verdict: true, retry: false,
        by: Reserved("approvals"),
        meaning: "An approval came and is not of exactly this call and run, or not by a key of the bundle.",
        next: "Append the approval of this call as it was given, and change nothing in the call.",
    }
    ApprovalExpired {
        code: "approval_expired", http: 403, oauth: Some("insufficient_scope"), mcp: ErrorResult, verdict: true, retry: false,
        by: Reserved("approvals"),
        meaning: "The approval has expired.",
        next: "Propose the call for approval again.",
    }
    Draining {
        code: "draining", http: 503, oauth: None, mcp: ErrorResult, verdict: false, retry: true,
        by: Verifier,
        meaning: "The service is shutting down and begins no more calls.",
        next: "Retry; another instance answers, or this one when it is back.",
    }
    ClaimsNotShared {
        code: "claims_not_shared", http: 503, oauth: None, mcp: ErrorResult, verdict: false, retry: true,
        by: Reserved("spend domains"),
        meaning: "Several instances of the service are live and share no store, so none can promise single use.",
        next: "Retry later; the operator gives the instances a shared store, or leaves one running.",
    }
    ApprovalSpent {
        code: "approval_spent", http: 403, oauth: Some("insufficient_scope"), mcp: ErrorResult, verdict: true, retry: false,
        by: Reserved("approvals"),
        meaning: "The approval was used before.",
        next: "Look for the call it was used for; propose the call again if it is to run once more.",
    }
    BudgetExhausted {
        code: "budget_exhausted", http: 403, oauth: Some("insufficient_scope"), mcp: ErrorResult, verdict: true, retry: false,
        by: Verifier,
        meaning: "The run has spent its budget, and renewing the token does not refill it.",
        next: "End the run; what is left to do needs a run of its own.",
    }
    Overloaded {
        code: "overloaded", http: 503, oauth: None, mcp: ErrorResult, verdict: false, retry: true,
        by: Verifier,
        meaning: "The verifier could not decide in time or within its limits.",
        next: "Retry with backoff.",
    }
    JournalUnavailable {
        code: "journal_unavailable", http: 503, oauth: None, mcp: ErrorResult, verdict: false, retry: true,
        by: Verifier,
        meaning: "The decision could not be recorded, so the call does not run.",
        next: "Retry with backoff; the operator checks the journal's disk.",
    }
    NotFound {
        code: "not_found", http: 404, oauth: None, mcp: ErrorResult, verdict: true, retry: false,
        by: Verifier,
        meaning: "There is no such thing for this tenant.",
        next: "Check the identifier.",
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
mod tests;
