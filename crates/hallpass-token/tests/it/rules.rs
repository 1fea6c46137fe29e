//! The rules of a grant, of minting and of narrowing, each broken once and kept at its edge.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hallpass_keys::{Purpose, SigningKey};
use hallpass_token::limits::{
    APPROVAL_KEYS_MAX, AUDIENCES_MAX, BUDGET_AMOUNT_MAX, CHECKS_PER_BLOCK_MAX, ROLES_MAX,
    SET_ELEMENTS_MAX, TOOLS_MAX, TTL_SECONDS_MAX,
};
use hallpass_token::{
    AdmissionError, AttenuateError, BreakGlass, BudgetUnit, Caveat, Grant, GrantError, GrantSpec,
    MintError, NameSet, NotAdmitted, Unbounded, UnverifiedToken, mint,
};
use hallpass_vocabulary::{ProofRule, Timestamp, ToolName};

use crate::fixtures::{admitted, approver, at, environment, grant, minted, next, root, set, spec};

fn broken(change: impl FnOnce(&mut GrantSpec)) -> Result<(), GrantError> {
    let mut spec = spec();
    change(&mut spec);
    Grant::new(spec).map(|_| ())
}

fn tools(count: usize) -> BTreeSet<ToolName> {
    (0..count)
        .map(|n| format!("a.b{n}").parse().unwrap())
        .collect()
}

#[test]
fn a_grant_keeps_its_rules() {
    let overlap = broken(|spec| spec.needs_approval = spec.tools.clone());
    assert_eq!(
        overlap,
        Err(GrantError::Overlap {
            tool: "kb.search".parse().unwrap()
        })
    );
    let none = broken(|spec| {
        spec.tools.clear();
        spec.needs_approval.clear();
    });
    assert_eq!(none, Err(GrantError::NoTools));
    assert_eq!(
        broken(|spec| spec.audiences.clear()),
        Err(GrantError::Missing { fact: "audience" })
    );

    // One withheld tool is in the grant already.
    assert_eq!(broken(|spec| spec.tools = tools(TOOLS_MAX - 1)), Ok(()));
    let too_many = Err(GrantError::TooMany {
        fact: "tools",
        max: TOOLS_MAX,
    });
    assert_eq!(broken(|spec| spec.tools = tools(TOOLS_MAX)), too_many);
    let names = |count: usize| (0..count).map(|n| format!("n{n}")).collect::<Vec<_>>();
    let roles = |count| {
        names(count)
            .iter()
            .map(|name| name.parse().unwrap())
            .collect()
    };
    assert_eq!(broken(|spec| spec.roles = roles(ROLES_MAX)), Ok(()));
    let too_many = Err(GrantError::TooMany {
        fact: "role",
        max: ROLES_MAX,
    });
    assert_eq!(broken(|spec| spec.roles = roles(ROLES_MAX + 1)), too_many);
    let audiences = |count| {
        names(count)
            .iter()
            .map(|name| name.parse().unwrap())
            .collect()
    };
    assert_eq!(
        broken(|spec| spec.audiences = audiences(AUDIENCES_MAX)),
        Ok(())
    );
    let too_many = Err(GrantError::TooMany {
        fact: "audience",
        max: AUDIENCES_MAX,
    });
    assert_eq!(
        broken(|spec| spec.audiences = audiences(AUDIENCES_MAX + 1)),
        too_many
    );

    let amount =
        |amount| broken(|spec| spec.budgets = BTreeMap::from([(BudgetUnit::UsdMicros, amount)]));
    assert_eq!(amount(BUDGET_AMOUNT_MAX), Ok(()));
    assert_eq!(
        amount(BUDGET_AMOUNT_MAX + 1),
        Err(GrantError::Value { fact: "budget" })
    );
}

#[test]
fn a_grant_lives_at_most_fifteen_minutes_and_in_whole_seconds() {
    let lives = |ttl: i64| broken(|spec| spec.expires = at(ttl));
    assert_eq!(lives(1), Ok(()));
    assert_eq!(lives(TTL_SECONDS_MAX as i64), Ok(()));
    for ttl in [i64::MIN / 2_000, -1, 0, TTL_SECONDS_MAX as i64 + 1] {
        let refused = lives(ttl);
        assert!(
            matches!(refused, Err(GrantError::Ttl | GrantError::Date)),
            "{ttl}: {refused:?}"
        );
    }
    let fraction = at(0).after(Duration::from_millis(1));
    assert_eq!(broken(|spec| spec.issued = fraction), Err(GrantError::Date));
    assert_eq!(
        broken(|spec| spec.expires = fraction),
        Err(GrantError::Date)
    );
    for outside in [-1, 253_402_300_800] {
        let outside = Timestamp::from_unix_seconds(outside);
        assert_eq!(broken(|spec| spec.issued = outside), Err(GrantError::Date));
        assert_eq!(broken(|spec| spec.expires = outside), Err(GrantError::Date));
    }
}

