//! What a token grants: the authority block as a typed value.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use hallpass_keys::{Digest, Purpose, VerifyingKey};
use hallpass_vocabulary::{
    Actor, Audience, ClientId, Environment, IncidentId, OperatorId, ProofRule, Role, Route, RunId,
    Subject, SubjectAssurance, Tenant, Timestamp, TokenId, ToolName,
};

use crate::date;
use crate::excerpt::Excerpt;
use crate::limits::{AUDIENCES_MAX, BUDGET_AMOUNT_MAX, ROLES_MAX, TOOLS_MAX, TTL_SECONDS_MAX};

/// What a run budget counts.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum BudgetUnit {
    /// Calls that were allowed.
    Calls,
    /// Millionths of a US dollar.
    UsdMicros,
}

/// A word that names no budget.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("budget must be `calls` or `usd_micros`")]
pub struct UnknownBudget;

impl BudgetUnit {
    /// Every unit, alphabetically.
    pub const ALL: [Self; 2] = [Self::Calls, Self::UsdMicros];

    /// The word in the token's `budget` fact and in the policy.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::UsdMicros => "usd_micros",
        }
    }
}

impl FromStr for BudgetUnit {
    type Err = UnknownBudget;

    fn from_str(text: &str) -> Result<Self, UnknownBudget> {
        Self::ALL
            .into_iter()
            .find(|unit| unit.as_str() == text)
            .ok_or(UnknownBudget)
    }
}

impl fmt::Display for BudgetUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What opened a door that is otherwise closed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct BreakGlass {
    /// What for.
    pub incident: IncidentId,
    /// The operator who asked, and the one who agreed.
    pub operators: [OperatorId; 2],
}

/// The fields of a [`Grant`], before its rules are checked. docs/token-format.md has the fact of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantSpec {
    /// The identity of this token.
    pub token: TokenId,
    /// The run it belongs to.
    pub run: RunId,
    /// Whose data it may touch.
    pub tenant: Tenant,
    /// Where it is valid.
    pub environment: Environment,
    /// On whose behalf.
    pub subject: Subject,
    /// How the authority knows the subject.
    pub assurance: SubjectAssurance,
    /// The agent.
    pub actor: Actor,
    /// The orchestrator that asked for it.
    pub client: ClientId,
    /// The policy it was started under.
    pub route: Route,
    /// Roles of the subject.
    pub roles: BTreeSet<Role>,
    /// The services it is for; at least one.
    pub audiences: BTreeSet<Audience>,
    /// Tools callable now.
    pub tools: BTreeSet<ToolName>,
    /// Tools callable only with an approval; none of them in `tools`.
    pub needs_approval: BTreeSet<ToolName>,
    /// What the run may spend.
    pub budgets: BTreeMap<BudgetUnit, u64>,
    /// The key the token is bound to.
    pub holder: Option<VerifyingKey>,
    /// When a call must carry a proof of possession.
    pub proof: ProofRule,
    /// The digest of the policy it was minted under.
    pub policy: Digest,
    /// When it was issued; a whole second.
    pub issued: Timestamp,
    /// When it ends; a whole second, at most 15 minutes after `issued`.
    pub expires: Timestamp,
    /// For an incident, signed by a break-glass key: bound to a holder, with a proof for every call, without approvals.
    pub break_glass: Option<BreakGlass>,
}

/// What a token grants. Reads like its [`GrantSpec`]; the rules of the vocabulary hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant(GrantSpec);

