//! Rules, built by name.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use hallpass_token::Caveat;
use hallpass_vocabulary::InvalidName;

use super::clause::{Clause, Effect, Filter, Requirement};
use super::fault::{NAMES_PER_LIST_MAX, REQUIREMENTS_PER_RULE_MAX, RuleFault};

/// One rule of a [`ServicePolicy`](super::ServicePolicy): begun with what it demands, narrowed by whom it concerns. Of
/// what is not narrowed, it concerns everything. The first error of a step is reported by
/// [`ServicePolicy::with`](super::ServicePolicy::with).
#[derive(Debug, Clone)]
#[must_use]
pub struct Rule {
    name: String,
    clause: Result<Clause, RuleFault>,
}

impl Rule {
    /// The calls it concerns are denied.
    pub fn deny(name: &str) -> Self {
        Self::new(name, Ok(Effect::Deny))
    }

    /// The arguments of the calls it concerns satisfy each of these: caveats on arguments, for no tools of their own.
    pub fn require(name: &str, caveats: impl IntoIterator<Item = Caveat>) -> Self {
        let caveats = caveats.into_iter().map(Requirement::new);
        let required = caveats.collect::<Result<_, _>>().and_then(requirements);
        Self::new(name, required.map(Effect::Require))
    }

    /// The token is bound to a holder's key. Whether a call must prove possession of it is the token's `proof` rule.
    pub fn require_holder(name: &str) -> Self {
        Self::new(name, Ok(Effect::RequireHolder))
    }

    /// The authority checked who the subject is, and did not take a client's word for it.
    pub fn require_verified_subject(name: &str) -> Self {
        Self::new(name, Ok(Effect::RequireVerifiedSubject))
    }

    /// It concerns calls of these tools.
    pub fn tools<T: AsRef<str>>(self, tools: impl IntoIterator<Item = T>) -> Self {
        self.step(|clause| once("tools", &mut clause.tools, parsed(tools)?))
    }

    /// It concerns subjects with any of these roles.
    pub fn roles<T: AsRef<str>>(self, roles: impl IntoIterator<Item = T>) -> Self {
        self.step(|clause| once("roles", &mut clause.roles.only, parsed(roles)?))
    }

    /// It does not concern subjects with any of these roles.
    pub fn except_roles<T: AsRef<str>>(self, roles: impl IntoIterator<Item = T>) -> Self {
        self.step(|clause| once("except_roles", &mut clause.roles.except, parsed(roles)?))
    }

    /// It concerns tokens of these tenants.
    pub fn tenants<T: AsRef<str>>(self, tenants: impl IntoIterator<Item = T>) -> Self {
        self.step(|clause| once("tenants", &mut clause.tenants.only, parsed(tenants)?))
    }

    /// It does not concern tokens of these tenants.
    pub fn except_tenants<T: AsRef<str>>(self, tenants: impl IntoIterator<Item = T>) -> Self {
        self.step(|clause| {
            once(
                "except_tenants",
                &mut clause.tenants.except,
                parsed(tenants)?,
            )
        })
    }

    /// Why it is there, in a line that denials by it repeat.
    pub fn reason(self, reason: &str) -> Self {
        self.step(|clause| once("reason", &mut clause.reason, reason.parse()?))
    }

    fn new(name: &str, effect: Result<Effect, RuleFault>) -> Self {
        let clause = name.parse().and_then(|name| {
            Ok(Clause {
                name,
                reason: None,
                tools: None,
                roles: Filter::EVERYBODY,
                tenants: Filter::EVERYBODY,
                effect: effect?,
            })
        });
        Self {
            name: name.to_owned(),
            clause,
        }
    }

    fn step(mut self, step: impl FnOnce(&mut Clause) -> Result<(), RuleFault>) -> Self {
        if let Ok(clause) = &mut self.clause
            && let Err(fault) = step(clause)
        {
            self.clause = Err(fault);
        }
        self
    }

    /// The name as given, and the rule or what is wrong with it.
    pub(super) fn into_clause(self) -> (String, Result<Clause, RuleFault>) {
        (self.name, self.clause.and_then(consistent))
    }
}

/// What is right in its parts is looked at as a whole.
pub(super) fn consistent(clause: Clause) -> Result<Clause, RuleFault> {
    if let Some(role) = clause.roles.contradiction() {
        return Err(RuleFault::RoleContradiction(role.clone()));
    }
    if let Some(tenant) = clause.tenants.contradiction() {
        return Err(RuleFault::TenantContradiction(tenant.clone()));
    }
    Ok(clause)
}

fn once<T>(key: &'static str, place: &mut Option<T>, value: T) -> Result<(), RuleFault> {
    match place.replace(value) {
        Some(_) => Err(RuleFault::KeyTwice(key)),
        None => Ok(()),
    }
}

fn parsed<N, T>(names: impl IntoIterator<Item = T>) -> Result<BTreeSet<N>, RuleFault>
where
    N: FromStr<Err = InvalidName> + Ord + fmt::Display,
    T: AsRef<str>,
{
    let names = names.into_iter().map(|name| name.as_ref().parse());
    listed(names.collect::<Result<Vec<N>, _>>()?)
}

/// A list as a set: neither empty nor too long, and nothing twice.
pub(super) fn listed<N: Ord + fmt::Display>(names: Vec<N>) -> Result<BTreeSet<N>, RuleFault> {
    match names.len() {
        0 => return Err(RuleFault::ListEmpty),
        1..=NAMES_PER_LIST_MAX => {}
        _ => return Err(RuleFault::EntriesTooMany),
    }
    let mut set = BTreeSet::new();
    for name in names {
        if set.contains(&name) {
            return Err(RuleFault::EntryTwice(name.to_string()));
        }
        set.insert(name);
    }
    Ok(set)
}

/// What a rule requires: neither nothing nor too much, and nothing twice.
pub(super) fn requirements(required: Vec<Requirement>) -> Result<Vec<Requirement>, RuleFault> {
    match required.len() {
        0 => return Err(RuleFault::ListEmpty),
        1..=REQUIREMENTS_PER_RULE_MAX => {}
        _ => return Err(RuleFault::RequirementsTooMany),
    }
    let mut before: Vec<&Requirement> = Vec::new();
    for requirement in &required {
        if before.contains(&requirement) {
            return Err(RuleFault::EntryTwice(requirement.words.to_string()));
        }
        before.push(requirement);
    }
    Ok(required)
}

impl Requirement {
    /// Characters of a caveat that a denial repeats at most; the rest is in the policy.
    const WORDS_CHARS_MAX: usize = 160;

    fn new(caveat: Caveat) -> Result<Self, RuleFault> {
        let mut words = caveat.to_string();
        let Caveat::Argument(caveat) = caveat else {
            return Err(RuleFault::NotOnArguments);
        };
        if caveat.tools().is_some() {
            return Err(RuleFault::Scoped);
        }
        if let Some((end, _)) = words.char_indices().nth(Self::WORDS_CHARS_MAX) {
            words.truncate(end);
            words.push('…');
        }
        Ok(Self {
            caveat,
            words: words.into(),
        })
    }
}

impl FromStr for Requirement {
    type Err = RuleFault;

    fn from_str(words: &str) -> Result<Self, RuleFault> {
        Self::new(words.parse::<Caveat>()?)
    }
}