#[test]
fn only_a_run_key_of_the_environment_mints() {
    let minted = |key: &SigningKey| mint(&grant(), &[], key, &[], next(2)).map(|_| ());
    for purpose in Purpose::ALL
        .into_iter()
        .filter(|purpose| *purpose != Purpose::Run)
    {
        let key = SigningKey::from_seed(purpose, environment("dev"), [1; 32]);
        let expected = Purpose::Run;
        assert_eq!(minted(&key), Err(MintError::Purpose { purpose, expected }));
    }
    let elsewhere = SigningKey::from_seed(Purpose::Run, environment("prod"), [1; 32]);
    let refused = MintError::Environment {
        grant: environment("dev"),
        key: environment("prod"),
    };
    assert_eq!(minted(&elsewhere), Err(refused));
    assert_eq!(minted(&root(1)), Ok(()));
}

#[test]
fn approval_keys_are_bounded_and_counted_once() {
    let keys: Vec<_> = (1..=APPROVAL_KEYS_MAX as u8 + 1)
        .map(|n| approver(n).verifying_key())
        .collect();
    let refused = mint(&grant(), &[], &root(1), &keys, next(2)).map(|_| ());
    assert_eq!(
        refused,
        Err(MintError::TooManyApprovalKeys {
            keys: APPROVAL_KEYS_MAX + 1
        })
    );
    let text = mint(
        &grant(),
        &[],
        &root(1),
        &[keys[0], keys[1], keys[0]],
        next(2),
    )
    .unwrap();
    assert_eq!(admitted(text.expose()).approval_keys().len(), 2);
}

#[test]
fn the_largest_grant_is_minted_or_refused_whole() {
    let mut largest = spec();
    largest.tools = (0..TOOLS_MAX - 1)
        .map(|n| format!("{}.b{n:02}", "a".repeat(60)).parse().unwrap())
        .collect();
    largest.roles = (0..ROLES_MAX)
        .map(|n| format!("{}{n:02}", "r".repeat(62)).parse().unwrap())
        .collect();
    largest.audiences = (0..AUDIENCES_MAX)
        .map(|n| format!("{}{n:02}", "s".repeat(62)).parse().unwrap())
        .collect();
    let keys: Vec<_> = (1..=APPROVAL_KEYS_MAX as u8)
        .map(|n| approver(n).verifying_key())
        .collect();
    let largest = Grant::new(largest).unwrap();
    match mint(&largest, &[], &root(1), &keys, next(2)) {
        Ok(text) => assert_eq!(*admitted(text.expose()).grant(), largest),
        Err(error) => assert!(matches!(error, MintError::TooLarge { .. }), "{error}"),
    }
    // As many tools and keys as there may be, with names of everyday length, do fit.
    let mut everyday = spec();
    everyday.tools = (0..TOOLS_MAX - 1)
        .map(|n| format!("customer_ticket.verb_{n:02}").parse().unwrap())
        .collect();
    let everyday = Grant::new(everyday).unwrap();
    let text = mint(&everyday, &[], &root(1), &keys, next(2)).unwrap();
    assert_eq!(*admitted(text.expose()).grant(), everyday);
}

#[test]
fn narrowing_keeps_its_limits() {
    let token = UnverifiedToken::parse(minted(&grant()).expose()).unwrap();
    let narrowed = |caveats: &[Caveat]| token.attenuate(caveats, next(9)).map(|_| ());
    let caveat: Caveat = "only tools kb.search".parse().unwrap();
    assert_eq!(narrowed(&[]), Err(AttenuateError::NoCaveats));
    assert_eq!(
        narrowed(&vec![caveat.clone(); CHECKS_PER_BLOCK_MAX]),
        Ok(())
    );
    let caveats = CHECKS_PER_BLOCK_MAX + 1;
    assert_eq!(
        narrowed(&vec![caveat.clone(); caveats]),
        Err(AttenuateError::TooManyCaveats { caveats })
    );
    let before = Caveat::ExpiresBefore(Timestamp::from_unix_seconds(-1));
    assert_eq!(narrowed(&[before]), Err(AttenuateError::Date));
    let reused = token.attenuate(&[caveat], next(2)).map(|_| ());
    assert_eq!(reused, Err(AttenuateError::SecretReused));
    let long = (0..SET_ELEMENTS_MAX).map(|n| {
        format!("{}.b{n:02}", "a".repeat(60))
            .parse::<ToolName>()
            .unwrap()
    });
    let long = Caveat::OnlyTools(NameSet::new(long).unwrap());
    let token = UnverifiedToken::parse(
        token
            .attenuate(std::slice::from_ref(&long), next(9))
            .unwrap()
            .expose(),
    )
    .unwrap();
    let other = set::<ToolName>(&["c.d"]);
    let long_again = (0..SET_ELEMENTS_MAX - 1).map(|n| {
        format!("{}.c{n:02}", "b".repeat(60))
            .parse::<ToolName>()
            .unwrap()
    });
    let long_again = Caveat::OnlyTools(NameSet::new(long_again.chain(other)).unwrap());
    let refused = token.attenuate(&[long, long_again], next(10)).map(|_| ());
    assert!(
        matches!(refused, Err(AttenuateError::TooLarge { .. })),
        "{refused:?}"
    );
}

