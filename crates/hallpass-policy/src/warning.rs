//! What is allowed but probably not meant.

use std::fmt;

use hallpass_vocabulary::{ClientId, Role, Route, ToolName};

use crate::place::Place;

/// Something a policy may say but an author should look at again, and where. Displays as `file:line: message`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    pub(crate) place: Place,
    pub(crate) concern: Concern,
}

impl Warning {
    /// Where it is written.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What to look at.
    pub fn concern(&self) -> &Concern {
        &self.concern
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.concern)
    }
}

/// What to look at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Concern {
    /// Every client may start runs under the route.
    #[error("route `{0}`: every client may use it")]
    AnyClient(Route),
    /// The route is for every tenant.
    #[error("route `{0}`: it is for every tenant")]
    AnyTenant(Route),
    /// An approver is shown an argument that can hold anything.
    #[error(
        "tool `{tool}`: it needs approvals, and its argument `{argument}` may be any object: nobody can judge it on a card"
    )]
    ApprovalArgumentFree {
        /// The tool.
        tool: ToolName,
        /// The argument.
        argument: String,
    },
    /// An approver is shown more arguments than one looks at.
    #[error(
        "tool `{tool}`: it needs approvals, and has {count} arguments: more than {max} are not read on a card",
        max = crate::APPROVAL_ARGUMENTS_MAX
    )]
    ApprovalArgumentsMany {
        /// The tool.
        tool: ToolName,
        /// How many it has.
        count: usize,
    },
    /// What an approval is asked for can be done without one, by another tool.
    #[error(
        "route `{route}`: `{tool}` needs no approval and acts on `{thing}` as `{withheld}` does, which needs one"
    )]
    ApprovalSidestepped {
        /// The route.
        route: Route,
        /// The tool without approval.
        tool: ToolName,
        /// The tool with approval.
        withheld: ToolName,
        /// What both act on.
        thing: String,
    },
    /// No route is for the client.
    #[error("client `{0}`: no route is for it")]
    ClientUnused(ClientId),
    /// No file declares a client, so routes say who is one.
    #[error(
        "clients are not declared: every name that a route's `clients` fit is one, and may name any agent of that route"
    )]
    ClientsUndeclared,
    /// A tool the route itself gives and denies.
    #[error("route `{route}`: it gives `{tool}` and denies it: nobody gets it")]
    DeniedAndGiven {
        /// The route.
        route: Route,
        /// The tool.
        tool: ToolName,
    },
    /// Tools that write go without a proof of possession.
    #[error("route `{0}`: proofs are waived, so whoever has a token of it can write")]
    ProofWaived(Route),
    /// No route gives or admits the role.
    #[error("role `{0}`: no route gives or admits it")]
    RoleUnused(Role),
    /// No file declares a role, so those of routes are names without grants.
    #[error("roles are not declared: those that routes give are names, and grant nothing")]
    RolesUndeclared,
    /// Nobody can get a token under the route.
    #[error("route `{0}`: nobody can use it, for {1}")]
    RouteUnusable(Route, Unusable),
    /// The route grants no tool.
    #[error("route `{0}`: it grants no tool, so nothing can be minted under it")]
    RouteWithoutTools(Route),
    /// No tool has the schema.
    #[error("no tool names this schema")]
    SchemaUnused,
    /// Nobody may call the tool.
    #[error("tool `{0}`: nobody may call it, for no route that can be used grants it")]
    ToolUnused(ToolName),
    /// A tool that writes goes without an approval.
    #[error("{by}: `{tool}` writes without an approval")]
    WriteWaived {
        /// The route or the role that says so.
        by: String,
        /// The tool.
        tool: ToolName,
    },
}

/// Why nobody can get a token under a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unusable {
    /// No agent fits both the route's pattern and that of one of its clients.
    #[error("none of its clients may name any of its agents")]
    Actors,
    /// It lists no client.
    #[error("it lists no client")]
    Clients,
    /// It lists no environment.
    #[error("it lists no environment")]
    Environments,
    /// Its subjects must prove themselves, and nobody vouches for any.
    #[error("its subjects must be verified, and no issuer is for subjects")]
    Issuers,
    /// It lists no tenant.
    #[error("it lists no tenant")]
    Tenants,
}
