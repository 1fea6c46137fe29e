//! What can be wrong with a rule, and the bounds on one.

use hallpass_token::InvalidCaveat;
use hallpass_vocabulary::{InvalidName, Role, Tenant};

/// The most rules in one policy. Far above what a person keeps in mind; bounds what a file can make a call cost.
pub const RULES_MAX: usize = 256;

/// The most names in one list of a rule. Four times the tools of the largest token.
pub const NAMES_PER_LIST_MAX: usize = 256;

/// The most requirements in one rule: as many as a block of a token has caveats.
pub const REQUIREMENTS_PER_RULE_MAX: usize = 16;

/// The longest reason, in characters: it shares one text of a record with what it is the reason for.
pub const REASON_CHARS_MAX: usize = 200;

/// A rule that cannot stand in the policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rule `{}`: {fault}", .rule.escape_debug())]
#[non_exhaustive]
pub struct InvalidRule {
    /// The name as it was given.
    pub rule: String,
    /// What is wrong with the rule.
    #[source]
    pub fault: RuleFault,
}

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleFault {
    /// Words that are no caveat.
    #[error(transparent)]
    Caveat(#[from] InvalidCaveat),
    /// One name or requirement twice in a list.
    #[error("`{0}` is listed twice")]
    EntryTwice(String),
    /// More names than [`NAMES_PER_LIST_MAX`] in one list.
    #[error("more than {NAMES_PER_LIST_MAX} names in a list")]
    EntriesTooMany,
    /// One list or reason given twice.
    #[error("`{0}` is given twice")]
    KeyTwice(&'static str),
    /// A list of nothing, which could be read as everything or as nothing.
    #[error("a list is empty; name something, or leave the list out")]
    ListEmpty,
    /// Not a name for a rule.
    #[error("the name of a rule must be 1 to 64 of `a-z 0-9 -`, starting with a letter")]
    Name,
    /// Another rule has the name.
    #[error("there is another rule of this name")]
    NameTwice,
    /// Not the name of a tool, role or tenant.
    #[error(transparent)]
    NameOf(#[from] InvalidName),
    /// A caveat on something else than arguments.
    #[error("only caveats on arguments can be required, such as `/limit<=100`")]
    NotOnArguments,
    /// A reason that is empty, too long or not one plain line.
    #[error(
        "a reason must be 1 to {REASON_CHARS_MAX} characters on one line, without control characters or spaces around it"
    )]
    Reason,
    /// More requirements than [`REQUIREMENTS_PER_RULE_MAX`].
    #[error("more than {REQUIREMENTS_PER_RULE_MAX} requirements in one rule")]
    RequirementsTooMany,
    /// A role that a rule is for and not for.
    #[error("role `{0}` is under `roles` and under `except_roles`")]
    RoleContradiction(Role),
    /// More rules than [`RULES_MAX`].
    #[error("more than {RULES_MAX} rules")]
    RulesTooMany,
    /// A requirement that says itself which tools it is for.
    #[error("`for TOOL:` has no place here: list the tools under `tools` of the rule")]
    Scoped,
    /// A tenant that a rule is for and not for.
    #[error("tenant `{0}` is under `tenants` and under `except_tenants`")]
    TenantContradiction(Tenant),
}
