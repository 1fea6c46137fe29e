//! What stops, revocations and cut-offs deny, and what they let be.

use hallpass_bundle::{
    Bundle, BundleError, Cutoff, Document, IdSet, InvalidDocument, LocalStops, Published,
    Restricted, Restrictions, Revocation, STOPS_MAX, Selector, Snapshot, Snapshots, Standing, Stop,
    accept, accept_heartbeat,
};
use hallpass_vocabulary::{
    Actor, Audience, ClientId, Environment, Route, RunId, Subject, Tenant, Timestamp, TokenId,
    ToolName,
};
use serde_json::json;

use crate::authority::{Authority, NOW, restrictions, seconds};

/// A call, owned.
struct Call {
    token: TokenId,
    run: RunId,
    issued: Timestamp,
    tenant: Tenant,
    subject: Subject,
    actors: Vec<Actor>,
    client: ClientId,
    route: Route,
    environment: Environment,
    audience: Audience,
    tool: ToolName,
}

impl Call {
    fn new() -> Self {
        Self {
            token: TokenId::new(NOW, [1; 10]),
            run: RunId::new(NOW, [2; 10]),
            issued: NOW,
            tenant: "acme".parse().unwrap(),
            subject: "user:alice".parse().unwrap(),
            actors: vec!["agent:bot".parse().unwrap(), "agent:sub".parse().unwrap()],
            client: "orchestrator".parse().unwrap(),
            route: "/support/draft".parse().unwrap(),
            environment: "prod".parse().unwrap(),
            audience: "tickets".parse().unwrap(),
            tool: "kb.search".parse().unwrap(),
        }
    }

    fn standing(&self) -> Standing<'_> {
        Standing {
            token: self.token,
            run: self.run,
            issued: self.issued,
            tenant: &self.tenant,
            subject: &self.subject,
            actors: &self.actors,
            client: &self.client,
            route: &self.route,
            environment: &self.environment,
            audience: &self.audience,
            tool: &self.tool,
        }
    }

    fn at(&self, snapshot: &Snapshot, now: Timestamp) -> Option<Restricted> {
        snapshot.restriction(&self.standing(), now)
    }
}

fn stop(selector: &str, number: u8) -> Stop {
    Stop {
        id: hallpass_vocabulary::StopId::new(NOW, [number; 10]),
        selector: selector.parse().unwrap(),
        issued: NOW,
        until: None,
        runs: IdSet::default(),
    }
}

fn cutoff(selector: &str, before: Timestamp) -> Cutoff {
    Cutoff {
        selector: selector.parse().unwrap(),
        before,
        expires: NOW.after(seconds(930)),
        runs: IdSet::default(),
    }
}

fn published(authority: &Authority, restrictions: Restrictions) -> Published {
    let mut draft = authority.draft();
    draft.restrictions = restrictions;
    let bundle = Bundle::new(&authority.root, draft, None, NOW).unwrap();
    let bundle = bundle
        .sign(&authority.root, &[&authority.bundle_key])
        .unwrap();
    let heartbeat = authority.heartbeat(&bundle, NOW);
    Published::new(vec![authority.root_envelope()], &bundle, heartbeat)
}

fn snapshot(restrictions: Restrictions) -> Snapshot {
    let authority = Authority::new();
    let json = published(&authority, restrictions).to_json().unwrap();
    accept(&json, &authority.pinned(), None, NOW).unwrap()
}

/// Of every kind, the one that is about the call, and one that is not.
fn selectors() -> Vec<(String, &'static str)> {
    let call = Call::new();
    vec![
        ("actor:agent:bot".into(), "actor:agent:bo"),
        ("actor:agent:sub".into(), "actor:agent:subs"),
        ("audience:tickets".into(), "audience:billing"),
        ("client:orchestrator".into(), "client:other"),
        ("environment:prod".into(), "environment:dev"),
        ("route:/support/draft".into(), "route:/support"),
        (
            format!("run:{}", call.run),
            "run:run_019aa62da2c072028202020202020202",
        ),
        ("subject:user:alice".into(), "subject:user:al"),
        ("tenant:acme".into(), "tenant:Acme"),
        (
            format!("token:{}", call.token),
            "token:tok_019aa62da2c073038303030303030303",
        ),
        ("tool:kb.search".into(), "tool:kb.searches"),
    ]
}

