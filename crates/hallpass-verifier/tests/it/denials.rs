//! Every code a verifier can answer, each from the input that deserves it, and the order among them.

use std::time::Duration;

use hallpass_bundle::{Cutoff, IdSet, KeyState, LocalStops, Restrictions, Revocation, Stop};
use hallpass_keys::Purpose;
use hallpass_token::{BreakGlass, Caveat, Grant, NameSet, NextSecret, mint};
use hallpass_verifier::{Disclosure, Rule, ServicePolicy, Tenancy};
use hallpass_vocabulary::{AnsweredBy, DenialCode, ProofRule, StopId};

use crate::world::*;

#[test]
fn a_granted_call_is_allowed() {
    let world = World::new();
    for name in ["kb.search", "tickets.get", "ticket.update"] {
        drop(
            world
                .call(token(|_| ()).expose(), name)
                .unwrap()
                .finish(hallpass_verifier::Outcome::succeeded(b"{}")),
        );
    }
}

#[test]
fn what_is_no_token_says_how() {
    let world = World::new();
    let good = token(|_| ());
    assert_eq!(
        world
            .verifier
            .authorize(None, call("kb.search"))
            .wait()
            .unwrap_err()
            .code(),
        DenialCode::TokenMissing
    );
    for text in [
        "",
        "hp1.",
        "hp2.AAAA",
        "eyJhbGciOi",
        &good.expose()[4..],
        &format!("{} ", good.expose()),
    ] {
        assert_eq!(
            world.denial(text, "kb.search"),
            DenialCode::TokenMalformed,
            "{text:?}"
        );
    }
    let huge = format!("hp1.{}", "A".repeat(12_000));
    assert_eq!(world.denial(&huge, "kb.search"), DenialCode::TokenTooLarge);
}

#[test]
fn every_flipped_bit_of_a_token_is_refused() {
    let world = World::new();
    let good = token(|_| ()).expose().to_owned();
    for position in 4..good.len() {
        let mut bytes = good.clone().into_bytes();
        bytes[position] = if bytes[position] == b'A' { b'B' } else { b'A' };
        let text = String::from_utf8(bytes).unwrap();
        if text == good {
            continue;
        }
        assert!(
            world.call(&text, "kb.search").is_err(),
            "position {position}"
        );
    }
}

#[test]
fn keys_decide_environment_and_purpose() {
    let world = World::new();
    let by = |seed, environment: &str| {
        let mut spec = grant();
        spec.environment = env(environment);
        signed_by(seed, spec)
    };
    assert_eq!(
        world.denial(by(STRANGER_KEY, "prod").expose(), "kb.search"),
        DenialCode::UnknownKey
    );
    assert_eq!(
        world.denial(by(STAGING_KEY, "staging").expose(), "kb.search"),
        DenialCode::WrongEnvironment
    );
    assert_eq!(
        world.denial(by(BREAK_GLASS_KEY, "prod").expose(), "kb.search"),
        DenialCode::WrongPurpose
    );
    assert_eq!(
        world.denial(by(TAINTED_KEY, "prod").expose(), "kb.search"),
        DenialCode::KeyTainted
    );
    // A staging key cannot sign itself into prod, nor a prod key a token of staging.
    assert_eq!(
        world.denial(by(STAGING_KEY, "prod").expose(), "kb.search"),
        DenialCode::WrongEnvironment
    );
    assert_eq!(
        world.denial(by(RUN_KEY, "staging").expose(), "kb.search"),
        DenialCode::WrongEnvironment
    );
}

#[test]
fn a_bundle_of_another_environment_is_none() {
    let world = World::without_bundle(Tenancy::Many, Disclosure::Explain);
    // It lists the very key this token is signed with, as a key of this service's environment.
    let staging = snapshot_of("staging", NOW, KeyState::Active);
    assert!(world.snapshots.publish(staging));
    assert_eq!(
        world.denial(token(|_| ()).expose(), "kb.search"),
        DenialCode::BundleMissing
    );
}

