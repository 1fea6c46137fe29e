//! What a token that was minted would be under another policy. Tokens that would be alike are one standing.

use std::collections::{BTreeSet, HashMap};

use hallpass_journal::{Minted, Spent};
use hallpass_policy::{MintRequest, Policy, PolicyRefusal, Terms, Verified};
use hallpass_vocabulary::{ProofRule, Role, Route, SubjectAssurance, ToolName};

use super::Answer;

/// What tokens have in common that would be alike.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    route: Route,
    verified: Option<Vec<Role>>,
    refused: Option<PolicyRefusal>,
    caveats: Vec<String>,
    budgets: (Option<u64>, Option<u64>),
    proof: ProofRule,
}

/// What they would be, and what they were.
#[derive(Debug)]
pub(super) struct Standing {
    /// With the roles that are on record.
    pub(super) least: Result<Terms, PolicyRefusal>,
    /// With every role that the route would admit from the subject's own token; nobody recorded which it has.
    pub(super) most: Result<Terms, PolicyRefusal>,
    pub(super) caveats: Vec<String>,
    pub(super) budgets: Spent,
    pub(super) proof: ProofRule,
}

/// What a policy says to a tool of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grant {
    Is(Answer),
    /// It depends on the roles that the subject's own token has.
    DependsOnRoles,
}

impl Standing {
    /// What is said to a tool, before its arguments are looked at.
    pub(super) fn grant(&self, tool: &ToolName) -> Grant {
        let of = |terms: &Result<Terms, PolicyRefusal>| match terms {
            Ok(terms) if terms.needs_approval().contains(tool) => Answer::Approval,
            Ok(terms) if terms.tools().contains(tool) => Answer::Allow,
            _ => Answer::Deny,
        };
        let (least, most) = (of(&self.least), of(&self.most));
        match least == most {
            true => Grant::Is(least),
            false => Grant::DependsOnRoles,
        }
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Standings {
    all: Vec<Standing>,
    known: HashMap<Key, u32>,
}

impl Standings {
    pub(super) fn get(&self, number: u32) -> Option<&Standing> {
        self.all.get(usize::try_from(number).ok()?)
    }

    /// The standing of a token that was minted.
    pub(super) fn of(&mut self, policy: &Policy, minted: &Minted) -> u32 {
        let verified = (minted.assurance == SubjectAssurance::Verified)
            .then(|| verified(minted.roles.iter().cloned()));
        let least = policy.decide(&request(minted, verified.as_ref()));
        let budgets = minted.budgets.unwrap_or_default();
        let key = Key {
            route: minted.route.clone(),
            verified: verified.as_ref().map(|_| minted.roles.clone()),
            refused: least.as_ref().err().copied(),
            caveats: minted.caveats.clone(),
            budgets: (budgets.calls, budgets.usd_micros),
            proof: minted.proof,
        };
        if let Some(number) = self.known.get(&key) {
            return *number;
        }
        let most = match (&verified, policy.route(&minted.route)) {
            (Some(known), Some(rule)) => {
                let all = known.roles.iter().chain(rule.subject_roles()).cloned();
                policy.decide(&request(minted, Some(&self::verified(all))))
            }
            _ => least.clone(),
        };
        let number = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.all.push(Standing {
            least,
            most,
            caveats: minted.caveats.clone(),
            budgets,
            proof: minted.proof,
        });
        self.known.insert(key, number);
        number
    }
}

fn verified(roles: impl Iterator<Item = Role>) -> Verified {
    Verified {
        roles: roles.collect::<BTreeSet<Role>>(),
    }
}

/// What was asked, but for what the records do not have: whether tools or a life were asked for by name.
fn request<'a>(minted: &'a Minted, verified: Option<&'a Verified>) -> MintRequest<'a> {
    MintRequest {
        client: &minted.client,
        environment: &minted.env,
        route: &minted.route,
        tenant: &minted.tenant,
        subject: &minted.subject,
        verified,
        actor: &minted.actor,
        tools: None,
        ttl: None,
    }
}