#[test]
fn a_stop_of_every_kind_denies_what_it_is_about_and_nothing_else() {
    let call = Call::new();
    let kinds: Vec<&str> = Selector::KINDS.to_vec();
    for kind in kinds {
        assert!(
            selectors()
                .iter()
                .any(|(it, _)| it.starts_with(&format!("{kind}:"))),
            "{kind}"
        );
    }
    for (about, other) in selectors() {
        let (mine, foreign) = (stop(&about, 1), stop(other, 2));
        let id = mine.id;
        let of = |stops| {
            snapshot(Restrictions {
                stops,
                ..Restrictions::default()
            })
        };
        let stopped = Some(Restricted::Stopped { id });
        assert_eq!(
            call.at(&of(vec![foreign.clone(), mine]), NOW),
            stopped,
            "{about}"
        );
        assert_eq!(call.at(&of(vec![foreign]), NOW), None, "{other}");
    }
    let everything = stop("everything", 3);
    let stopped = Some(Restricted::Stopped { id: everything.id });
    let all = Restrictions {
        stops: vec![everything],
        ..Restrictions::default()
    };
    assert_eq!(call.at(&snapshot(all), NOW), stopped);
}

#[test]
fn a_stop_reaches_runs_that_come_from_what_is_stopped_and_ends_by_itself() {
    let call = Call::new();
    let mut derived = stop("route:/elsewhere", 1);
    derived.runs = [call.run.as_u128()].into_iter().collect();
    derived.until = Some(NOW.after(seconds(60)));
    let id = derived.id;
    let snapshot = snapshot(Restrictions {
        stops: vec![derived],
        ..Restrictions::default()
    });
    assert_eq!(
        call.at(&snapshot, NOW.after(seconds(59))),
        Some(Restricted::Stopped { id })
    );
    assert_eq!(call.at(&snapshot, NOW.after(seconds(60))), None);
    let other = Call {
        run: RunId::new(NOW, [9; 10]),
        ..Call::new()
    };
    assert_eq!(other.at(&snapshot, NOW), None);
}

#[test]
fn a_cut_off_of_every_kind_denies_tokens_issued_before_it() {
    for (about, other) in selectors() {
        let of = |selector: &str| {
            let cutoffs = vec![cutoff(selector, NOW)];
            snapshot(Restrictions {
                cutoffs,
                ..Restrictions::default()
            })
        };
        let old = Call {
            issued: Timestamp::from_unix_ms(NOW.unix_ms() - 1),
            ..Call::new()
        };
        assert_eq!(
            old.at(&of(&about), NOW),
            Some(Restricted::CutOff { before: NOW }),
            "{about}"
        );
        assert_eq!(old.at(&of(other), NOW), None, "{other}");
        assert_eq!(
            Call::new().at(&of(&about), NOW),
            None,
            "issued at the cut-off: {about}"
        );
    }
}

#[test]
fn a_revoked_token_is_refused_for_as_long_as_it_is_listed() {
    let call = Call::new();
    let revocation = |tokens: &[TokenId], expires| Revocation {
        expires,
        tokens: tokens.iter().map(|it| it.as_u128()).collect(),
    };
    let other = TokenId::new(NOW, [8; 10]);
    let revocations = vec![
        revocation(&[other], NOW.after(seconds(60))),
        revocation(&[other, call.token], NOW),
    ];
    let snapshot = snapshot(Restrictions {
        revocations,
        ..Restrictions::default()
    });
    // A verifier whose clock is ahead does not let it in again.
    for now in [NOW, NOW.after(seconds(86_400))] {
        assert_eq!(call.at(&snapshot, now), Some(Restricted::Revoked));
    }
}

