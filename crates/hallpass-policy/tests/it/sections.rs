//! The sections around tools and routes, as they are asked, and where their rules have an edge.

use hallpass_policy::{Algorithm, KeySource, Policy, Undo, Vouches};

use crate::section_policy::{files, key, said};

#[test]
fn every_section_is_there_to_be_asked() {
    let policy = Policy::parse(&files(&[], &[])).unwrap();
    assert_eq!(policy.warnings(), []);
    let desk = "desk".parse().unwrap();
    let (cluster, staff) = ("cluster".parse().unwrap(), "staff".parse().unwrap());
    let client = policy.client(&desk).unwrap();
    assert_eq!(
        (client.summary(), client.mints_per_minute()),
        ("The desk", Some(60))
    );
    assert_eq!(policy.client_mints_per_minute(&desk), 60);
    assert_eq!(
        policy.client_mints_per_minute(&"other".parse().unwrap()),
        100
    );
    assert_eq!(policy.limits().tenant_mints_per_minute(), 60_000);

    let claim = |text: &'static str| move |name: &str| (name == "ns").then_some(text);
    let found = |issuer, subject, text| {
        let found = policy.client_of_workload(issuer, subject, claim(text));
        found.map(|(client, _)| client.as_str())
    };
    assert_eq!(found(&cluster, "sa:desk", "agents"), Some("desk"));
    assert_eq!(found(&cluster, "sa:desk", "other"), None);
    assert_eq!(found(&cluster, "sa:des", "agents"), None);
    assert_eq!(found(&staff, "sa:desk", "agents"), None);

    let (name, issuer) = policy.issuer_of("https://staff.example").unwrap();
    assert_eq!(name.as_str(), "staff");
    assert_eq!(issuer.algorithms(), [Algorithm::EdDsa]);
    assert!(issuer.vouches_for(Vouches::Subjects) && !issuer.vouches_for(Vouches::Clients));
    assert_eq!(*issuer.keys(), KeySource::Discovery);
    let subjects = issuer.subjects();
    assert_eq!((subjects.subject(), subjects.prefix()), ("sub", "user:"));
    assert_eq!(
        subjects.roles().get("support-team").unwrap().as_str(),
        "support"
    );

    let dana = policy.operator_of_key(&key(1).id()).unwrap();
    assert_eq!(
        (dana.operator.as_str(), dana.key),
        ("op:dana", &key(1).verifying_key())
    );
    assert!(policy.operator_of_key(&key(3).id()).is_none());
    let leads = policy.group(&"leads".parse().unwrap()).unwrap();
    assert_eq!(leads.members().len(), 2);
    assert_eq!(policy.operators().count(), 2);
}

#[test]
fn keys_come_over_tls_or_from_this_machine() {
    for url in [
        "https://a.example/jwks",
        "http://localhost:1/k",
        "http://127.0.0.1/k",
        "http://[::1]:8/k",
    ] {
        let jwks = format!("for = [\"clients\"]\njwks_url = \"{url}\"");
        assert_eq!(
            said(&[("for = [\"clients\"]", &jwks)], &[]),
            "accepted",
            "{url}"
        );
    }
    // Where a file has the keys, an issuer may be any text.
    let file = [
        ("https://cluster.example", "kubernetes/serviceaccount"),
        (
            "for = [\"clients\"]",
            "for = [\"clients\"]\njwks_file = \"keys/cluster.json\"",
        ),
    ];
    assert_eq!(said(&file, &[]), "accepted");
}

#[test]
fn workloads_that_differ_in_a_claim_both_name_are_two_clients() {
    let second = |claims: &str| {
        let section = format!(
            "[clients.two]\nsummary = \"Two\"\nactors = \"agent:*\"\nissuer = \"cluster\"\nsubject = \"sa:desk\"\nclaims = {claims}\n[issuers.cluster]"
        );
        said(&[("[issuers.cluster]", &section)], &[])
    };
    assert_eq!(second("{ ns = \"other\" }"), "accepted");
    assert!(
        second("{ ns = \"agents\", pod = \"x\" }").contains("could be one of client `desk` too")
    );
    assert!(second("{}").contains("could be one of client `desk` too"));
}

#[test]
fn schemas_are_read_as_strictly_as_arguments() {
    let named = [(
        "summary = \"Update\"",
        "summary = \"Update\"\nschema = \"update.json\"",
    )];
    let with = |text: &str| said(&named, &[("update.json", text)]);
    assert_eq!(with("{\"type\": \"object\"}"), "accepted");
    for (text, line) in [("{\n\"a\": 1,\n\"a\": 2}", 3), ("[]", 1), ("{", 1), ("", 1)] {
        let told = with(text);
        assert!(
            told.starts_with(&format!("update.json:{line}: the schema cannot be read: ")),
            "{text}: {told}"
        );
        assert_eq!(told.lines().count(), 1, "{told}");
    }
    let policy =
        Policy::parse(&files(&named, &[("update.json", "{\"type\": \"object\"}")])).unwrap();
    let update = policy.tool(&"ticket.update".parse().unwrap()).unwrap();
    assert_eq!(update.schema().unwrap()["type"], "object");
}

#[test]
fn what_a_tool_says_for_later_is_kept() {
    let told = "summary = \"Update\"\nundo = \"kb.search\"\npreview = \"\"\"\nSet {/n}\n\"\"\"\n\
                acts_on = \"case.file\"\nschema = { type = \"object\", maxProperties = 2 }\nlimits = { calls_per_minute = 7 }";
    let policy = Policy::parse(&files(&[("summary = \"Update\"", told)], &[])).unwrap();
    let update = policy.tool(&"ticket.update".parse().unwrap()).unwrap();
    assert_eq!(
        update.undo(),
        Some(&Undo::Tool("kb.search".parse().unwrap()))
    );
    assert_eq!(update.preview(), Some("Set {/n}\n"));
    assert_eq!(update.acts_on(), "case.file");
    assert_eq!(update.schema().unwrap()["maxProperties"], 2);
    assert_eq!(update.limits().calls_per_minute(), Some(7));
    let search = policy.tool(&"kb.search".parse().unwrap()).unwrap();
    assert_eq!(
        (search.acts_on(), search.undo(), search.schema()),
        ("kb", None, None)
    );
    let words = [(
        "summary = \"Update\"",
        "summary = \"Update\"\nundo = \"Set it back\"",
    )];
    let policy = Policy::parse(&files(&words, &[])).unwrap();
    let update = policy.tool(&"ticket.update".parse().unwrap()).unwrap();
    assert_eq!(update.undo(), Some(&Undo::Text("Set it back".to_owned())));
}

#[test]
fn one_file_has_the_limits() {
    let told = said(&[], &[("a.toml", "# limits\n[limits]\n")]);
    assert_eq!(told, "p.toml:47: `[limits]` is already in `a.toml`");
}

#[test]
fn a_file_that_cannot_be_read_hides_nothing_behind_what_it_would_have_defined() {
    let told = said(&[], &[("more.toml", "[clients.x\n")]);
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.starts_with("more.toml:1:"), "{told}");
}
