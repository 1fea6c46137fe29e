//! One difference between two policies, in words.

use std::fmt;

use hallpass_vocabulary::{Route, ToolName};

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
    /// `[routes."/a/route"]`
    Route(Route),
    /// `[tools."noun.verb"]`
    Tool(ToolName),
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
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
    RouteActors "route_actors" "The agents that may act under a route."
    RouteAdded "route_added" "A route that was not there."
    RouteClients "route_clients" "The clients that may use a route."
    RouteProof "route_proof" "When a call must carry a proof of possession."
    RouteRemoved "route_removed" "A route that is gone."
    RouteRoles "route_roles" "The roles a token says its subject has."
    RouteTenants "route_tenants" "The tenants a route is for."
    RouteTools "route_tools" "What a route's tokens may call, and how."
    RouteTtl "route_ttl" "How long a token lives."
    ToolAdded "tool_added" "A tool that was not there."
    ToolAudience "tool_audience" "The service that has a tool."
    ToolImpact "tool_impact" "What a tool does to the world."
    ToolRecorded "tool_recorded" "The arguments that records show."
    ToolRemoved "tool_removed" "A tool that is gone."
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
