//! `tokens verify` decides as a service does: the same code for the same token and call.

use std::collections::BTreeMap;
use std::sync::Arc;

use hallpass_args::{Arguments, ToolCall};
use hallpass_bundle::{Snapshots, accept};
use hallpass_journal::{Journal, JournalName, Settings};
use hallpass_testkit::FixedClock;
use hallpass_token::{BudgetUnit, GrantSpec};
use hallpass_verifier::{Disclosure, JournalledArguments, ServicePolicy, Setup, Tenancy, Verifier};
use hallpass_vocabulary::{ProofRule, RequestId, Timestamp};

use crate::world::{World, at, damaged, environment, minted, names, spec, token};

pub fn verifier(world: &World, journal: &std::path::Path, audience: &str) -> Verifier {
    let clock = FixedClock::at(at(0));
    let settings = Settings::new(
        environment("dev"),
        JournalName::new("tickets").unwrap(),
        Arc::new(clock.clone()),
    );
    let snapshot = accept(&world.published, &world.trust_root, None, at(0)).unwrap();
    Verifier::new(Setup {
        audience: audience.parse().unwrap(),
        environment: environment("dev"),
        tenancy: Tenancy::Many,
        policy: ServicePolicy::none(),
        journalled: JournalledArguments::none(),
        disclosure: Disclosure::Code,
        profile: hallpass_verifier::Profile::Standard,
        spend: hallpass_verifier::Spend::ThisJournal,
        recording: hallpass_verifier::Recording::standard(),
        journal: Journal::open(journal, settings).unwrap(),
        snapshots: Arc::new(Snapshots::new(snapshot)),
        clock: Arc::new(clock),
    })
}

fn with(change: impl FnOnce(&mut GrantSpec)) -> String {
    let mut spec = spec();
    change(&mut spec);
    minted(spec, 1)
}

#[test]
fn the_rehearsal_is_what_a_service_decides() {
    let world = World::new();
    let desk = world.desk();
    let narrow = |token: &str, caveat: [&str; 2]| {
        desk.run_with(&["tokens", "attenuate", "-", caveat[0], caveat[1]], token)
            .expect(0)
            .stdout
            .trim()
            .to_owned()
    };
    let unknown_key = minted(spec(), 77);
    let prod = {
        let mut prod = spec();
        prod.environment = environment("prod");
        minted(prod, 2)
    };
    let cases: Vec<(&str, String, &str, &str, i64)> = vec![
        ("allowed", token(), "tickets", "kb.search", 10),
        (
            "allowed after narrowing",
            narrow(&token(), ["--only-tool", "kb.search"]),
            "tickets",
            "kb.search",
            10,
        ),
        ("junk", "hp1.AAAA".to_owned(), "tickets", "kb.search", 10),
        ("damaged", damaged(&token()), "tickets", "kb.search", 10),
        ("unknown key", unknown_key, "tickets", "kb.search", 10),
        ("tainted key", minted(spec(), 3), "tickets", "kb.search", 10),
        ("other environment", prod, "tickets", "kb.search", 10),
        ("expired", token(), "tickets", "kb.search", 600),
        (
            "not yet valid",
            with(|spec| (spec.issued, spec.expires) = (at(100), at(700))),
            "tickets",
            "kb.search",
            10,
        ),
        ("other audience", token(), "mail", "mail.send", 10),
        (
            "tool of another audience",
            token(),
            "tickets",
            "mail.send",
            10,
        ),
        ("unknown tool", token(), "tickets", "no.tool", 10),
        ("not granted", token(), "tickets", "ticket.close", 10),
        ("needs approval", token(), "tickets", "ticket.update", 10),
        (
            "caveat",
            narrow(&token(), ["--only-tool", "tickets.get"]),
            "tickets",
            "kb.search",
            10,
        ),
        (
            "caveat on services",
            narrow(&token(), ["--only-audience", "mail"]),
            "tickets",
            "kb.search",
            10,
        ),
        (
            "caveat on arguments",
            narrow(&token(), ["--arg", "/limit<=10"]),
            "tickets",
            "kb.search",
            10,
        ),
        (
            "proof",
            with(|spec| spec.proof = ProofRule::Always),
            "tickets",
            "kb.search",
            10,
        ),
        (
            "proof before unknown tool",
            with(|spec| spec.proof = ProofRule::Writes),
            "tickets",
            "no.tool",
            10,
        ),
        (
            "budgets",
            with(|spec| spec.budgets = BTreeMap::from([(BudgetUnit::Calls, 1)])),
            "tickets",
            "kb.search",
            10,
        ),
        (
            "stale",
            with(|spec| {
                spec.tools = names(&["ticket.close"]);
                (spec.issued, spec.expires) = (at(0), at(600));
            }),
            "tickets",
            "ticket.close",
            61,
        ),
    ];
    let journals = hallpass_testkit::temp_dir();
    let verifiers: BTreeMap<&str, Verifier> = ["tickets", "mail"]
        .into_iter()
        .map(|audience| {
            (
                audience,
                verifier(&world, &journals.path().join(audience), audience),
            )
        })
        .collect();
    let mut codes = Vec::new();
    for (name, token, audience, tool, second) in &cases {
        let now: Timestamp = at(*second);
        let call = ToolCall {
            audience: audience.parse().unwrap(),
            tool: tool.parse().unwrap(),
            args: Arguments::parse(b"{}").unwrap(),
            request_id: RequestId::new(now, [0; 10]),
            idempotency_key: None,
            trace: None,
            attempt: None,
        };
        let decided = verifiers[audience].check(Some(token), call, now).denial();
        let answer = desk.run_with(
            &[
                "tokens",
                "verify",
                "-",
                "--trust-root",
                "trust-root.txt",
                "--bundle",
                "bundle.json",
                "--audience",
                audience,
                "--tool",
                tool,
                "--at",
                &now.to_string(),
                "--json",
                "--explain",
                "--engine",
            ],
            token,
        );
        let rehearsed = answer.json();
        let steps = rehearsed["steps"].as_array().unwrap();
        let fails = steps.iter().filter(|step| step["outcome"] == "fails");
        // Text that is no token comes to no step.
        let failing = usize::from(decided.is_some() && *name != "junk");
        assert_eq!(fails.count(), failing, "{name}: {steps:?}");
        let code = decided.map_or("allow", |code| code.as_str());
        assert_eq!(
            rehearsed["code"].as_str().unwrap_or("allow"),
            code,
            "{name}"
        );
        assert_eq!(answer.exit, i32::from(decided.is_some()), "{name}");
        codes.push(code);
    }
    // The cases are no cases unless they reach different answers.
    codes.sort_unstable();
    codes.dedup();
    assert!(codes.len() >= 15, "{codes:?}");
}
