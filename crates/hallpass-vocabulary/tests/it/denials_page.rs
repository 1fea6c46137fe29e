//! `docs/denials.md` is generated; `HALLPASS_UPDATE_DOCS=1 cargo test -p hallpass-vocabulary` writes it anew.

use std::fmt::Write as _;
use std::path::Path;

use hallpass_vocabulary::DenialCode;

const INTRODUCTION: &str = "\
# Denials

Generated from `crates/hallpass-vocabulary/src/denial.rs`; a test holds the two together.

A denied call carries exactly one code. The codes below are all there are; their text, status and meaning do not
change. They stand in the order in which a verifier looks: the first failure wins, and nothing behind it is evaluated.

Over HTTP a denial is a problem document (RFC 9457): `code` is the code, `instance` the decision id, which is also in
the `Hallpass-Decision` header and, for `hallpass why`, in the journal. A 401 carries a `WWW-Authenticate` challenge
with the OAuth error (RFC 6750 section 3.1). Codes with *verdict: no* say that no verdict could be reached; the call is
denied all the same and may be retried.

A service chooses how much it discloses: `explain` adds the detail, `code` (the default) says the code, `not_found`
answers `wrong_tenant` as if the thing did not exist. The journal keeps the real code and the detail in all three.

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
    page.push_str("| code | HTTP | OAuth error | MCP | verdict | meaning | what to do next |\n");
    page.push_str("|---|---|---|---|---|---|---|\n");
    for code in DenialCode::ALL {
        writeln!(
            page,
            "| `{code}` | {} | {} | {} | {} | {} | {} |",
            code.http_status(),
            code.oauth_error()
                .map_or_else(|| "".to_owned(), |error| format!("`{error}`")),
            code.mcp_form(),
            if code.is_verdict() { "yes" } else { "no" },
            code.meaning(),
            code.next_step(),
        )
        .unwrap();
    }
    page.push_str(
        "\nThe metric label of a decision is its code; an allowed call has the label `allow`.\n",
    );
    page
}
