//! The approval that the fifth check of the authority block asks for, in the Biscuit engine.

use hallpass_keys::Digest;
use hallpass_token::{Grant, mint};

use crate::fixtures::{approver, at, call, next, root, set, spec};

#[test]
fn the_engine_honours_the_approval_the_template_asks_for() {
    use biscuit_auth::builder::AuthorizerBuilder;

    let mut grant = spec();
    grant.tools = set(&["kb.search"]);
    let grant = Grant::new(grant).unwrap();
    let arguments = Digest::of(b"{}");
    let approved = |run: &str, tool: &str, arguments: &Digest, until: &str| {
        format!(r#"approved("{run}", "{tool}", "{arguments}", "apr_1", {until});"#)
    };
    let run = grant.run.to_string();
    let later = "2026-11-21T09:35:00Z";
    let verdict = |signer: &hallpass_keys::SigningKey, block: &str| {
        let text = mint(
            &grant,
            &[],
            &root(1),
            &[approver(9).verifying_key(), approver(8).verifying_key()],
            next(2),
        );
        let text = crate::forge::third_party(text.unwrap().expose(), signer, block);
        let call = call();
        let facts = format!(
            r#"time({now}); call:audience("tickets"); call:env("dev"); call:tool("ticket.close");
               call:args("{arguments}"); call:blocks(2); allow if true;"#,
            now = call.now.to_string().replace(".000", ""),
        );
        let authorizer = AuthorizerBuilder::new().code(facts).unwrap();
        authorizer
            .build(&crate::forge::biscuit(&text))
            .unwrap()
            .authorize()
            .is_ok()
    };
    let good = approved(&run, "ticket.close", &arguments, later);
    assert!(
        verdict(&approver(9), &good) && verdict(&approver(8), &good),
        "either key approves"
    );
    assert!(!verdict(&approver(7), &good), "a foreign key does not");
    let other_run = hallpass_vocabulary::RunId::new(at(0), [9; 10]).to_string();
    for bad in [
        approved(&other_run, "ticket.close", &arguments, later),
        approved(&run, "kb.search", &arguments, later),
        approved(&run, "ticket.close", &Digest::of(b"{\"a\":1}"), later),
        approved(&run, "ticket.close", &arguments, "2026-11-21T09:30:10Z"),
        "check if true;".to_owned(),
    ] {
        assert!(!verdict(&approver(9), &bad), "{bad}");
    }
}
