//! What can be wrong with a policy, and what to write instead.

use hallpass_token::{BudgetUnit, InvalidArgumentCaveat, InvalidCaveat, MintError};
use hallpass_vocabulary::{
    CatalogueError, ClientId, Impact, InvalidPointers, IssuerName, OperatorId, Pointer, Role,
    ToolName,
};

use crate::pattern::InvalidPattern;
use crate::{
    AUDIENCES_PER_ROUTE_MAX, BOUND_ROLES_PER_ROUTE_MAX, CAVEAT_WORDS_BYTES_MAX, CAVEATS_MAX,
    INCLUDE_DEPTH_MAX, OUTSIDE_NAME_CHARS_MAX, PER_MINUTE_MAX, POLICY_FILE_BYTES_MAX,
    POLICY_FILE_NAME_CHARS_MAX, PREVIEW_CHARS_MAX, PROSE_CHARS_MAX, REASON_CHARS_MIN,
    ROLES_PER_ROUTE_MAX, RUN_SECONDS_MAX, TOOLS_PER_ROUTE_MAX, TTL_SECONDS_MAX, TTL_SECONDS_MIN,
};

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
    /// More admitted roles with caveats than [`BOUND_ROLES_PER_ROUTE_MAX`].
    #[error("more than {BOUND_ROLES_PER_ROUTE_MAX} roles with caveats under `subject_roles`")]
    BoundRolesTooMany,
    /// A budget no token can hold, or one that allows nothing.
    #[error("the budget `{0}` must be 1 to 9007199254740991")]
    Budget(BudgetUnit),
    /// Certificates for a fetch that does not happen.
    #[error("`ca_file` is for fetching keys, but `jwks_file` has them")]
    CaWithoutFetch,
    /// The tools of all files together make no catalogue.
    #[error("{0}")]
    Catalogue(CatalogueError),
    /// Words that are no caveat.
    #[error("no caveat: {0}")]
    Caveat(InvalidCaveat),
    /// A caveat for a tool that its grant does not give.
    #[error(
        "the caveat is for `{tool}`, which this grant does not give; a caveat binds tools of its own grant only{}",
        did_you_mean(suggestion.as_deref())
    )]
    CaveatForeignTool {
        /// The tool.
        tool: ToolName,
        /// The nearest tool of the grant.
        suggestion: Option<String>,
    },
    /// A caveat about something else than arguments.
    #[error(
        "only caveats on arguments can stand here; time, tools, services and blocks have keys of their own or are the holder's to narrow"
    )]
    CaveatNotOnArguments,
    /// A caveat of a grant that gives nothing.
    #[error("a caveat binds the tools of its own grant, and this one has none")]
    CaveatWithoutTools,
    /// More words of caveats than [`CAVEAT_WORDS_BYTES_MAX`] in one token.
    #[error(
        "the caveats of one token would be more than {CAVEAT_WORDS_BYTES_MAX} bytes of words, which the record of a mint does not hold"
    )]
    CaveatsTooLong,
    /// More caveats than [`CAVEATS_MAX`] in one token.
    #[error("one token would have more than {CAVEATS_MAX} caveats")]
    CaveatsTooMany,
    /// Several grants of a tool whose caveats no caveats say together.
    #[error(
        "`{tool}` is given by several grants whose caveats cannot be said as one ({why}): have them more alike, or give the tool in fewer"
    )]
    CaveatsUnsayable {
        /// The tool.
        tool: ToolName,
        /// Why not.
        why: InvalidArgumentCaveat,
    },
    /// A client entry is neither a client's name nor a pattern of one.
    #[error("`{written}` is no client: {rule}")]
    ClientInvalid {
        /// What was written.
        written: String,
        /// The rule it breaks.
        rule: String,
    },
    /// One name in two files.
    #[error("{kind} `{name}` is already defined in `{file}`")]
    DefinedTwice {
        /// What it is.
        kind: &'static str,
        /// Its name.
        name: String,
        /// Where it was first.
        file: String,
    },
    /// A list that must name something.
    #[error("`{0}` must name at least one")]
    Empty(&'static str),
    /// One thing twice in a list.
    #[error("`{0}` is listed twice")]
    EntryTwice(String),
    /// A file whose name the command that recomputes the digest would miss, or write in another form.
    #[error(
        "the name of a policy file is 1 to {POLICY_FILE_NAME_CHARS_MAX} letters, digits, `.`, `-` and `_`, with a letter or digit first and `.toml` or `.json` last"
    )]
    FileName,
    /// The file is larger than [`POLICY_FILE_BYTES_MAX`].
    #[error("the file is larger than {POLICY_FILE_BYTES_MAX} bytes")]
    FileTooLarge,
    /// Not TOML, an unknown key, a missing key, or a value of the wrong form.
    #[error("{message}{}", did_you_mean(suggestion.as_deref()))]
    Form {
        /// What the reader says.
        message: String,
        /// The nearest of the words it knows, where it was one of them that was meant.
        suggestion: Option<String>,
    },
    /// Roles that include roles that include roles, more than [`INCLUDE_DEPTH_MAX`] times.
    #[error("role `{0}` includes roles over more than {INCLUDE_DEPTH_MAX} steps")]
    IncludesTooDeep(Role),
    /// A client by an issuer that does not vouch for clients.
    #[error("issuer `{0}` is not for clients: add \"clients\" to its `for`")]
    IssuerNotForClients(IssuerName),
    /// A key on subjects in an issuer that does not vouch for any.
    #[error(
        "this key is about subjects, and the issuer is not for them: add \"subjects\" to `for`"
    )]
    IssuerNotForSubjects,
    /// Two names for one issuer.
    #[error("this is the issuer of `{0}`: one `iss` has one name")]
    IssuerTwice(IssuerName),
    /// Keys from a file and from a URL.
    #[error("`jwks_file` or `jwks_url`, not both")]
    KeysTwice,
    /// `[limits]` in two files.
    #[error("`[limits]` is already in `{0}`")]
    LimitsTwice(String),
    /// No noun.
    #[error("`acts_on` must be a noun in `a-z 0-9 _`, parts separated by points, at most 64 bytes")]
    Noun,
    /// A key of two operators.
    #[error("this is a key of `{0}`: a key has one operator")]
    OperatorKeyTwice(OperatorId),
    /// A name of something outside the policy that could not be one.
    #[error(
        "`{0}` must be 1 to {OUTSIDE_NAME_CHARS_MAX} characters, no control characters, no spaces around them"
    )]
    Outside(&'static str),
    /// A tool both allowed and withheld for approval.
    #[error("`{0}` is under `allow` and under `require_approval`; it can be in one only")]
    Overlap(ToolName),
    /// A pattern with a misplaced `*`.
    #[error("`{written}`: {source}")]
    Pattern {
        /// What was written.
        written: String,
        /// The rule it breaks.
        source: InvalidPattern,
    },
    /// A rate outside the ceilings.
    #[error("`{0}` must be 1 to {PER_MINUTE_MAX}")]
    PerMinute(&'static str),
    /// A list of arguments with one twice, or too many.
    #[error("{0}")]
    Pointers(InvalidPointers),
    /// A template that is empty, too long, or has control characters.
    #[error(
        "`preview` must be 1 to {PREVIEW_CHARS_MAX} characters, no control characters but line ends"
    )]
    Preview,
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
    /// Roles that include each other.
    #[error("role `{0}` includes itself, over others or directly")]
    RoleCycle(Role),
    /// A role both given and admitted.
    #[error("`{0}` is under `roles`, so every subject has it")]
    RoleGiven(Role),
    /// A claim with nothing to look for in it.
    #[error("`roles_claim` without `roles`: name a role for each value that gives one")]
    RolesClaimAlone,
    /// Values without the claim to look for them in.
    #[error("`roles` without `roles_claim`: name the claim that has these values")]
    RolesClaimMissing,
    /// More roles than [`ROLES_PER_ROUTE_MAX`].
    #[error("more than {ROLES_PER_ROUTE_MAX} roles, those they include counted")]
    RolesTooMany,
    /// A run that ends before its first token, or goes on for ever.
    #[error("`run_max_seconds` must be `ttl_seconds` to {RUN_SECONDS_MAX}")]
    RunMax,
    /// A schema that is no strict JSON object.
    #[error("the schema cannot be read: {0}")]
    Schema(String),
    /// A schema that is neither a table nor the name of a file.
    #[error(
        "`schema` must be a table of JSON values, or the name of a `.json` file beside the policy"
    )]
    SchemaForm,
    /// A prefix that makes no subject.
    #[error(
        "`subject_prefix` must be the kind of a subject and a colon, such as `user:`, and never `agent:`"
    )]
    SubjectPrefix,
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
    /// Caveats that no token has room for beside the rest of the route.
    #[error(
        "with the longest names a request may have, a token of this route could not be minted: {0}"
    )]
    TokenTooLarge(MintError),
    /// More of something than a policy may have.
    #[error("more than {max} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The most there may be.
        max: usize,
    },
    /// More tools than [`TOOLS_PER_ROUTE_MAX`] in one route, or in one role.
    #[error("more than {TOOLS_PER_ROUTE_MAX} tools in one route or role")]
    ToolsTooMany,
    /// A life outside the ceilings.
    #[error("`ttl_seconds` must be {TTL_SECONDS_MIN} to {TTL_SECONDS_MAX}")]
    Ttl,
    /// A name nothing defines.
    #[error("no {kind} `{written}` is defined{}", did_you_mean(suggestion.as_deref()))]
    Unknown {
        /// What it would be.
        kind: &'static str,
        /// What was written.
        written: String,
        /// The nearest name that exists.
        suggestion: Option<String>,
    },
    /// Keys would be fetched from somewhere nobody could be sure of.
    #[error(
        "`{0}` must be an https:// URL without `?` and `#`: keys are fetched from there (http:// only from this machine, \"localhost\")"
    )]
    Url(&'static str),
    /// A waiver of approval for a tool that would not need one, or that the grant does not allow.
    #[error("`without_approval` lists `{0}`, which is not a tool that writes under `allow`")]
    WaiverWithoutWrite(ToolName),
    /// A workload identity without one of its halves.
    #[error(
        "a workload proves itself with `issuer` and `subject`, `claims` may be added: one of the two is missing"
    )]
    WorkloadHalf,
    /// Two clients one token could fit.
    #[error(
        "a token of this workload could be one of client `{0}` too: have them differ in `subject` or in a claim both name"
    )]
    WorkloadTwice(ClientId),
    /// A tool that writes, allowed without approval and without a reason.
    #[error(
        "`{tool}` is {impact}: move it to `require_approval`, or give a reason under `[{section}.without_approval]` (at least {REASON_CHARS_MIN} characters)"
    )]
    WriteNeedsApproval {
        /// The tool.
        tool: ToolName,
        /// What it does.
        impact: Impact,
        /// The section that allows it.
        section: String,
    },
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}
