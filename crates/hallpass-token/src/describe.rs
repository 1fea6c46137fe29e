//! A token in plain words: who may do what, where, until when.

use std::collections::{BTreeMap, BTreeSet};

use hallpass_keys::{Digest, KeyId};
use hallpass_vocabulary::{
    Actor, Audience, ClientId, Environment, ProofRule, Role, Route, RunId, Subject,
    SubjectAssurance, Tenant, Timestamp, TokenId, ToolName,
};

use crate::admission::{AdmissionError, AdmittedToken, Content, Profile};
use crate::authority;
use crate::caveat::Caveat;
use crate::grant::{BreakGlass, BudgetUnit};
use crate::limits::BLOCKS_MAX;
use crate::token::UnverifiedToken;

/// Whether a description is of a token whose signatures verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// No signature was looked at: anybody can have written this.
    Unverified,
    /// Every signature verified.
    Verified,
}

/// A caveat in words.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct DescribedCaveat {
    /// The block it stands in; 0 is the authority block.
    pub block: usize,
    /// What it says, in the words `Caveat` parses.
    pub words: String,
    /// Its Datalog.
    pub datalog: String,
    /// Itself.
    #[serde(skip)]
    pub caveat: Caveat,
}

/// A check that is no published caveat: only services with the extended profile take a token with one.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct DescribedCheck {
    /// The block it stands in; 0 is the authority block.
    pub block: usize,
    /// Its Datalog, escaped.
    pub datalog: String,
}

/// A token as data for people. Holds nothing secret; every name in it was validated, so it is safe to print.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Description {
    /// Whether to believe it.
    pub standing: Standing,
    /// The identity of the token.
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
    /// The services it is for.
    pub audiences: BTreeSet<Audience>,
    /// Tools callable now, before caveats.
    pub tools: BTreeSet<ToolName>,
    /// Tools callable with an approval, before caveats.
    pub needs_approval: BTreeSet<ToolName>,
    /// What the run may spend.
    pub budgets: BTreeMap<BudgetUnit, u64>,
    /// The name of the key it is bound to.
    pub holder: Option<KeyId>,
    /// When a call must carry a proof of possession.
    pub proof: ProofRule,
    /// The digest of the policy it was minted under.
    pub policy: Digest,
    /// When it was issued.
    pub issued: Timestamp,
    /// When it ends, before caveats.
    pub expires: Timestamp,
    /// What it was opened for, by whom; only of break-glass tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub break_glass: Option<BreakGlass>,
    /// When it ends with its caveats.
    pub not_after: Timestamp,
    /// What its holders gave up.
    pub caveats: Vec<DescribedCaveat>,
    /// Checks that are no caveats; most tokens have none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_checks: Vec<DescribedCheck>,
    /// How many blocks it has, the authority block included.
    pub blocks: usize,
    /// Whether nobody can append to it.
    pub sealed: bool,
}

impl AdmittedToken {
    /// This token as data for people.
    pub fn describe(&self) -> Description {
        describe(self.content(), Standing::Verified)
    }

    /// The blocks as Datalog, the authority block first, one fact or check a line: what any Biscuit tool would print, but
    /// for what a terminal would act on, which is escaped.
    pub fn datalog(&self) -> Vec<String> {
        datalog(self.content())
    }
}

impl UnverifiedToken {
    /// What this token claims, without a key: marked [`Standing::Unverified`].
    ///
    /// # Errors
    /// [`AdmissionError`] when it could not be admitted even if its signatures held.
    pub fn describe(&self) -> Result<Description, AdmissionError> {
        self.content(Profile::Extended)
            .map(|content| describe(&content, Standing::Unverified))
    }

    /// The blocks as Datalog, as [`AdmittedToken::datalog`] has them. Nothing of it is to be believed.
    ///
    /// # Errors
    /// [`AdmissionError`], as in [`describe`](Self::describe).
    pub fn datalog(&self) -> Result<Vec<String>, AdmissionError> {
        self.content(Profile::Extended)
            .map(|content| datalog(&content))
    }
}

