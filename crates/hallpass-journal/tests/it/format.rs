//! The exact bytes. A change here is a change of a published format.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use hallpass_journal::memory::ClaimId;
use hallpass_journal::verify::verify;
use hallpass_journal::{
    BundleSeen, CallResult, CheckpointFault, CheckpointRefused, CheckpointWitnessed, Claimed,
    ClientChange, ClientChanged, ClockCorrected, CutOff, Decided, Durability, Event, Finished,
    KeyChanged, KeyCreated, KeyKept, KeyMoved, KeyStanding, MintRefused, Minted, OperatorActed,
    OperatorRefused, PolicyLoaded, PolicyRefused, RootInstalled, RunEnded, Spent, StopLiftAsked,
    StopLifted, StopPlaced, StopSeen, Text, TokenRevoked, VerifierEnrolled, VerifierInvited,
    VerifierRetired,
};
use hallpass_keys::key_file::write_key_file;
use hallpass_keys::note::{KeyName, NoteVerifier};
use hallpass_keys::{Digest, Purpose, SigningKey};
use hallpass_vocabulary::{
    Actor, Audience, ClientId, DenialCode, Impact, OperatorId, PersonId, ProofRule, RequestId,
    Role, Route, RunId, StopId, Subject, SubjectAssurance, Tenant, Timestamp, TokenId, ToolName,
};

use crate::fixture::{
    PATIENCE, START_MS, decision, denied, environment, event, open, request, segment,
};

const ORIGIN: &str = "hallpass/test/tickets/0011223344556677";