#[test]
fn time_bounds_a_token_on_both_sides() {
    let at = |seconds: i64| {
        let world = World::new();
        let now = hallpass_vocabulary::Timestamp::from_unix_seconds(NOW.unix_seconds() + seconds);
        world
            .verifier
            .check(Some(token(|_| ()).expose()), call("kb.search"), now)
            .denial()
    };
    assert_eq!(at(0), None);
    assert_eq!(at(599), None);
    assert_eq!(at(600), Some(DenialCode::TokenExpired));
    // The authority's clock may be ahead: thirty seconds must not matter, an hour must.
    assert_eq!(at(-30), None);
    assert_eq!(at(-3_600), Some(DenialCode::TokenNotYetValid));
}

#[test]
fn a_caveat_on_time_ends_a_token_early() {
    let world = World::new();
    let short = narrowed(
        &token(|_| ()),
        Caveat::ExpiresBefore(NOW.after(Duration::from_secs(60))),
    );
    assert!(world.call(short.expose(), "kb.search").is_ok());
    world.clock.set(NOW.after(Duration::from_secs(60)));
    assert_eq!(
        world.denial(short.expose(), "kb.search"),
        DenialCode::TokenExpired
    );
}

#[test]
fn a_service_of_one_tenant_serves_no_other() {
    let world = World::with(Tenancy::Only(tenant("globex")), Disclosure::Code);
    assert_eq!(
        world.denial(token(|_| ()).expose(), "kb.search"),
        DenialCode::WrongTenant
    );
    assert!(
        world
            .call(
                token(|spec| spec.tenant = tenant("globex")).expose(),
                "kb.search"
            )
            .is_ok()
    );
}

#[test]
fn the_audience_is_the_services_own() {
    let world = World::new();
    let elsewhere = token(|spec| spec.audiences = [audience("mailer")].into());
    assert_eq!(
        world.denial(elsewhere.expose(), "kb.search"),
        DenialCode::WrongAudience
    );
    let mut misdirected = call("kb.search");
    misdirected.audience = audience("mailer");
    let both = token(|spec| spec.audiences = [audience("mailer"), audience("tickets")].into());
    let refusal = world
        .verifier
        .authorize(Some(both.expose()), misdirected)
        .wait()
        .unwrap_err();
    assert_eq!(refusal.code(), DenialCode::WrongAudience);
}

#[test]
fn a_proof_is_demanded_by_the_token_and_never_assumed() {
    let world = World::new();
    let writes = token(|spec| spec.proof = ProofRule::Writes);
    assert!(world.call(writes.expose(), "kb.search").is_ok());
    assert_eq!(
        world.denial(writes.expose(), "ticket.update"),
        DenialCode::ProofRequired
    );
    let always = token(|spec| spec.proof = ProofRule::Always);
    assert_eq!(
        world.denial(always.expose(), "kb.search"),
        DenialCode::ProofRequired
    );
    // A tool nobody knows counts as the most harmful.
    assert_eq!(
        world.denial(writes.expose(), "ticket.explode"),
        DenialCode::ProofRequired
    );
}

#[test]
fn tools_are_granted_by_name_and_known_by_catalogue() {
    let world = World::new();
    let wide = token(|spec| {
        spec.tools = ["kb.search", "mail.send", "ticket.explode"]
            .map(tool)
            .into()
    });
    assert_eq!(
        world.denial(wide.expose(), "ticket.explode"),
        DenialCode::ToolUnknown
    );
    assert_eq!(
        world.denial(wide.expose(), "mail.send"),
        DenialCode::ToolUnknown
    );
    assert_eq!(
        world.denial(wide.expose(), "tickets.get"),
        DenialCode::ToolNotGranted
    );
}

#[test]
fn a_narrowed_token_keeps_to_its_caveats() {
    let world = World::new();
    let only = narrowed(
        &token(|_| ()),
        Caveat::OnlyTools(NameSet::new([tool("kb.search")]).unwrap()),
    );
    assert!(world.call(only.expose(), "kb.search").is_ok());
    let refusal = world.call(only.expose(), "tickets.get").unwrap_err();
    assert_eq!(refusal.code(), DenialCode::CaveatFailed);
    assert!(
        refusal.detail().unwrap().contains("kb.search"),
        "{:?}",
        refusal.detail()
    );
}

