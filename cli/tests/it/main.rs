//! The command as its users meet it: exact standard output, standard error and exit status.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking"
)]

mod arguments;
mod asking;
mod asking_again;
mod backup;
mod bundle_export;
mod calls;
mod command;
mod demo;
mod deploy;
mod doctor;
mod end_to_end;
mod export;
mod fleet_page;
mod help;
mod init;
mod journal;
mod journal_page;
mod kept;
mod keys;
mod kill;
mod narrowing;
mod operators;
mod operators_page;
mod page;
mod policy;
mod policy_journals;
mod policy_page;
mod proof;
mod pruning;
mod readme;
mod reconcile;
mod reconcile_live;
mod reconcile_page;
mod rehearsal;
mod reloading;
#[cfg(feature = "postgres")]
mod replicas;
mod serving;
mod stopping;
mod stops_page;
mod store_kills;
#[cfg(feature = "tls")]
mod tls;
mod tokens;
mod verifying;
mod wards;
mod why;
mod world;
