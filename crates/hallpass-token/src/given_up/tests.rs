use std::collections::BTreeMap;

use hallpass_keys::{Digest, Purpose, SigningKey};
use hallpass_vocabulary::{Environment, ProofRule, RunId, SubjectAssurance, TokenId};

use super::*;
use crate::{Grant, GrantSpec, NextSecret, UnverifiedToken, mint};

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(1_795_253_400 + seconds)
}

fn names<T: std::str::FromStr + Ord>(names: &[&str]) -> BTreeSet<T> {
    let names = names.iter().map(|name| name.parse().ok().unwrap());
    names.collect()
}

fn caveats(words: &[&str]) -> Vec<Caveat> {
    words.iter().map(|words| words.parse().unwrap()).collect()
}

fn token(route: &[&str], blocks: &[&[&str]]) -> UnverifiedToken {
    let grant = Grant::new(GrantSpec {
        token: TokenId::new(at(0), [1; 10]),
        run: RunId::new(at(0), [1; 10]),
        tenant: "acme".parse().unwrap(),
        environment: "dev".parse().unwrap(),
        subject: "user:alice".parse().unwrap(),
        assurance: SubjectAssurance::Verified,
        actor: "agent:bot".parse().unwrap(),
        client: "helpdesk".parse().unwrap(),
        route: "/support".parse().unwrap(),
        roles: BTreeSet::new(),
        audiences: names(&["kb", "tickets"]),
        tools: names(&["kb.search", "tickets.get"]),
        needs_approval: names(&["ticket.close"]),
        budgets: BTreeMap::new(),
        holder: None,
        proof: ProofRule::Waived,
        policy: Digest::of(b"policy"),
        issued: at(0),
        expires: at(600),
        break_glass: None,
    });
    let root = SigningKey::from_seed(Purpose::Run, Environment::new("dev").unwrap(), [1; 32]);
    let next = NextSecret::from_random([2; 32]);
    let text = mint(&grant.unwrap(), &caveats(route), &root, &[], next).unwrap();
    let mut token = UnverifiedToken::parse(text.expose()).unwrap();
    for (words, seed) in blocks.iter().zip(3..) {
        let next = NextSecret::from_random([seed; 32]);
        let text = token.attenuate(&caveats(words), next).unwrap();
        token = UnverifiedToken::parse(text.expose()).unwrap();
    }
    token
}

/// A token with these attenuation blocks.
pub(crate) fn described(blocks: &[&[&str]]) -> Description {
    token(&[], blocks).describe().unwrap()
}

#[test]
fn every_kind_is_compared() {
    let given_up = described(&[]).given_up(&described(&[
        &["only tools kb.search", "only services kb"],
        &["expires before 2026-11-21T09:31:00Z", "at most 4 blocks"],
        &["/limit<=10", "for kb.search: only arguments limit, query"],
    ]));
    assert_eq!(
        given_up,
        GivenUp {
            tools: names(&["tickets.get"]),
            needs_approval: names(&["ticket.close"]),
            services: names(&["tickets"]),
            life: Some(LifeGivenUp {
                from: at(600),
                to: at(60)
            }),
            arguments: vec![
                "/limit<=10".to_owned(),
                "for kb.search: only arguments limit, query".to_owned()
            ],
            other_checks: Vec::new(),
            blocks: Some(BlocksGivenUp { from: 8, to: 4 }),
            sealed: false,
        }
    );
    assert!(!given_up.is_nothing());
    let json = serde_json::to_value(&given_up).unwrap();
    assert_eq!(json["life"]["to"], "2026-11-21T09:31:00.000Z");
    assert_eq!(json["blocks"], serde_json::json!({"from": 8, "to": 4}));
}

#[test]
fn a_caveat_that_takes_nothing_away_gives_nothing_up() {
    let before = described(&[&["only tools kb.search", "/limit<=10", "at most 4 blocks"]]);
    for again in [
        "only tools kb.search, mail.send",
        "only services kb, tickets, mail",
        "expires before 2026-11-21T10:31:00Z",
        "at most 5 blocks",
        "/limit<=10",
        // Not a tool that is left.
        "for tickets.get: /id starts with T-",
        "for tickets.get: either /id starts with T- or no arguments",
    ] {
        let after = described(&[
            &["only tools kb.search", "/limit<=10", "at most 4 blocks"],
            &[again],
        ]);
        assert!(before.given_up(&after).is_nothing(), "{again}");
    }
    let looser = described(&[
        &["only tools kb.search", "/limit<=10", "at most 4 blocks"],
        &["/limit<=20"],
    ]);
    let either = described(&[
        &["only tools kb.search", "/limit<=10", "at most 4 blocks"],
        &["either /limit<=5 or /limit<=10"],
    ]);
    assert_eq!(
        before.given_up(&either).arguments,
        ["either /limit<=10 or /limit<=5"]
    );
    // Not compared with what it adds nothing to: it is listed, which is more than was given up and never less.
    assert_eq!(before.given_up(&looser).arguments, ["/limit<=20"]);
}

#[test]
fn a_block_too_many_gives_up_everything_callable() {
    let given_up = described(&[]).given_up(&described(&[&["at most 1 blocks"]]));
    assert_eq!(given_up.tools, names(&["kb.search", "tickets.get"]));
    assert_eq!(given_up.needs_approval, names(&["ticket.close"]));
}

#[test]
fn sealing_gives_up_narrowing() {
    let open = token(&[], &[]);
    let sealed = UnverifiedToken::parse(open.seal().unwrap().expose()).unwrap();
    let (open, sealed) = (open.describe().unwrap(), sealed.describe().unwrap());
    assert!(open.given_up(&sealed).sealed);
    assert!(open.is_narrowed_to(&sealed) && !sealed.is_narrowed_to(&open));
    assert!(open.given_up(&open).is_nothing());
}

#[test]
fn only_what_goes_on_where_a_token_ends_is_narrowed_from_it() {
    let before = described(&[&["/limit<=10"]]);
    assert!(before.is_narrowed_to(&before));
    assert!(before.is_narrowed_to(&described(&[&["/limit<=10"], &["/limit<=5"]])));
    assert!(!before.is_narrowed_to(&described(&[])));
    assert!(!before.is_narrowed_to(&described(&[&["/limit<=11"], &["/limit<=10"]])));
    assert!(!before.is_narrowed_to(&described(&[&["/limit<=10", "/limit<=5"]])));
    let by_route = token(&["/limit<=10"], &[]).describe().unwrap();
    assert!(!before.is_narrowed_to(&by_route) && !by_route.is_narrowed_to(&before));
    let mut other = before.clone();
    other.actor = "agent:other".parse().unwrap();
    assert!(!before.is_narrowed_to(&other));
}

#[test]
fn the_routes_caveats_are_no_news() {
    let route = ["/limit<=10", "at most 3 blocks"];
    let before = token(&route, &[]).describe().unwrap();
    let after = token(&route, &[&["/query length<=20"]]).describe().unwrap();
    assert_eq!(before.caveats[0].block, 0);
    let given_up = before.given_up(&after);
    assert_eq!(given_up.arguments, ["/query length<=20"]);
    assert_eq!(given_up.blocks, None);
}