#[test]
fn the_stop_is_what_is_answered_where_several_deny() {
    let call = Call {
        issued: Timestamp::from_unix_ms(1),
        ..Call::new()
    };
    let all = Restrictions {
        stops: vec![stop("tenant:acme", 1)],
        revocations: vec![Revocation {
            expires: NOW,
            tokens: [call.token.as_u128()].into_iter().collect(),
        }],
        cutoffs: vec![cutoff("tenant:acme", NOW)],
    };
    let lifted = Restrictions {
        stops: Vec::new(),
        ..all.clone()
    };
    assert!(matches!(
        call.at(&snapshot(all), NOW),
        Some(Restricted::Stopped { .. })
    ));
    assert_eq!(call.at(&snapshot(lifted), NOW), Some(Restricted::Revoked));
}

#[test]
fn what_a_bundle_may_list_is_bounded_and_each_stop_is_one() {
    let authority = Authority::new();
    let made = |stops| {
        let mut draft = authority.draft();
        draft.restrictions.stops = stops;
        Bundle::new(&authority.root, draft, None, NOW).map(|_| ())
    };
    let twice = vec![stop("tenant:a", 1), stop("tenant:b", 1)];
    assert!(matches!(
        made(twice),
        Err(InvalidDocument::StopTwice { .. })
    ));
    let number = |n: usize| Stop {
        id: hallpass_vocabulary::StopId::new(NOW.after(seconds(n as u64)), [0; 10]),
        ..stop("tenant:a", 1)
    };
    assert_eq!(made((0..STOPS_MAX).map(number).collect()), Ok(()));
    let over = made((0..=STOPS_MAX).map(number).collect());
    assert!(matches!(
        over,
        Err(InvalidDocument::TooMany { list: "stops", .. })
    ));
}

#[test]
fn format_1_is_still_read_and_never_made_of_what_it_cannot_say() {
    let authority = Authority::new();
    let bundle = |draft| Bundle::new(&authority.root, draft, None, NOW).unwrap();
    let restricted = bundle(authority.draft()).in_format_1(&authority.root);
    assert_eq!(restricted, Err(InvalidDocument::NotInFormat1));
    let mut draft = authority.draft();
    draft.restrictions = Restrictions::default();
    let old = bundle(draft).in_format_1(&authority.root).unwrap();
    let old = old.sign(&authority.root, &[&authority.bundle_key]).unwrap();
    let heartbeat = authority.heartbeat(&old, NOW);
    let json = Published::new(vec![authority.root_envelope()], &old, heartbeat)
        .to_json()
        .unwrap();
    let snapshot = accept(&json, &authority.pinned(), None, NOW).unwrap();
    assert!(snapshot.operators().is_empty() && snapshot.verifiers().is_empty());
    let payload: serde_json::Value =
        serde_json::from_slice(old.envelope().unverified_payload()).unwrap();
    assert_eq!(
        (&payload["format"], &payload["stops"]),
        (&json!(1), &json!([]))
    );
    // Somebody signs one all the same.
    let forged = authority
        .with_bundle(|it| it["format"] = 1.into())
        .to_json()
        .unwrap();
    let refused = accept(&forged, &authority.pinned(), None, NOW).unwrap_err();
    let (document, source) = (Document::Bundle, InvalidDocument::NotInFormat1);
    assert_eq!(refused, BundleError::Invalid { document, source });
}

#[test]
fn a_heartbeat_makes_what_is_held_fresher_and_nothing_else_does() {
    let authority = Authority::new();
    let json = authority.published(NOW).to_json().unwrap();
    let held = accept(&json, &authority.pinned(), None, NOW).unwrap();
    let bundle = authority.bundle(None, NOW);
    let (later, latest) = (NOW.after(seconds(2)), NOW.after(seconds(4)));
    let beat = |of: &_, at| serde_json::to_vec(&authority.heartbeat(of, at)).unwrap();
    let fresher = accept_heartbeat(&held, &beat(&bundle, later), later).unwrap();
    assert_eq!((fresher.heartbeat(), held.heartbeat()), (later, NOW));
    let refused =
        |held: &Snapshot, json: &[u8], now| accept_heartbeat(held, json, now).unwrap_err();
    let next = authority.bundle(Some(bundle.id()), NOW);
    assert_eq!(
        refused(&fresher, &beat(&next, latest), latest),
        BundleError::Mismatch
    );
    let frozen = refused(&fresher, &beat(&bundle, NOW), later);
    assert!(matches!(frozen, BundleError::Frozen { .. }));
    let ahead = refused(&held, &beat(&bundle, NOW.after(seconds(31))), NOW);
    assert!(matches!(ahead, BundleError::FromTheFuture { .. }));
    let foreign = Authority::of("prod", 60);
    let forged = serde_json::to_vec(&foreign.heartbeat(&bundle_of(&foreign), later)).unwrap();
    assert!(matches!(
        refused(&held, &forged, later),
        BundleError::Signature { .. }
    ));
    assert_eq!(refused(&held, b"{}", NOW), BundleError::NotPublished);
    assert_eq!(refused(&held, &[b' '; 17_000], NOW), BundleError::TooLarge);
    let year = NOW.after(seconds(366 * 86_400));
    assert!(matches!(
        refused(&held, &beat(&bundle, year), year),
        BundleError::Expired { .. }
    ));
}

