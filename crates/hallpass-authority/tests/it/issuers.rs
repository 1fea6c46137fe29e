//! A policy that names issuers, at a build that checks tokens and at one that does not.

use std::sync::Arc;

use hallpass_authority::{Authority, OpenError};
use hallpass_journal::OsStorage;

use crate::fixture::Home;

const ISSUER: &str = r#"
[issuers.people]
issuer = "https://people.example"
audience = "hallpass"
ca_file = "keys/absent.pem"
algorithms = ["EdDSA"]
for = ["subjects"]
"#;

fn refused(policy: &str) -> String {
    let home = Home::new();
    std::fs::write(home.path("policy/issuers.toml"), policy).unwrap();
    let refused = Authority::open_on(&home.directory, home.clock.clone(), Arc::new(OsStorage));
    match refused.unwrap_err() {
        OpenError::Identity(error) => {
            let source = std::error::Error::source(&error).map(ToString::to_string);
            format!("{error}: {}", source.unwrap_or_default())
        }
        other => panic!("{other:?}"),
    }
}

#[cfg(not(feature = "oidc"))]
#[test]
fn a_build_without_openid_refuses_issuers_and_says_which_build_has_it() {
    let told = refused(ISSUER);
    assert!(told.contains("`people` (`issuers.toml` line 2)"), "{told}");
    assert!(
        told.contains("use a build with the feature `oidc` (`full` has it)"),
        "{told}"
    );
}

#[cfg(feature = "oidc")]
#[test]
fn certificates_that_are_not_there_are_told_at_the_start() {
    let told = refused(ISSUER);
    assert!(
        told.contains("issuer `people`") && told.contains("keys/absent.pem"),
        "{told}"
    );
}

#[cfg(feature = "oidc")]
#[tokio::test]
async fn an_issuer_that_is_not_there_holds_up_no_start() {
    let home = Home::new();
    let policy = ISSUER.replace(
        "ca_file = \"keys/absent.pem\"\n",
        "jwks_file = \"keys/absent.json\"\n",
    );
    std::fs::write(home.path("policy/issuers.toml"), policy).unwrap();
    home.serve().await.stop().await;
}
