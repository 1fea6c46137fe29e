//! Of two things wrong with a call, the one that `DenialCode` lists first is answered.

use std::time::Duration;

use hallpass_bundle::{IdSet, Restrictions, Revocation, Stop};
use hallpass_token::{Caveat, NameSet};
use hallpass_verifier::{Disclosure, Rule, ServicePolicy, Tenancy};
use hallpass_vocabulary::{DenialCode, ProofRule, StopId, Timestamp};

use crate::world::*;

/// What a call deserves that has all of these wrong with it and nothing else.
fn answer(faults: &[DenialCode]) -> Option<DenialCode> {
    let has = |code| faults.contains(&code);
    let tenancy = if has(DenialCode::WrongTenant) {
        Tenancy::Only(tenant("globex"))
    } else {
        Tenancy::Many
    };
    let mut policy = ServicePolicy::none();
    if has(DenialCode::PolicyDenied) {
        policy = policy.with(Rule::deny("closed")).unwrap();
    }
    let world = World::built(tenancy, policy, Disclosure::Code);
    if !has(DenialCode::BundleMissing) {
        let mut restrictions = Restrictions::default();
        if has(DenialCode::TokenRevoked) {
            restrictions.revocations.push(Revocation {
                expires: NOW,
                tokens: [grant().token.as_u128()].into_iter().collect(),
            });
        }
        if has(DenialCode::Stopped) {
            restrictions.stops.push(Stop {
                id: StopId::new(NOW, [7; 10]),
                selector: "tenant:acme".parse().unwrap(),
                issued: NOW,
                until: None,
                runs: IdSet::default(),
            });
        }
        world.snapshots.publish(restricting(NOW, restrictions));
    }
    let now = if has(DenialCode::BundleStale) {
        NOW.after(Duration::from_secs(3_600))
    } else {
        NOW
    };
    let name = if has(DenialCode::ToolUnknown) {
        "ticket.explode"
    } else {
        "kb.search"
    };
    let mut spec = grant();
    spec.issued = if has(DenialCode::TokenNotYetValid) {
        now.after(Duration::from_secs(3_600))
    } else if has(DenialCode::TokenExpired) {
        Timestamp::from_unix_seconds(now.unix_seconds() - 600)
    } else {
        now
    };
    spec.expires = spec.issued.after(Duration::from_secs(600));
    spec.tools = [tool("tickets.get")].into();
    if has(DenialCode::ApprovalRequired) {
        spec.needs_approval.insert(tool(name));
    } else if !has(DenialCode::ToolNotGranted) {
        spec.tools.insert(tool(name));
    }
    if has(DenialCode::WrongEnvironment) {
        spec.environment = env("staging");
    }
    if has(DenialCode::WrongAudience) {
        spec.audiences = [audience("mailer")].into();
    }
    if has(DenialCode::ProofRequired) {
        spec.proof = ProofRule::Always;
    }
    let seed = if has(DenialCode::UnknownKey) {
        STRANGER_KEY
    } else if has(DenialCode::WrongPurpose) {
        BREAK_GLASS_KEY
    } else if has(DenialCode::KeyTainted) {
        TAINTED_KEY
    } else {
        RUN_KEY
    };
    let mut token = signed_by(seed, spec);
    if has(DenialCode::CaveatFailed) {
        let others = NameSet::new([tool("tickets.get")]).unwrap();
        token = narrowed(&token, Caveat::OnlyTools(others));
    }
    let mut text = token.expose().to_owned();
    if has(DenialCode::TokenMalformed) {
        text.insert(0, ' ');
    }
    let text = (!has(DenialCode::TokenMissing)).then_some(text.as_str());
    world.verifier.check(text, call(name), now).denial()
}

/// Everything a verifier finds wrong by itself and that can be wrong together with most of the others.
const FAULTS: &[DenialCode] = &[
    DenialCode::TokenMissing,
    DenialCode::TokenMalformed,
    DenialCode::BundleMissing,
    DenialCode::UnknownKey,
    DenialCode::WrongPurpose,
    DenialCode::KeyTainted,
    DenialCode::WrongEnvironment,
    DenialCode::Stopped,
    DenialCode::TokenRevoked,
    DenialCode::TokenNotYetValid,
    DenialCode::TokenExpired,
    DenialCode::WrongTenant,
    DenialCode::WrongAudience,
    DenialCode::ProofRequired,
    DenialCode::ToolUnknown,
    DenialCode::ToolNotGranted,
    DenialCode::CaveatFailed,
    DenialCode::PolicyDenied,
    DenialCode::BundleStale,
    DenialCode::ApprovalRequired,
];

/// What excludes each other: a token has one key, one time, one list a tool is in. `wrong_environment`, here the token's
/// own, stands in the order where a key's comes, so it is not compared with the key's other faults.
const EXCLUSIVE: &[&[DenialCode]] = &[
    &[
        DenialCode::UnknownKey,
        DenialCode::WrongPurpose,
        DenialCode::KeyTainted,
        DenialCode::WrongEnvironment,
    ],
    &[DenialCode::TokenNotYetValid, DenialCode::TokenExpired],
    &[DenialCode::ToolNotGranted, DenialCode::ApprovalRequired],
];

#[test]
fn a_call_with_one_thing_wrong_is_told_so() {
    assert_eq!(answer(&[]), None);
    for fault in FAULTS {
        assert_eq!(answer(&[*fault]), Some(*fault));
    }
}

#[test]
fn of_two_things_wrong_the_first_of_the_order_is_told() {
    for (one, other) in FAULTS
        .iter()
        .flat_map(|one| FAULTS.iter().map(move |other| (*one, *other)))
        .filter(|(one, other)| one < other)
    {
        let both = |group: &&[DenialCode]| group.contains(&one) && group.contains(&other);
        if !EXCLUSIVE.iter().any(both) {
            assert_eq!(answer(&[one, other]), Some(one), "{one} and {other}");
        }
    }
}
