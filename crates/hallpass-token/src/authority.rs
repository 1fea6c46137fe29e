//! The authority block: a grant as facts, the five checks that restate it for any Biscuit engine, and the caveats of its
//! route.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use hallpass_keys::VerifyingKey;

use crate::datalog::{Check, Operation, Predicate, Query, Term};
use crate::date;
use crate::excerpt::Excerpt;
use crate::grant::{BreakGlass, Grant, GrantError, GrantSpec};

/// The vocabulary this crate speaks: the argument of the `hallpass` fact.
pub const VOCABULARY_VERSION: i64 = 1;

/// Facts that stand once.
const SINGLE: [&str; 16] = [
    "actor",
    "audience",
    "client",
    "env",
    "expires",
    "hallpass",
    "issued",
    "needs_approval",
    "policy",
    "proof",
    "route",
    "run",
    "subject",
    "tenant",
    "token",
    "tools",
];

/// Facts that may be missing; `break_glass` and `holder` stand at most once, the others as often as their limit.
const OPTIONAL: [&str; 4] = ["break_glass", "budget", "holder", "role"];

/// Facts only a call or a known third-party block may state: in the authority block they would answer its own checks.
pub(crate) fn is_reserved(name: &str) -> bool {
    name.starts_with("call:") || matches!(name, "approved" | "attested" | "delegated" | "time")
}

/// The facts of a grant, in the order of docs/token-format.md.
pub(crate) fn facts(grant: &Grant) -> Vec<Predicate<'_>> {
    let owned = |text: String| Term::Text(Cow::Owned(text));
    let mut facts = vec![
        Predicate::new("hallpass", [Term::Integer(VOCABULARY_VERSION)]),
        Predicate::new("token", [owned(grant.token.to_string())]),
        Predicate::new("run", [owned(grant.run.to_string())]),
        Predicate::new("tenant", [Term::text(grant.tenant.as_str())]),
        Predicate::new("env", [Term::text(grant.environment.as_str())]),
        Predicate::new(
            "subject",
            [
                Term::text(grant.subject.as_str()),
                Term::text(grant.assurance.as_str()),
            ],
        ),
        Predicate::new("actor", [Term::text(grant.actor.as_str())]),
        Predicate::new("client", [Term::text(grant.client.as_str())]),
        Predicate::new("route", [Term::text(grant.route.as_str())]),
    ];
    facts.extend(
        grant
            .roles
            .iter()
            .map(|role| Predicate::new("role", [Term::text(role.as_str())])),
    );
    facts.push(Predicate::new("audience", [Term::set_of(&grant.audiences)]));
    facts.push(Predicate::new("tools", [Term::set_of(&grant.tools)]));
    facts.push(Predicate::new(
        "needs_approval",
        [Term::set_of(&grant.needs_approval)],
    ));
    facts.extend(grant.budgets.iter().map(|(unit, amount)| {
        let amount = i64::try_from(*amount).unwrap_or(i64::MAX);
        Predicate::new("budget", [Term::text(unit.as_str()), Term::Integer(amount)])
    }));
    facts.extend(grant.holder.iter().map(|key| {
        Predicate::new(
            "holder",
            [Term::Bytes(Cow::Borrowed(key.as_bytes().as_slice()))],
        )
    }));
    facts.push(Predicate::new("proof", [Term::text(grant.proof.as_str())]));
    facts.push(Predicate::new("policy", [owned(grant.policy.to_string())]));
    facts.push(Predicate::new("issued", [date_term(grant.issued)]));
    facts.push(Predicate::new("expires", [date_term(grant.expires)]));
    facts.extend(grant.break_glass.iter().map(|break_glass| {
        let [first, second] = &break_glass.operators;
        let terms = [
            Term::text(break_glass.incident.as_str()),
            Term::text(first.as_str()),
            Term::text(second.as_str()),
        ];
        Predicate::new("break_glass", terms)
    }));
    facts
}