/// Lays down the identity that is otherwise random.
pub fn fixed_identity(dir: &Path) {
    let key = SigningKey::from_seed(Purpose::Journal, environment(), [7; 32]);
    let verifier = NoteVerifier::new(KeyName::new(ORIGIN).unwrap(), key.verifying_key());
    write_key_file(&dir.join("journal.key"), &key).unwrap();
    let digest_key = dir.join("digest.key");
    fs::write(&digest_key, format!("{}\n", "2a".repeat(32))).unwrap();
    fs::set_permissions(&digest_key, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(dir.join("journal.vkey"), format!("{verifier}\n")).unwrap();
}

fn time() -> Timestamp {
    Timestamp::from_unix_ms(START_MS)
}

fn run() -> RunId {
    RunId::new(time(), [2; 10])
}

fn token() -> TokenId {
    TokenId::new(time(), [3; 10])
}

fn tool(name: &str) -> ToolName {
    ToolName::new(name).unwrap()
}

fn tenant() -> Option<Tenant> {
    Some(Tenant::new("acme").unwrap())
}

fn until() -> Timestamp {
    Timestamp::from_unix_ms(START_MS + 60_000)
}

fn claimed(id: &str) -> Claimed {
    let id = ClaimId::new(id).unwrap();
    Claimed { id, until: until() }
}

fn spent(usd_micros: Option<u64>) -> Spent {
    let calls = Some(7);
    Spent { calls, usd_micros }
}

fn full_decision(args_digest: hallpass_journal::ArgumentsDigest) -> Decided {
    Decided {
        trace: Some(Text::new("4bf92f3577b34da6a3ce929d0e0e4736")),
        attempt: Some(1),
        tenant: tenant(),
        run: Some(run()),
        token: Some(token()),
        subject: Some(Subject::new("user:alice").unwrap()),
        actors: vec![Actor::new("agent:support-bot").unwrap()],
        route: Some(Route::new("/support/draft").unwrap()),
        tool: Some(tool("kb.search")),
        impact: Some(Impact::Read),
        args_digest: Some(args_digest),
        idempotency_key: Some(Text::new("order-17")),
        idempotency: Some(KeyKept { until: until() }),
        approval: Some(claimed("apr-1")),
        proof: Some(claimed("4b3c")),
        spent: Some(spent(None)),
        policy: Some(Digest::of(b"policy")),
        bundle: Some(41),
        latency_us: Some(180),
        ..Decided::allow(
            decision(1),
            request(),
            environment(),
            Audience::new("tickets").unwrap(),
        )
    }
}

fn authority_events() -> Vec<Event> {
    let public = SigningKey::from_seed(Purpose::Run, environment(), [8; 32]).verifying_key();
    let key = public.id();
    vec![
        Event::KeyCreated(KeyCreated {
            key,
            purpose: Purpose::Run,
        }),
        Event::PolicyLoaded(PolicyLoaded {
            digest: Digest::of(b"policy"),
            files: vec![Text::new("policy.toml")],
            changed: true,
            widenings: Vec::new(),
            by: None,
        }),
        Event::Minted(Box::new(Minted {
            token: token(),
            run: run(),
            client: ClientId::new("orchestrator").unwrap(),
            tenant: Tenant::new("acme").unwrap(),
            env: environment(),
            subject: Subject::new("user:alice").unwrap(),
            assurance: SubjectAssurance::Asserted,
            actor: Actor::new("agent:support-bot").unwrap(),
            route: Route::new("/support/draft").unwrap(),
            audiences: vec![Audience::new("tickets").unwrap()],
            tools: vec![tool("kb.search"), tool("tickets.get")],
            needs_approval: vec![tool("ticket.close")],
            roles: vec![Role::new("support_agent").unwrap()],
            proof: ProofRule::Writes,
            issued: time(),
            expires: Timestamp::from_unix_ms(START_MS + 900_000),
            policy: Digest::of(b"policy"),
            key,
            idempotency_key: None,
            request_digest: None,
            token_digest: None,
            credential: None,
            caveats: Vec::new(),
            budgets: None,
            holder: None,
            parent: None,
            run_ends: None,
            subject_until: None,
            labels: std::collections::BTreeMap::new(),
        })),
        Event::MintRefused(Box::new(MintRefused {
            request: Some(RequestId::new(time(), [4; 10])),
            code: Text::new("route_unknown"),
            detail: Some(Text::new("no route `/x`")),
            client: Some(ClientId::new("orchestrator").unwrap()),
            tenant: tenant(),
            subject: None,
            route: None,
            run: None,
        })),
        Event::PolicyRefused(PolicyRefused {
            detail: Text::new("a.toml:3: there is no tool `kb.serch`"),
            by: Some(OperatorId::new("op:dana").unwrap()),
        }),
        Event::ClientChanged(ClientChanged {
            client: ClientId::new("orchestrator").unwrap(),
            change: ClientChange::SecretAdded,
            secret: Some(Text::new("sec_1")),
            secret_digest: Some(Digest::of(b"secret")),
            until: Some(time()),
            by: Some(OperatorId::new("op:dana").unwrap()),
            counts_from: Some(time()),
        }),
        Event::RunEnded(RunEnded {
            run: run(),
            client: Some(ClientId::new("orchestrator").unwrap()),
            by: None,
            reason: Some(Text::new("done")),
        }),
        Event::OperatorActed(OperatorActed {
            operator: OperatorId::new("op:dana").unwrap(),
            person: Text::new("dana"),
            key,
            request: RequestId::new(time(), [4; 10]),
            action: Text::new("POST /v1/policy/reload"),
            status: 200,
        }),
        Event::OperatorRefused(OperatorRefused {
            request: Some(RequestId::new(time(), [4; 10])),
            code: Text::new("operator_unauthorized"),
            detail: None,
            action: Some(Text::new("GET /v1/runs")),
            operator: None,
            key: Some(key),
        }),
        Event::KeyChanged(KeyChanged {
            keys: vec![KeyMoved {
                key,
                public_key: public,
                purpose: Purpose::Run,
                standing: KeyStanding::Prepared,
            }],
            reason: Some(Text::new("yearly")),
            by: Some(OperatorId::new("op:dana").unwrap()),
        }),
        Event::RootInstalled(RootInstalled {
            version: 2,
            digest: Digest::of(b"root"),
            expires: time(),
            by: Some(OperatorId::new("op:dana").unwrap()),
        }),
    ]
}

fn stop_events() -> Vec<Event> {
    let key = SigningKey::from_seed(Purpose::Run, environment(), [8; 32]).id();
    let stop = StopId::new(time(), [5; 10]);
    let dana = || OperatorId::new("op:dana").unwrap();
    vec![
        Event::StopPlaced(Box::new(StopPlaced {
            stop,
            selector: Text::new("tenant:acme"),
            until: Some(until()),
            cut_off: Some(time()),
            reason: Text::new("INC-42"),
            by: dana(),
        })),
        Event::StopLiftAsked(StopLiftAsked {
            stop,
            by: dana(),
            person: PersonId::new("dana").unwrap(),
            key,
        }),
        Event::StopLifted(StopLifted {
            stop,
            by: vec![dana(), OperatorId::new("op:lin").unwrap()],
            cut_off: Some(time()),
        }),
        Event::TokenRevoked(Box::new(TokenRevoked {
            token: token(),
            expires: until(),
            reason: Some(Text::new("leaked")),
            by: dana(),
        })),
        Event::CutOff(CutOff {
            selector: Text::new("environment:test"),
            before: time(),
            reason: Text::new("restored"),
        }),
    ]
}

fn fleet_events() -> Vec<Event> {
    let origin = || Text::new("0011223344556677");
    let audience = || Audience::new("tickets").unwrap();
    let by = || OperatorId::new("op:dana").unwrap();
    let key = SigningKey::from_seed(Purpose::Verifier, environment(), [8; 32]).verifying_key();
    vec![
        Event::VerifierInvited(VerifierInvited {
            code: Digest::of(b"code"),
            audience: audience(),
            until: until(),
            by: by(),
        }),
        Event::VerifierEnrolled(Box::new(VerifierEnrolled {
            origin: origin(),
            audience: audience(),
            key,
            journal: Text::new("hallpass/test/tickets/0011223344556677+ee45ab23+AQ=="),
            code: Some(Digest::of(b"code")),
            predecessor: Some(Text::new("7766554433221100")),
            workload: None,
        })),
        Event::VerifierRetired(VerifierRetired {
            origin: origin(),
            by: by(),
            reason: Some(Text::new("the pod is gone")),
        }),
        Event::CheckpointWitnessed(CheckpointWitnessed {
            origin: origin(),
            size: 67,
            root: Digest::of(b"root"),
        }),
        Event::CheckpointRefused(CheckpointRefused {
            origin: origin(),
            audience: audience(),
            fault: CheckpointFault::Forked,
            size: 70,
            root: Digest::of(b"another root"),
            witnessed_size: 67,
            witnessed_root: Digest::of(b"root"),
        }),
    ]
}

#[test]
fn every_kind_of_record_has_these_bytes() {
    let dir = tempfile::tempdir().unwrap();
    fixed_identity(dir.path());
    let journal = open(dir.path());
    let mut refused = denied(2, DenialCode::SignatureInvalid);
    refused.detail = Some(Text::new("block 1\u{1b}[2J \"x\"\n"));
    let args_digest = journal.digest(b"{\"query\":\"refunds\"}");
    let mut events = vec![
        Event::BundleSeen(BundleSeen {
            version: 41,
            digest: Digest::of(b"bundle"),
        }),
        Event::StopSeen(StopSeen {
            stop: StopId::new(time(), [9; 10]),
            about: Some(Text::new("tenant:acme")),
        }),
        Event::Decided(Box::new(full_decision(args_digest))),
        Event::Decided(Box::new(refused)),
        Event::Finished(Finished {
            decision: decision(1),
            result: CallResult::Error,
            result_digest: Some(journal.digest(b"[]")),
            duration_ms: 12,
            error_class: Some(Text::new("timeout")),
            spend_usd_micros: Some(250),
            run: Some(run()),
            spent: Some(spent(Some(1_250))),
        }),
        Event::ClockCorrected(ClockCorrected {
            authority: Timestamp::from_unix_seconds(1_795_000_000),
            wall: Timestamp::from_unix_seconds(1_795_000_030),
            round_trip_ms: 12,
        }),
        event(3),
    ];
    events.extend(authority_events());
    events.extend(stop_events());
    events.extend(fleet_events());
    for event in &events {
        let _ = journal
            .append(event, Durability::Durable)
            .wait(PATIENCE)
            .unwrap();
    }
    for n in 0..60 {
        let _ = journal.refuse(denied(100 + n, DenialCode::UnknownKey));
    }
    journal.close().unwrap();
    let text = fs::read_to_string(segment(dir.path())).unwrap();
    let shown: Vec<_> = text
        .lines()
        .filter(|line| !line.contains("\"code\":\"unknown_key\"") || line.contains("refused"))
        .collect();
    insta::assert_snapshot!("records", shown.join("\n"));
    insta::assert_snapshot!(
        "vkey",
        fs::read_to_string(dir.path().join("journal.vkey")).unwrap()
    );
    insta::assert_snapshot!(
        "checkpoint",
        fs::read_to_string(dir.path().join("checkpoint")).unwrap()
    );
    // The page shows these very bytes and names every kind.
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/journal-format.md");
    let page = fs::read_to_string(page).unwrap();
    let checkpoint = fs::read_to_string(dir.path().join("checkpoint")).unwrap();
    assert!(page.contains(&checkpoint), "{checkpoint}");
    verify(dir.path(), None).unwrap();
    let reread = crate::fixture::all(dir.path());
    for (record, event) in reread.iter().skip(1).zip(&events) {
        assert_eq!(record.event().unwrap(), *event);
        assert_eq!(record.kind(), event.kind());
        assert!(page.contains(&format!("| `{}` |", event.kind())));
    }
}