fn bundle_of(authority: &Authority) -> hallpass_bundle::SignedBundle {
    authority.bundle(None, NOW)
}

#[test]
fn what_waits_for_a_stop_is_woken_by_bundles_and_files_and_by_no_heartbeat() {
    let woken = std::sync::Arc::new(Woken::default());
    let waker = std::task::Waker::from(std::sync::Arc::clone(&woken));
    let authority = Authority::new();
    let json = authority.published(NOW).to_json().unwrap();
    let held = accept(&json, &authority.pinned(), None, NOW).unwrap();
    let snapshots = Snapshots::new(held.clone());
    let count = || woken.0.load(std::sync::atomic::Ordering::Relaxed);
    snapshots.register(&waker);
    let beat = authority.heartbeat(&authority.bundle(None, NOW), NOW.after(seconds(2)));
    let beat = serde_json::to_vec(&beat).unwrap();
    assert!(snapshots.publish(accept_heartbeat(&held, &beat, NOW.after(seconds(2))).unwrap()));
    assert_eq!(count(), 0);
    snapshots.set_local(Some(LocalStops::halt()));
    assert_eq!(count(), 1);
    assert!(snapshots.with_local(|it| it.is_some_and(LocalStops::is_halted)));
    let forgotten = snapshots.register(&waker);
    snapshots.forget(forgotten);
    snapshots.set_local(None);
    assert_eq!(count(), 1);
    snapshots.register(&waker);
    let newer = authority
        .published(NOW.after(seconds(5)))
        .to_json()
        .unwrap();
    snapshots.publish(accept(&newer, &authority.pinned(), None, NOW).unwrap());
    assert_eq!(count(), 2);
}

#[derive(Default)]
struct Woken(std::sync::atomic::AtomicUsize);

impl std::task::Wake for Woken {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

#[test]
fn a_million_revoked_tokens_fit_a_publication_and_take_sixteen_bytes_each() {
    let authority = Authority::new();
    let minute = |n: u64| Revocation {
        expires: NOW.after(seconds(60 * n)),
        tokens: (0..62_500_u32)
            .map(|it| TokenId::new(NOW, random(n, it)).as_u128())
            .collect(),
    };
    let revocations: Vec<Revocation> = (0..16).map(minute).collect();
    let count: usize = revocations.iter().map(|it| it.tokens.len()).sum();
    assert_eq!(count, 1_000_000);
    let restrictions = Restrictions {
        revocations,
        ..restrictions()
    };
    let json = published(&authority, restrictions).to_json().unwrap();
    let snapshot = accept(&json, &authority.pinned(), None, NOW).unwrap();
    let revoked = Call {
        token: TokenId::new(NOW, random(15, 62_499)),
        ..Call::new()
    };
    assert_eq!(revoked.at(&snapshot, NOW), Some(Restricted::Revoked));
    assert_eq!(Call::new().at(&snapshot, NOW), None);
}

fn random(group: u64, number: u32) -> [u8; 10] {
    let [.., a, b, c, d] = number.to_be_bytes();
    [u8::try_from(group).unwrap(), 0, 0, 0, 0, 0, a, b, c, d]
}