/// The five checks of a grant, in order: expiry, environment, audience, known tool, tool now or approved.
pub(crate) fn checks<'a>(grant: &'a Grant, approval_keys: &[VerifyingKey]) -> [Check<'a>; 5] {
    let v = Term::Variable;
    let named = |set: &'static str| {
        Query::new([
            Predicate::new("call:tool", [v("t")]),
            Predicate::new(set, [v("s")]),
        ])
        .with(v("s"), Operation::Contains, v("t"))
    };
    let mut now_or_approved = vec![named("tools")];
    if !approval_keys.is_empty() {
        let approved = [
            Term::Text(Cow::Owned(grant.run.to_string())),
            v("t"),
            v("h"),
            v("id"),
            v("until"),
        ];
        let mut query = Query::new([
            Predicate::new("call:tool", [v("t")]),
            Predicate::new("call:args", [v("h")]),
            Predicate::new("approved", approved),
            Predicate::new("time", [v("n")]),
        ])
        .with(v("n"), Operation::LessThan, v("until"));
        query.trusting = approval_keys.to_vec();
        now_or_approved.push(query);
    }
    [
        before(grant.expires),
        Check::if_any([Query::new([Predicate::new(
            "call:env",
            [Term::text(grant.environment.as_str())],
        )])]),
        Check::if_any([Query::new([
            Predicate::new("call:audience", [v("a")]),
            Predicate::new("audience", [v("s")]),
        ])
        .with(v("s"), Operation::Contains, v("a"))]),
        Check::if_any([named("tools"), named("needs_approval")]),
        Check::if_any(now_or_approved),
    ]
}

/// `check if time($t), $t < end`: of the grant, and of the caveat that shortens it.
pub(crate) fn before<'a>(end: hallpass_vocabulary::Timestamp) -> Check<'a> {
    let query = Query::new([Predicate::new("time", [Term::Variable("t")])]);
    Check::if_any([query.with(Term::Variable("t"), Operation::LessThan, date_term(end))])
}

// Every date here is in range: grants and caveats are checked when they are made. One that were not would become the
// year 1970, which grants nothing.
fn date_term<'a>(time: hallpass_vocabulary::Timestamp) -> Term<'a> {
    Term::Date(date::seconds(time).unwrap_or(0))
}

/// What an authority block says.
pub(crate) struct Authority {
    pub(crate) grant: Grant,
    pub(crate) approval_keys: Vec<VerifyingKey>,
}

/// How many checks restate the grant; caveats follow them.
pub(crate) const GRANT_CHECKS: usize = 5;

/// Reads the grant and the approval keys back; everything must be exactly as [`facts`] and [`checks`] write it, facts
/// in any order. Checks behind the five are the caller's to read.
pub(crate) fn read(facts: &[Predicate<'_>], actual: &[Check<'_>]) -> Result<Authority, GrantError> {
    let facts = Facts::new(facts)?;
    let grant = Grant::new(facts.spec()?)?;
    let [_, _, _, _, last, ..] = actual else {
        return Err(GrantError::CheckCount {
            checks: actual.len(),
        });
    };
    let approval_keys = last
        .queries
        .get(1)
        .map(|query| query.trusting.clone())
        .unwrap_or_default();
    for (check, (expected, actual)) in checks(&grant, &approval_keys)
        .iter()
        .zip(actual)
        .enumerate()
    {
        if expected != actual {
            return Err(GrantError::Check { check });
        }
    }
    Ok(Authority {
        grant,
        approval_keys,
    })
}