/// A grant that breaks a rule of the vocabulary.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GrantError {
    /// A break-glass grant that is not bound to a holder with a proof for every call, withholds tools for approval, or
    /// names one operator twice.
    #[error(
        "a break-glass grant has a holder, the proof rule `always`, no tools to approve, and two different operators"
    )]
    BreakGlass,
    /// A check of the authority block is not the one its facts call for.
    #[error("check {check} of the authority block does not restate its facts")]
    Check {
        /// Which check, from 0.
        check: usize,
    },
    /// Fewer than the five checks that restate the grant.
    #[error("the authority block has {checks} checks instead of five or more")]
    CheckCount {
        /// How many it has.
        checks: usize,
    },
    /// `issued` or `expires` is no whole second between 1970 and 9999.
    #[error("`issued` and `expires` must be whole seconds between the years 1970 and 9999")]
    Date,
    /// A fact holds a kind of value no fact of the vocabulary holds.
    #[error("a fact holds a kind of value that no fact of the vocabulary holds")]
    FactKind,
    /// A fact that must be there is not.
    #[error("the fact `{fact}` is missing")]
    Missing {
        /// Its name.
        fact: &'static str,
    },
    /// No tool at all.
    #[error("the grant names no tool")]
    NoTools,
    /// A tool both needs an approval and does not.
    #[error("`{tool}` is in both `tools` and `needs_approval`")]
    Overlap {
        /// The first such tool.
        tool: ToolName,
    },
    /// A fact stands twice.
    #[error("the fact `{fact}` is repeated")]
    Repeated {
        /// Its name.
        fact: &'static str,
    },
    /// More values than the limit.
    #[error("`{fact}` has more than {max} values")]
    TooMany {
        /// The fact.
        fact: &'static str,
        /// The limit.
        max: usize,
    },
    /// More than [`TTL_SECONDS_MAX`], or nothing, between `issued` and `expires`.
    #[error("`expires` must be 1 to {TTL_SECONDS_MAX} seconds after `issued`")]
    Ttl,
    /// A fact outside the vocabulary.
    #[error("the fact `{name}` is not in the vocabulary")]
    UnknownFact {
        /// Its name.
        name: Excerpt,
    },
    /// A fact holds something its kind cannot.
    #[error("the value of `{fact}` is not valid")]
    Value {
        /// Its name.
        fact: &'static str,
    },
}

impl Grant {
    /// Checks the rules of the vocabulary.
    ///
    /// # Errors
    /// [`GrantError`], for the first rule broken.
    pub fn new(spec: GrantSpec) -> Result<Self, GrantError> {
        let tools = spec.tools.len().saturating_add(spec.needs_approval.len());
        if let Some(tool) = spec.tools.intersection(&spec.needs_approval).next() {
            return Err(GrantError::Overlap { tool: tool.clone() });
        }
        if tools == 0 {
            return Err(GrantError::NoTools);
        }
        at_most("tools", tools, TOOLS_MAX)?;
        at_most("role", spec.roles.len(), ROLES_MAX)?;
        at_most("audience", spec.audiences.len(), AUDIENCES_MAX)?;
        if spec.audiences.is_empty() {
            return Err(GrantError::Missing { fact: "audience" });
        }
        if spec
            .budgets
            .values()
            .any(|amount| *amount > BUDGET_AMOUNT_MAX)
        {
            return Err(GrantError::Value { fact: "budget" });
        }
        if !date::is_whole(spec.issued) || !date::is_whole(spec.expires) {
            return Err(GrantError::Date);
        }
        if !(1..=TTL_SECONDS_MAX).contains(&spec.expires.since(spec.issued).as_secs()) {
            return Err(GrantError::Ttl);
        }
        let loose = |break_glass: &BreakGlass| {
            let [first, second] = &break_glass.operators;
            first == second
                || spec.holder.is_none()
                || spec.proof != ProofRule::Always
                || !spec.needs_approval.is_empty()
        };
        if spec.break_glass.as_ref().is_some_and(loose) {
            return Err(GrantError::BreakGlass);
        }
        Ok(Self(spec))
    }

    /// The purpose of the key that signs it.
    pub fn key_purpose(&self) -> Purpose {
        match self.0.break_glass {
            Some(_) => Purpose::BreakGlass,
            None => Purpose::Run,
        }
    }

    /// The fields, to change them and check again.
    pub fn into_spec(self) -> GrantSpec {
        self.0
    }
}

// Reading only: there is no `DerefMut`, so the rules keep holding.
impl Deref for Grant {
    type Target = GrantSpec;

    fn deref(&self) -> &GrantSpec {
        &self.0
    }
}

fn at_most(fact: &'static str, count: usize, max: usize) -> Result<(), GrantError> {
    if count <= max {
        Ok(())
    } else {
        Err(GrantError::TooMany { fact, max })
    }
}