impl Description {
    /// The tools that are left of [`tools`](Self::tools) after the caveats on tools and on blocks.
    pub fn tools_left(&self) -> BTreeSet<ToolName> {
        self.left_of(&self.tools)
    }

    /// The tools that are left of [`needs_approval`](Self::needs_approval).
    pub fn needs_approval_left(&self) -> BTreeSet<ToolName> {
        self.left_of(&self.needs_approval)
    }

    /// The services that are left of [`audiences`](Self::audiences) after the caveats on them.
    pub fn audiences_left(&self) -> BTreeSet<Audience> {
        let allowed = |audience: &&Audience| {
            self.caveats.iter().all(|placed| match &placed.caveat {
                Caveat::OnlyAudiences(only) => only.contains(*audience),
                _ => true,
            })
        };
        self.audiences.iter().filter(allowed).cloned().collect()
    }

    /// The most blocks a token made from this one may have.
    pub fn blocks_max(&self) -> usize {
        let limits = self
            .caveats
            .iter()
            .filter_map(|placed| match placed.caveat {
                Caveat::AtMostBlocks(count) => Some(count.get()),
                _ => None,
            });
        limits.fold(BLOCKS_MAX, Ord::min)
    }

    fn left_of(&self, tools: &BTreeSet<ToolName>) -> BTreeSet<ToolName> {
        if self.blocks > self.blocks_max() {
            return BTreeSet::new();
        }
        let allowed = |tool: &&ToolName| {
            self.caveats.iter().all(|placed| match &placed.caveat {
                Caveat::OnlyTools(only) => only.contains(*tool),
                _ => true,
            })
        };
        tools.iter().filter(allowed).cloned().collect()
    }
}

fn datalog(content: &Content) -> Vec<String> {
    let facts = authority::facts(&content.grant).into_iter();
    let checks = authority::checks(&content.grant, &content.approval_keys);
    let authority = facts
        .map(|fact| format!("{fact};\n"))
        .chain(checks.iter().map(|check| format!("{check};\n")))
        .collect();
    let mut blocks = vec![String::new(); content.blocks];
    if let Some(first) = blocks.first_mut() {
        *first = authority;
    }
    for placed in &content.caveats {
        if let Some(block) = blocks.get_mut(placed.place.block) {
            block.push_str(&format!("{};\n", placed.caveat.datalog()));
        }
    }
    for other in &content.others {
        if let Some(block) = blocks.get_mut(other.place.block) {
            block.push_str(&format!("{};\n", other.datalog));
        }
    }
    blocks
}

fn describe(content: &Content, standing: Standing) -> Description {
    let grant = content.grant.clone().into_spec();
    let caveats = content.caveats.iter().map(|placed| DescribedCaveat {
        block: placed.place.block,
        words: placed.caveat.to_string(),
        datalog: placed.caveat.datalog(),
        caveat: placed.caveat.clone(),
    });
    let others = content.others.iter().map(|other| DescribedCheck {
        block: other.place.block,
        datalog: other.datalog.clone(),
    });
    Description {
        standing,
        token: grant.token,
        run: grant.run,
        tenant: grant.tenant,
        environment: grant.environment,
        subject: grant.subject,
        assurance: grant.assurance,
        actor: grant.actor,
        client: grant.client,
        route: grant.route,
        roles: grant.roles,
        audiences: grant.audiences,
        tools: grant.tools,
        needs_approval: grant.needs_approval,
        budgets: grant.budgets,
        holder: grant.holder.map(|key| key.id()),
        proof: grant.proof,
        policy: grant.policy,
        issued: grant.issued,
        expires: grant.expires,
        break_glass: grant.break_glass,
        not_after: content.not_after,
        caveats: caveats.collect(),
        other_checks: others.collect(),
        blocks: content.blocks,
        sealed: content.sealed,
    }
}
