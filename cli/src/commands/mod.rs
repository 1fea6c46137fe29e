//! One file per subcommand, and what several of them say alike.

pub(crate) mod backup;
pub(crate) mod bundle;
pub(crate) mod call;
pub(crate) mod clients;
pub(crate) mod completions;
pub(crate) mod decisions;
pub(crate) mod demo;
pub(crate) mod denied;
pub(crate) mod dev;
pub(crate) mod doctor;
pub(crate) mod init;
pub(crate) mod journal;
pub(crate) mod keys;
pub(crate) mod operators;
pub(crate) mod policy;
pub(crate) mod reconcile;
pub(crate) mod resume;
pub(crate) mod revoke;
pub(crate) mod runs;
pub(crate) mod serve;
pub(crate) mod stop;
pub(crate) mod stops;
mod story;
pub(crate) mod tokens;
pub(crate) mod verifiers;
pub(crate) mod why;
