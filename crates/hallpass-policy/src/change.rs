//! One difference between two policies, in words.

use std::fmt;

use hallpass_vocabulary::{ClientId, GroupName, IssuerName, OperatorId, Role, Route, ToolName};

/// Which way a change goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Something that was allowed is not any more.
    Narrowing,
    /// Other words, with the same effect.
    Neutral,
    /// Something is allowed that was not, or it cannot be told that nothing is.
    Widening,
}

impl Direction {
    /// The word in outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Narrowing => "narrowing",
            Self::Neutral => "neutral",
            Self::Widening => "widening",
        }
    }
}

/// The entry of a policy that changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Entry {
    /// `[clients."name"]`
    Client(ClientId),
    /// All `[clients]`
    Clients,
    /// `[groups.name]`
    Group(GroupName),
    /// `[issuers.name]`
    Issuer(IssuerName),
    /// `[limits]`
    Limits,
    /// `[operators."op:name"]`
    Operator(OperatorId),
    /// `[roles.name]`
    Role(Role),
    /// `[routes."/a/route"]`
    Route(Route),
    /// `[tools."noun.verb"]`
    Tool(ToolName),
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(client) => write!(f, "client `{client}`"),
            Self::Clients => f.write_str("clients"),
            Self::Group(group) => write!(f, "group `{group}`"),
            Self::Issuer(issuer) => write!(f, "issuer `{issuer}`"),
            Self::Limits => f.write_str("limits"),
            Self::Operator(operator) => write!(f, "operator `{operator}`"),
            Self::Role(role) => write!(f, "role `{role}`"),
            Self::Route(route) => write!(f, "route `{route}`"),
            Self::Tool(tool) => write!(f, "tool `{tool}`"),
        }
    }
}

macro_rules! kinds {
    ($($variant:ident $word:literal $doc:literal)+) => {
        /// What a change is about. Closed; each has a stable word.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ChangeKind {
            $(#[doc = $doc] $variant,)+
        }

        impl ChangeKind {
            /// Every kind, alphabetically.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable word.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}

kinds! {
    ClientAdded "client_added" "A client that was not there."
    ClientIdentity "client_identity" "How a client's workload proves itself."
    ClientRate "client_rate" "How often a client may ask."
    ClientRemoved "client_removed" "A client that is gone."
    ClientsDeclared "clients_declared" "Whether the clients are declared, or whoever a route names is one."
    GroupAdded "group_added" "A group that was not there."
    GroupMembers "group_members" "Who is in a group."
    GroupRemoved "group_removed" "A group that is gone."
    IssuerAdded "issuer_added" "An issuer that was not there."
    IssuerRemoved "issuer_removed" "An issuer that is gone."
    IssuerRoles "issuer_roles" "The roles that an issuer's tokens give."
    IssuerTrust "issuer_trust" "Which tokens of an issuer are believed, and what they say."
    Limits "limits" "How often may be asked where nothing more particular is said."
    OperatorAdded "operator_added" "An operator that was not there."
    OperatorKeys "operator_keys" "The keys an operator signs with."
    OperatorPerson "operator_person" "The person an operator is."
    OperatorRemoved "operator_removed" "An operator that is gone."
    OperatorRoles "operator_roles" "What an operator may do."
    RoleAdded "role_added" "A role that was not there."
    RoleGrant "role_grant" "What a role is written to give; routes say what comes of it."
    RoleIncludes "role_includes" "The roles a role is written to include; routes say what comes of it."
    RoleRemoved "role_removed" "A role that is gone."
    RouteActors "route_actors" "The agents that may act under a route."
    RouteAdded "route_added" "A route that was not there."
    RouteBudgets "route_budgets" "What a run may spend in all."
    RouteCaveats "route_caveats" "What the calls of a tool are bound by."
    RouteClients "route_clients" "The clients that may use a route."
    RouteDeny "route_deny" "The tools a route is written to deny; what comes of it is said beside it."
    RouteEnvironments "route_environments" "The environments a route is for."
    RouteProof "route_proof" "When a call must carry a proof of possession."
    RouteRemoved "route_removed" "A route that is gone."
    RouteRoles "route_roles" "The roles a token says its subject has."
    RouteRunMax "route_run_max" "How long a run may go on."
    RouteTenants "route_tenants" "The tenants a route is for."
    RouteTools "route_tools" "What a route's tokens may call, and whether with an approval."
    RouteTtl "route_ttl" "How long a token lives."
    RouteVerified "route_verified" "Whether the subject must have proved itself."
    ToolAdded "tool_added" "A tool that was not there."
    ToolAudience "tool_audience" "The service that has a tool."
    ToolCard "tool_card" "What approvers are told of a tool."
    ToolImpact "tool_impact" "What a tool does to the world."
    ToolLimits "tool_limits" "How often a tool may be called."
    ToolRecorded "tool_recorded" "The arguments that records show."
    ToolRemoved "tool_removed" "A tool that is gone."
    ToolSchema "tool_schema" "What the arguments of a tool must look like."
    ToolSensitive "tool_sensitive" "The arguments that are sensitive."
    Wording "wording" "Words for people: summaries and reasons."
}

/// One difference. Displays as one sentence: `route \`/r\`: tokens live up to 900 s instead of 600 s`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    entry: Entry,
    kind: ChangeKind,
    direction: Direction,
    words: String,
}

impl Change {
    pub(crate) fn new(
        direction: Direction,
        kind: ChangeKind,
        entry: Entry,
        words: impl Into<String>,
    ) -> Self {
        Self {
            entry,
            kind,
            direction,
            words: words.into(),
        }
    }

    /// Which way it goes.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// What it is about.
    pub fn kind(&self) -> ChangeKind {
        self.kind
    }

    /// Where it is.
    pub fn entry(&self) -> &Entry {
        &self.entry
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.entry, self.words)
    }
}
