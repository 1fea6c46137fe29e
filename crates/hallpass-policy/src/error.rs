//! What can be wrong with a policy, where, and what to write instead.

use std::fmt;

use hallpass_vocabulary::{
    CatalogueError, Impact, InvalidPointers, Pointer, Role, Route, ToolName,
};

use crate::pattern::InvalidPattern;
use crate::{
    AUDIENCES_PER_ROUTE_MAX, POLICY_FILE_BYTES_MAX, POLICY_FILE_NAME_CHARS_MAX, PROSE_CHARS_MAX,
    REASON_CHARS_MIN, ROLES_PER_ROUTE_MAX, ROUTES_PER_POLICY_MAX, TOOLS_PER_ROUTE_MAX,
    TTL_SECONDS_MAX, TTL_SECONDS_MIN,
};

/// Everything that is wrong with a policy; never empty. Displays as one line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyErrors(Vec<PolicyError>);

/// One thing that is wrong, with its place. Displays as `file:line: message`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    /// The name of the file, as given to [`crate::Policy::parse`].
    pub file: String,
    /// The line in it, from 1.
    pub line: usize,
    /// What is wrong there.
    pub fault: Fault,
}

/// What is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The actor pattern could match nothing that is an agent.
    #[error(
        "`actors` must be an agent or a pattern of agents: `agent:` and a name, or the start of one and `*`"
    )]
    ActorsNotAgents,
    /// Tools at more than [`AUDIENCES_PER_ROUTE_MAX`] services in one route.
    #[error("the route's tools live at more than {AUDIENCES_PER_ROUTE_MAX} services")]
    AudiencesTooMany,
    /// The tools of all files together make no catalogue.
    #[error("{0}")]
    Catalogue(CatalogueError),
    /// A client entry is neither a client's name nor a pattern of one.
    #[error("`{written}` is no client: {rule}")]
    ClientInvalid {
        /// What was written.
        written: String,
        /// The rule it breaks.
        rule: String,
    },
    /// The file is larger than [`POLICY_FILE_BYTES_MAX`].
    #[error("the file is larger than {POLICY_FILE_BYTES_MAX} bytes")]
    FileTooLarge,
    /// Not TOML, an unknown key, a missing key, or a value of the wrong form.
    #[error("{0}")]
    Form(String),
    /// A tool both allowed and withheld for approval.
    #[error("`{0}` is under `allow` and under `require_approval`; it can be in one only")]
    Overlap(ToolName),
    /// One client or tenant twice in a list.
    #[error("`{0}` is listed twice")]
    EntryTwice(String),
    /// A file whose name a shell's `*.toml` would miss, or `sha256sum` would write in another form.
    #[error(
        "the name of a policy file is 1 to {POLICY_FILE_NAME_CHARS_MAX} letters, digits, `.`, `-` and `_`, with a letter or digit first"
    )]
    FileName,
    /// A pattern with a misplaced `*`.
    #[error("`{written}`: {source}")]
    Pattern {
        /// What was written.
        written: String,
        /// The rule it breaks.
        source: InvalidPattern,
    },
    /// A list of arguments with one twice, or too many.
    #[error("{0}")]
    Pointers(InvalidPointers),
    /// A waiver of proofs on a route that does not waive them.
    #[error("`waiver` gives a reason for `proof = \"waived\"`, but proof is not waived here")]
    ProofNotWaived,
    /// Several services and a rule that lets reads go without a proof.
    #[error(
        "the route's tools live at more than one service, so its tokens need `proof = \"always\"`, or \"waived\" with a `waiver`"
    )]
    ProofTooWeak,
    /// Proofs are waived where they matter and nobody wrote why.
    #[error(
        "`proof = \"waived\"` on a route that can write, or that spans services, needs `waiver = \"why\"`"
    )]
    ProofWaiverMissing,
    /// A summary or reason that is empty, too long, or has control characters.
    #[error("`{key}` must be {min} to {PROSE_CHARS_MAX} characters on one line")]
    Prose {
        /// The key it stands under.
        key: &'static str,
        /// The fewest characters.
        min: usize,
    },
    /// An argument to be recorded that may be a sensitive one, in one or around one.
    #[error(
        "`{recorded}` under `recorded` is never recorded: `{sensitive}` under `sensitive` is the same, in it or around it"
    )]
    RecordedSensitive {
        /// What was to be recorded.
        recorded: Pointer,
        /// What is sensitive.
        sensitive: Pointer,
    },
    /// More roles than [`ROLES_PER_ROUTE_MAX`].
    #[error("more than {ROLES_PER_ROUTE_MAX} roles in one route")]
    RolesTooMany,
    /// One role twice.
    #[error("role `{0}` is listed twice")]
    RoleTwice(Role),
    /// One route in two places.
    #[error("route `{0}` is already defined in `{1}`")]
    RouteTwice(Route, String),
    /// More routes than [`ROUTES_PER_POLICY_MAX`].
    #[error("more than {ROUTES_PER_POLICY_MAX} routes")]
    RoutesTooMany,
    /// A tenant entry that is neither a tenant nor `*`.
    #[error("`{written}` is no tenant: {rule}")]
    TenantInvalid {
        /// What was written.
        written: String,
        /// The rule it breaks.
        rule: String,
    },
    /// `*` beside named tenants: one of the two is a mistake.
    #[error("`*` already means every tenant; list it alone, or list tenants")]
    TenantWildcardNotAlone,
    /// One tool in two places of one list, or defined in two files.
    #[error("tool `{0}` is already listed")]
    ToolTwice(ToolName),
    /// A tool no file defines.
    #[error("no tool `{written}` is defined{}", did_you_mean(suggestion.as_deref()))]
    ToolUnknown {
        /// What was written.
        written: ToolName,
        /// The nearest name that exists.
        suggestion: Option<String>,
    },
    /// More tools than [`TOOLS_PER_ROUTE_MAX`] in one route.
    #[error("more than {TOOLS_PER_ROUTE_MAX} tools in one route")]
    ToolsTooMany,
    /// A life outside the ceilings.
    #[error("`ttl_seconds` must be {TTL_SECONDS_MIN} to {TTL_SECONDS_MAX}")]
    Ttl,
    /// A waiver of approval for a tool that would not need one, or that the route does not allow.
    #[error("`without_approval` lists `{0}`, which is not a tool that writes under `allow`")]
    WaiverWithoutWrite(ToolName),
    /// A tool that writes, allowed without approval and without a reason.
    #[error(
        "`{tool}` is {impact}: move it to `require_approval`, or give a reason under `[routes.\"{route}\".without_approval]` (at least {REASON_CHARS_MIN} characters)"
    )]
    WriteNeedsApproval {
        /// The tool.
        tool: ToolName,
        /// What it does.
        impact: Impact,
        /// The route that allows it.
        route: Route,
    },
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

impl PolicyErrors {
    /// `None` when there is nothing wrong.
    pub(crate) fn of(errors: Vec<PolicyError>) -> Option<Self> {
        (!errors.is_empty()).then_some(Self(errors))
    }

    pub(crate) fn one(error: PolicyError) -> Self {
        Self(vec![error])
    }

    /// Each of them, by file and line.
    pub fn iter(&self) -> impl Iterator<Item = &PolicyError> {
        self.0.iter()
    }
}

impl fmt::Display for PolicyErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyErrors {}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.fault)
    }
}

impl std::error::Error for PolicyError {}