#[test]
fn a_services_own_rules_deny_what_a_token_allows() {
    let small_pages = Rule::require("small-pages", ["/limit<=100".parse().unwrap()]);
    let policy = ServicePolicy::none()
        .with(small_pages.tools(["kb.search"]))
        .unwrap()
        .with(Rule::deny("no-updates").tools(["ticket.update"]))
        .unwrap()
        .with(Rule::deny("no-closing").tools(["ticket.close"]))
        .unwrap();
    let world = World::ruled_by(policy);
    let good = token(|_| ());
    for (name, told) in [
        (
            "kb.search",
            "rule `small-pages` requires `/limit<=100`, and the argument `/limit` is missing",
        ),
        ("ticket.update", "rule `no-updates` denies the call"),
        // An approval would not help, so none is asked for.
        ("ticket.close", "rule `no-closing` denies the call"),
    ] {
        let refusal = world.call(good.expose(), name).unwrap_err();
        assert_eq!(refusal.code(), DenialCode::PolicyDenied, "{name}");
        assert_eq!(refusal.detail(), Some(told));
    }
    assert!(world.call(good.expose(), "tickets.get").is_ok());
}

#[test]
fn an_approval_is_asked_for_and_not_assumed() {
    let world = World::new();
    let refusal = world
        .call(token(|_| ()).expose(), "ticket.close")
        .unwrap_err();
    assert!(
        matches!(refusal, hallpass_verifier::Refusal::ApprovalRequired(_)),
        "{refusal:?}"
    );
}

#[test]
fn without_a_bundle_nothing_is_known_and_nothing_allowed() {
    let world = World::without_bundle(Tenancy::Many, Disclosure::Code);
    assert_eq!(
        world.denial(token(|_| ()).expose(), "kb.search"),
        DenialCode::BundleMissing
    );
    world.snapshots.publish(snapshot(NOW, KeyState::Active));
    assert!(world.call(token(|_| ()).expose(), "kb.search").is_ok());
}

#[test]
fn staleness_stops_harm_first_and_denials_never() {
    let after = |seconds: u64, name: &str| {
        let world = World::new();
        let late = NOW.after(Duration::from_secs(seconds));
        let fresh = token(|spec| {
            (spec.issued, spec.expires) = (late, late.after(Duration::from_secs(600)));
            spec.tools.insert(tool("ticket.close"));
            spec.needs_approval.clear();
        });
        world
            .verifier
            .check(Some(fresh.expose()), call(name), late)
            .denial()
    };
    for (name, bound) in [
        ("ticket.close", 60),
        ("ticket.update", 300),
        ("kb.search", 900),
    ] {
        assert_eq!(after(bound, name), None, "{name}");
        assert_eq!(
            after(bound + 1, name),
            Some(DenialCode::BundleStale),
            "{name}"
        );
    }
    assert_eq!(after(5_000, "mail.send"), Some(DenialCode::ToolUnknown));
}

#[test]
fn disclosure_is_the_services_choice_and_the_journal_keeps_the_truth() {
    for (disclosure, code, detailed) in [
        (Disclosure::Explain, DenialCode::WrongTenant, true),
        (Disclosure::Code, DenialCode::WrongTenant, false),
        (Disclosure::NotFound, DenialCode::NotFound, false),
    ] {
        let world = World::with(Tenancy::Only(tenant("globex")), disclosure);
        let refusal = world.call(token(|_| ()).expose(), "kb.search").unwrap_err();
        assert_eq!(
            (refusal.code(), refusal.detail().is_some()),
            (code, detailed),
            "{disclosure:?}"
        );
        let records = world.records();
        let decided = of_kind(&records, "decided");
        assert_eq!(decided[0]["code"], "wrong_tenant");
        assert!(decided[0]["detail"].as_str().unwrap().contains("globex"));
    }
}

