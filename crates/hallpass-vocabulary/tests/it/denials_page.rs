//! `docs/denials.md` is generated; `HALLPASS_UPDATE_DOCS=1 cargo test -p hallpass-vocabulary` writes it anew.

use std::fmt::Write as _;
use std::path::Path;

use hallpass_vocabulary::DenialCode;

const INTRODUCTION: &str = "\
# Denials

Generated from `crates/hallpass-vocabulary/src/denial.rs`; a test holds the two together.

A denied call carries exactly one code. The codes below are all there are; their text, status and meaning do not
change. They stand in the order in which a call is looked at: the first failure wins, and nothing behind it is evaluated.

## The order

The form of the request; the form of the token; the key it names, with its environment and purpose; signatures;
admission and vocabulary; break-glass; revocations and stops; time; tenant and audience; proof of possession; the tool
and the caveats; the service's own rules; the age of the bundle; what a guard checks (breaker, arguments, idempotency,
loops, rates); approvals; what is spent; the record.

- **The age of the bundle comes late on purpose.** It stops calls that all else would allow; what is denied anyway is
  denied for its own reason, which is no better for a retry.
- **A few codes are answered at two steps** and stand at the first: `wrong_environment` (the key's, then the token's),
  `predates_journal` (a proof, then an approval).
- **What is spent comes last before the record**, so that a call that is denied for anything else spends nothing
  ([spending.md](spending.md)). `draining` stands before it: only a call that all else would allow is told to come again.
- **The last three have no step of their own.** `overloaded` may end any step, `journal_unavailable` is the record
  itself, and `not_found` comes after it: a permitted call asked for a row that is not its own.

## Who answers

*Binding* reads the request (HTTP: `crates/hallpass-axum`), the *verifier* decides, the *guard* is the pipeline around a
tool call. *Reserved* means that no part of this version answers so; the code is kept for what stands behind the colon,
so that a client or a reader of journals written today knows it when it comes. The forms for MCP are reserved in the same
way: no part of this version speaks MCP.

## Over HTTP

A denial is a problem document (RFC 9457): `code` is the code, `instance` the decision id, which is also in
the `Hallpass-Decision` header and, for `hallpass why`, in the journal ([http-binding.md](http-binding.md)).

- **Challenge.** Every 401 carries `WWW-Authenticate: Bearer`, with the OAuth error where there is one. So does a 403 with
  `insufficient_scope`: another token could allow the call, of another route, run or tenant or with an approval. A 403
  without an OAuth error has no challenge: no other token helps. The errors are those of RFC 6750 section 3.1, and
  `invalid_dpop_proof` of RFC 9449 section 7.1 where the token is good and its proof is not.
- **Retry.** *verdict: no* says that no verdict could be reached; the call is denied all the same. These, and nothing
  else, are 503. *retry: yes* says that the same request may be answered otherwise a moment later; these answers carry
  `Retry-After`. They are all that are no verdict, and two verdicts that pass: a limit on rates, and a call that runs still.

## What a service discloses

| level | the caller sees | `wrong_tenant` reads as |
|---|---|---|
| `explain` | the code and the detail | `wrong_tenant` |
| `code` (the default) | the code | `wrong_tenant` |
| `not_found` | the code | `not_found`, status and text included |

A row of another tenant or another owner is `not_found` at every level, to the letter what a row that does not exist
answers; only `explain` adds whose it is. The journal keeps what it was, with the detail, at every level.

## The codes

";

#[test]
fn the_denials_page_says_what_the_enum_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/denials.md");
    let page = render();
    if std::env::var_os("HALLPASS_UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/denials.md differs from the enum; run HALLPASS_UPDATE_DOCS=1 cargo test -p hallpass-vocabulary"
    );
}

fn render() -> String {
    let mut page = INTRODUCTION.to_owned();
    page.push_str(
        "| code | HTTP | OAuth error | MCP | verdict | retry | answered by | metric label | meaning | what to do next |\n",
    );
    page.push_str("|---|---|---|---|---|---|---|---|---|---|\n");
    for code in DenialCode::ALL {
        writeln!(
            page,
            "| `{code}` | {} | {} | {} | {} | {} | {} | `{}` | {} | {} |",
            code.http_status(),
            code.oauth_error()
                .map_or_else(|| "".to_owned(), |error| format!("`{error}`")),
            code.mcp_form(),
            yes_or_no(code.is_verdict()),
            yes_or_no(code.is_retryable()),
            code.answered_by(),
            code.metric_label(),
            code.meaning(),
            code.next_step(),
        )
        .unwrap();
    }
    let allow = DenialCode::METRIC_LABEL_ALLOW;
    writeln!(page, "\nThe metric label of an allowed call is `{allow}`.").unwrap();
    page
}

fn yes_or_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}
