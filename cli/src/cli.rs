//! The command line: what there is to say. Each subcommand has its file in `commands`.

use std::sync::LazyLock;

use clap::{Parser, Subcommand};

use crate::commands::{
    backup, bundle, call, clients, completions, decisions, demo, dev, doctor, init, journal, keys,
    operators, policy, reconcile, resume, revoke, runs, serve, stop, stops, tokens, verifiers, why,
};
use crate::exit::Exit;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  hallpass dev                                     an authority to try things with
  hallpass tokens mint --route /support/draft --tenant acme \\
      --subject user:alice --actor agent:support-bot > token
  hallpass tokens inspect @token                   who may do what, where, until when
  hallpass call tickets kb.search '{\"query\":\"refund\"}' --token @token
  hallpass why dec_… --journal DIR                 why a call was allowed or denied

Exit status: 0 yes or done, 1 denied or tampered with, 2 usage or failure.";

/// The release, and what this build has beside what every build has.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let features = [
        ("oidc", cfg!(feature = "oidc")),
        ("postgres", cfg!(feature = "postgres")),
        ("tls", cfg!(feature = "tls")),
    ];
    let features: Vec<&str> = features
        .into_iter()
        .filter_map(|(name, built)| built.then_some(name))
        .collect();
    let release = env!("CARGO_PKG_VERSION");
    if features.is_empty() {
        format!("{release}, without oidc, postgres and tls")
    } else {
        format!("{release}, with {}", features.join(", "))
    }
});

/// Capability tokens for AI-agent runs
#[derive(Debug, Parser)]
#[command(name = "hallpass", version = VERSION.as_str(), after_help = EXAMPLES, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Copy an authority, which may be running
    Backup(backup::Args),
    /// Write the bundle of an authority to a file
    #[command(subcommand)]
    Bundle(bundle::Command),
    /// Call a tool of a guarded service
    Call(call::Args),
    /// Say who may ask an authority for tokens, and with what
    #[command(subcommand)]
    Clients(clients::Command),
    /// Write the completions of a shell
    Completions(completions::Args),
    /// Say what an authority decided, and what was done with it
    Decisions(decisions::Args),
    /// Play the whole path on this machine, with everything that should be refused
    Demo(demo::Args),
    /// Run an authority to try things with, on this machine only
    Dev(dev::Args),
    /// Say what is wrong with an authority, or soon will be
    Doctor(doctor::Args),
    /// Create an authority
    Init(init::Args),
    /// Check and read the journals of services and authorities
    #[command(subcommand)]
    Journal(journal::Command),
    /// Say where the keys of an authority stand, and replace them
    #[command(subcommand)]
    Keys(keys::Command),
    /// Say who may act on an authority, and make keys for those who may
    #[command(subcommand)]
    Operators(operators::Command),
    /// Check, test and compare the policies of authorities
    #[command(subcommand)]
    Policy(policy::Command),
    /// Lay the journals of authorities and services beside each other
    Reconcile(reconcile::Args),
    /// Lift a stop
    Resume(resume::Args),
    /// Take back a token, or a secret of a client
    Revoke(revoke::Args),
    /// Say which runs there are, and end them
    #[command(subcommand)]
    Runs(runs::Command),
    /// Run an authority
    Serve(serve::Args),
    /// Stop a tenant, a tool, a run, anything by name, or everything
    Stop(Box<stop::Args>),
    /// Say what is stopped
    #[command(subcommand)]
    Stops(stops::Command),
    /// Mint, read, check and narrow tokens
    #[command(subcommand)]
    Tokens(tokens::Command),
    /// Say which verifiers an authority knows, and make codes for those it is to know
    #[command(subcommand)]
    Verifiers(verifiers::Command),
    /// Explain a decision: what was asked, what decided, what to do
    Why(why::Args),
}

impl Command {
    /// Does it.
    pub(crate) fn run(&self, output: &mut Output) -> anyhow::Result<Exit> {
        match self {
            Self::Backup(args) => backup::run(args, output),
            Self::Bundle(command) => command.run(output),
            Self::Call(args) => call::run(args, output),
            Self::Clients(command) => command.run(output),
            Self::Completions(args) => completions::run(args, output),
            Self::Decisions(args) => decisions::run(args, output),
            Self::Demo(args) => demo::run(args, output),
            Self::Dev(args) => dev::run(args, output),
            Self::Doctor(args) => doctor::run(args, output),
            Self::Init(args) => init::run(args, output),
            Self::Journal(command) => command.run(output),
            Self::Keys(command) => command.run(output),
            Self::Operators(command) => command.run(output),
            Self::Policy(command) => command.run(output),
            Self::Reconcile(args) => reconcile::run(args, output),
            Self::Resume(args) => resume::run(args, output),
            Self::Revoke(args) => revoke::run(args, output),
            Self::Runs(command) => command.run(output),
            Self::Serve(args) => serve::run(args, output),
            Self::Stop(args) => stop::run(args, output),
            Self::Stops(command) => command.run(output),
            Self::Tokens(command) => command.run(output),
            Self::Verifiers(command) => command.run(output),
            Self::Why(args) => why::run(args, output),
        }
    }
}