#[test]
fn what_is_stopped_revoked_or_cut_off_is_denied() {
    let about = |selector: &str| Stop {
        id: StopId::new(NOW, [7; 10]),
        selector: selector.parse().unwrap(),
        issued: NOW,
        until: None,
        runs: IdSet::default(),
    };
    let stopped = |selector: &str| Restrictions {
        stops: vec![about(selector)],
        ..Restrictions::default()
    };
    let revoked = Restrictions {
        revocations: vec![Revocation {
            expires: NOW,
            tokens: [grant().token.as_u128()].into_iter().collect(),
        }],
        ..Restrictions::default()
    };
    let cut_off = |before| Restrictions {
        cutoffs: vec![Cutoff {
            selector: "client:orchestrator".parse().unwrap(),
            before,
            expires: NOW,
            runs: IdSet::default(),
        }],
        ..Restrictions::default()
    };
    let denial = |restrictions| {
        let world = World::built(Tenancy::Many, ServicePolicy::none(), Disclosure::Code);
        world.snapshots.publish(restricting(NOW, restrictions));
        let checked = world
            .verifier
            .check(Some(token(|_| ()).expose()), call("kb.search"), NOW);
        checked.denial()
    };
    assert_eq!(denial(Restrictions::default()), None);
    assert_eq!(denial(stopped("tenant:acme")), Some(DenialCode::Stopped));
    assert_eq!(denial(stopped("tool:kb.search")), Some(DenialCode::Stopped));
    assert_eq!(
        denial(stopped("audience:tickets")),
        Some(DenialCode::Stopped)
    );
    assert_eq!(denial(stopped("tool:ticket.close")), None);
    assert_eq!(denial(revoked), Some(DenialCode::TokenRevoked));
    assert_eq!(denial(cut_off(NOW)), None);
    let later = NOW.after(Duration::from_millis(1));
    assert_eq!(denial(cut_off(later)), Some(DenialCode::TokenRevoked));
}

#[test]
fn a_file_on_the_machine_stops_what_the_bundle_allows() {
    let world = World::new();
    let text = token(|_| ());
    world.snapshots.set_local(Some(LocalStops::halt()));
    assert_eq!(
        world.denial(text.expose(), "kb.search"),
        DenialCode::Stopped
    );
    let stop = Stop {
        id: StopId::new(NOW, [7; 10]),
        selector: "tool:ticket.update".parse().unwrap(),
        issued: NOW,
        until: None,
        runs: IdSet::default(),
    };
    world
        .snapshots
        .set_local(Some(LocalStops::signed(vec![stop])));
    assert_eq!(
        world.denial(text.expose(), "ticket.update"),
        DenialCode::Stopped
    );
    drop(world.call(text.expose(), "kb.search").unwrap());
    world.snapshots.set_local(None);
    drop(world.call(text.expose(), "ticket.update").unwrap());
}

#[test]
fn codes_never_reached_here_are_named() {
    // Codes that other tests bring about: of the token, of row checks, of the journal, of what is spent, of a service that
    // is told to stop.
    let elsewhere = [
        DenialCode::BudgetExhausted,
        DenialCode::Draining,
        DenialCode::VocabularyUnsupported,
        DenialCode::SignatureInvalid,
        DenialCode::TokenNotAdmitted,
        DenialCode::GrantMalformed,
        DenialCode::CaveatUnknown,
        DenialCode::NotFound,
        DenialCode::Overloaded,
        DenialCode::JournalUnavailable,
    ];
    let source = include_str!("denials.rs");
    let (above, _) = source.split_once("fn codes_never_reached_here").unwrap();
    for code in DenialCode::ALL {
        let tested = above.contains(&format!("DenialCode::{code:?}"))
            || *code == DenialCode::ApprovalRequired;
        // A code that others answer, or nobody yet, is not answered here.
        if code.answered_by() != AnsweredBy::Verifier {
            assert!(!tested, "{code} is answered by the verifier");
            continue;
        }
        assert!(
            tested || elsewhere.contains(code),
            "{code} is tested nowhere"
        );
    }
}

#[test]
fn a_key_for_runs_signs_no_break_glass_token() {
    let world = World::new();
    let mut spec = grant();
    spec.needs_approval.clear();
    spec.holder = Some(key(Purpose::Approval, "prod", 40).verifying_key());
    spec.proof = ProofRule::Always;
    spec.break_glass = Some(BreakGlass {
        incident: "INC-42".parse().unwrap(),
        operators: ["op:dana".parse().unwrap(), "op:li".parse().unwrap()],
    });
    // The run key of the bundle, misused: minting asks what a key is for, the bytes of one do not.
    let misused = key(Purpose::BreakGlass, "prod", RUN_KEY);
    let secret = NextSecret::from_random([9; 32]);
    let token = mint(&Grant::new(spec).unwrap(), &[], &misused, &[], secret).unwrap();
    assert_eq!(
        world.denial(token.expose(), "kb.search"),
        DenialCode::WrongPurpose
    );
}