#[test]
fn what_is_narrowed_here_is_admitted() {
    // A block may add more names than a verifier accepts symbols: that is refused when it is made, not when it is used.
    let token = UnverifiedToken::parse(minted(&grant()).expose()).unwrap();
    let caveats: Vec<Caveat> = (0..4)
        .map(|block| {
            let names = (0..SET_ELEMENTS_MAX)
                .map(|n| format!("a{block}.b{n}").parse::<ToolName>().unwrap());
            Caveat::OnlyTools(NameSet::new(names).unwrap())
        })
        .collect();
    let text = token.attenuate(&caveats[..2], next(9)).unwrap();
    assert_eq!(admitted(text.expose()).caveats().len(), 2);
    let reason = NotAdmitted::SymbolsTooMany;
    let refused = AttenuateError::NotAdmitted(AdmissionError::NotAdmitted { block: 1, reason });
    assert_eq!(token.attenuate(&caveats, next(9)).map(|_| ()), Err(refused));
}

#[test]
fn a_break_glass_grant_is_tight_and_signed_by_a_key_of_its_own() {
    let tight = || {
        let mut spec = spec();
        spec.needs_approval = BTreeSet::new();
        spec.holder = Some(approver(3).verifying_key());
        spec.proof = ProofRule::Always;
        spec.break_glass = Some(BreakGlass {
            incident: "INC-42".parse().unwrap(),
            operators: ["op:dana".parse().unwrap(), "op:li".parse().unwrap()],
        });
        spec
    };
    let grant = Grant::new(tight()).unwrap();
    let key = |purpose| SigningKey::from_seed(purpose, environment("dev"), [1; 32]);
    let mint_with = |purpose| mint(&grant, &[], &key(purpose), &[], next(2));
    assert_eq!(
        mint_with(Purpose::Run).map(|_| ()),
        Err(MintError::Purpose {
            purpose: Purpose::Run,
            expected: Purpose::BreakGlass
        })
    );
    let text = mint_with(Purpose::BreakGlass).unwrap();
    let read = admitted(text.expose());
    assert_eq!(read.grant(), &grant);
    assert!(
        read.datalog()
            .concat()
            .contains(r#"break_glass("INC-42", "op:dana", "op:li");"#)
    );
    let loose: [fn(&mut GrantSpec); 4] = [
        |spec| spec.holder = None,
        |spec| spec.proof = ProofRule::Writes,
        |spec| spec.needs_approval = set(&["ticket.close"]),
        |spec| {
            let twice = "op:dana".parse().unwrap();
            spec.break_glass.as_mut().unwrap().operators[1] = twice;
        },
    ];
    for loosen in loose {
        let mut spec = tight();
        loosen(&mut spec);
        assert_eq!(Grant::new(spec).map(|_| ()), Err(GrantError::BreakGlass));
    }
}

#[test]
fn a_token_no_verifier_would_admit_is_not_narrowed() {
    let caveat = ["only tools kb.search".parse().unwrap()];
    // The extended profile admits this one.
    let text = crate::forge::appended("check if true;");
    let token = UnverifiedToken::parse(&text).unwrap();
    assert!(token.attenuate(&caveat, next(9)).is_ok());
    let text = crate::forge::appended(r#"reject if role("intern");"#);
    let token = UnverifiedToken::parse(&text).unwrap();
    let refused = AttenuateError::NotAdmitted(AdmissionError::CheckUnbounded {
        block: 1,
        check: 0,
        reason: Unbounded::NotAdmitted,
    });
    assert_eq!(token.attenuate(&caveat, next(9)).map(|_| ()), Err(refused));
}

#[test]
fn a_caveat_with_a_fraction_of_a_second_becomes_the_earlier_second() {
    let end = at(60).after(Duration::from_millis(999));
    let text =
        crate::fixtures::attenuated(minted(&grant()).expose(), &[Caveat::ExpiresBefore(end)]);
    assert_eq!(admitted(text.expose()).not_after(), at(60));
}
