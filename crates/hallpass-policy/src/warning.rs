//! What is allowed but probably not meant.

use hallpass_vocabulary::{Route, ToolName};

/// Something a policy may say but an author should look at again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Warning {
    /// Every client may start runs under the route.
    #[error("route `{0}`: every client may use it")]
    AnyClient(Route),
    /// The route is for every tenant.
    #[error("route `{0}`: it is for every tenant")]
    AnyTenant(Route),
    /// The route grants no tool.
    #[error("route `{0}`: it grants no tool, so nothing can be minted under it")]
    RouteWithoutTools(Route),
    /// The route lists no client or no tenant.
    #[error("route `{0}`: nobody can use it, for it lists no client or no tenant")]
    RouteUnusable(Route),
    /// No route grants the tool.
    #[error("tool `{0}`: no route grants it")]
    ToolUnused(ToolName),
}