/// The facts by name.
struct Facts<'f, 'a>(BTreeMap<&'f str, Vec<&'f [Term<'a>]>>);

impl<'f, 'a> Facts<'f, 'a> {
    fn new(facts: &'f [Predicate<'a>]) -> Result<Self, GrantError> {
        let mut by_name: BTreeMap<&str, Vec<&[Term<'_>]>> = BTreeMap::new();
        for fact in facts {
            if !SINGLE.contains(&fact.name) && !OPTIONAL.contains(&fact.name) {
                return Err(GrantError::UnknownFact {
                    name: Excerpt::of(fact.name),
                });
            }
            by_name.entry(fact.name).or_default().push(&fact.terms);
        }
        Ok(Self(by_name))
    }

    fn spec(&self) -> Result<GrantSpec, GrantError> {
        if self.one("hallpass")? != [Term::Integer(VOCABULARY_VERSION)] {
            return Err(GrantError::Value { fact: "hallpass" });
        }
        let (subject, assurance) = match self.one("subject")? {
            [Term::Text(id), Term::Text(assurance)] => {
                (parsed("subject", id)?, parsed("subject", assurance)?)
            }
            _ => return Err(GrantError::Value { fact: "subject" }),
        };
        Ok(GrantSpec {
            token: self.text("token")?,
            run: self.text("run")?,
            tenant: self.text("tenant")?,
            environment: self.text("env")?,
            subject,
            assurance,
            actor: self.text("actor")?,
            client: self.text("client")?,
            route: self.text("route")?,
            roles: self.roles()?,
            audiences: self.set("audience")?,
            tools: self.set("tools")?,
            needs_approval: self.set("needs_approval")?,
            budgets: self.budgets()?,
            holder: self.holder()?,
            proof: self.text("proof")?,
            policy: self.text("policy")?,
            issued: self.date("issued")?,
            expires: self.date("expires")?,
            break_glass: self.break_glass()?,
        })
    }

    fn all(&self, fact: &str) -> &[&'f [Term<'a>]] {
        self.0.get(fact).map_or(&[], Vec::as_slice)
    }

    fn one(&self, fact: &'static str) -> Result<&'f [Term<'a>], GrantError> {
        match self.all(fact) {
            [terms] => Ok(*terms),
            [] => Err(GrantError::Missing { fact }),
            _ => Err(GrantError::Repeated { fact }),
        }
    }

    fn text<T: FromStr>(&self, fact: &'static str) -> Result<T, GrantError> {
        match self.one(fact)? {
            [Term::Text(text)] => parsed(fact, text),
            _ => Err(GrantError::Value { fact }),
        }
    }

    fn date(&self, fact: &'static str) -> Result<hallpass_vocabulary::Timestamp, GrantError> {
        match self.one(fact)? {
            [Term::Date(seconds)] => date::timestamp(*seconds).ok_or(GrantError::Date),
            _ => Err(GrantError::Value { fact }),
        }
    }

    fn set<T: FromStr + Ord>(&self, fact: &'static str) -> Result<BTreeSet<T>, GrantError> {
        match self.one(fact)? {
            [Term::Set(elements)] => elements
                .iter()
                .map(|element| match element {
                    Term::Text(text) => parsed(fact, text),
                    _ => Err(GrantError::Value { fact }),
                })
                .collect(),
            _ => Err(GrantError::Value { fact }),
        }
    }

    fn roles(&self) -> Result<BTreeSet<hallpass_vocabulary::Role>, GrantError> {
        let mut roles = BTreeSet::new();
        for terms in self.all("role") {
            let [Term::Text(role)] = terms else {
                return Err(GrantError::Value { fact: "role" });
            };
            if !roles.insert(parsed("role", role)?) {
                return Err(GrantError::Repeated { fact: "role" });
            }
        }
        Ok(roles)
    }

    fn budgets(&self) -> Result<BTreeMap<crate::BudgetUnit, u64>, GrantError> {
        let mut budgets = BTreeMap::new();
        for terms in self.all("budget") {
            let [Term::Text(unit), Term::Integer(amount)] = terms else {
                return Err(GrantError::Value { fact: "budget" });
            };
            let amount =
                u64::try_from(*amount).map_err(|_| GrantError::Value { fact: "budget" })?;
            if budgets.insert(parsed("budget", unit)?, amount).is_some() {
                return Err(GrantError::Repeated { fact: "budget" });
            }
        }
        Ok(budgets)
    }

    fn break_glass(&self) -> Result<Option<BreakGlass>, GrantError> {
        const FACT: &str = "break_glass";
        match self.all(FACT) {
            [] => Ok(None),
            [[Term::Text(incident), Term::Text(first), Term::Text(second)]] => {
                Ok(Some(BreakGlass {
                    incident: parsed(FACT, incident)?,
                    operators: [parsed(FACT, first)?, parsed(FACT, second)?],
                }))
            }
            [_] => Err(GrantError::Value { fact: FACT }),
            _ => Err(GrantError::Repeated { fact: FACT }),
        }
    }

    fn holder(&self) -> Result<Option<VerifyingKey>, GrantError> {
        match self.all("holder") {
            [] => Ok(None),
            [[Term::Bytes(bytes)]] => bytes
                .as_ref()
                .try_into()
                .ok()
                .and_then(|bytes| VerifyingKey::from_bytes(bytes).ok())
                .map(Some)
                .ok_or(GrantError::Value { fact: "holder" }),
            [_] => Err(GrantError::Value { fact: "holder" }),
            _ => Err(GrantError::Repeated { fact: "holder" }),
        }
    }
}

fn parsed<T: FromStr>(fact: &'static str, text: &str) -> Result<T, GrantError> {
    text.parse().map_err(|_| GrantError::Value { fact })
}
