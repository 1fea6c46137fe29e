//! Who acts on which authority: an operator's key, and what the authority's own trust root says of it.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use hallpass_bundle::TrustRoot;
use hallpass_client::{BaseUrl, OperatorClient, OperatorError};
use hallpass_keys::key_file::{KeyFile, KeyFileError, MalformedKeyFile, PassphraseError};
use hallpass_keys::{Purpose, SigningKey};
use hallpass_vocabulary::{Environment, SystemClock};

use crate::hint::HintExt as _;
use crate::output::Output;
use crate::passphrase;
use crate::secret_input::NetworkArgs;
use crate::trust::{block_on, read_trust_root};

/// Which operator asks which authority.
#[derive(Debug, clap::Args)]
pub(crate) struct OperatorArgs {
    /// The authority
    #[arg(long, value_name = "URL", env = "HALLPASS_AUTHORITY")]
    authority: String,
    /// The operator's key file; its passphrase comes from HALLPASS_PASSPHRASE or is asked for
    #[arg(long, value_name = "FILE", env = "HALLPASS_OPERATOR_KEY")]
    key: PathBuf,
    /// The authority's trust root: requests are signed for the authority it names, and no other carries them out
    #[arg(long, value_name = "FILE", env = "HALLPASS_TRUST_ROOT")]
    trust_root: PathBuf,
    /// The environment that is meant; the key and the trust root belong to one each
    #[arg(long, env = "HALLPASS_ENV")]
    env: Option<Environment>,
    #[command(flatten)]
    network: NetworkArgs,
}

impl OperatorArgs {
    /// What a command that may be an operator's has been told.
    pub(crate) fn new(
        authority: String,
        key: PathBuf,
        trust_root: PathBuf,
        env: Option<Environment>,
        network: NetworkArgs,
    ) -> Self {
        Self {
            authority,
            key,
            trust_root,
            env,
            network,
        }
    }

    /// The operator, ready to act. Says first where: environment, authority, key.
    pub(crate) fn client(&self, output: &mut Output) -> anyhow::Result<OperatorClient> {
        let base = self.network.base_url(&self.authority)?;
        let (key, trust_root) = self.signer(output, Some(&base))?;
        Ok(OperatorClient::new(
            base,
            trust_root.authority,
            trust_root.environment,
            key,
            Arc::new(SystemClock),
        )?)
    }

    /// The operator's key, unlocked, and whom what is signed with it is for. Says first where: environment, authority, key.
    pub(crate) fn signer(
        &self,
        output: &mut Output,
        base: Option<&BaseUrl>,
    ) -> anyhow::Result<(SigningKey, TrustRoot)> {
        let trust_root = read_trust_root(&self.trust_root)?;
        let environment = &trust_root.environment;
        let at = base.map(|base| format!(" at {base}"));
        let file = KeyFile::open(&self.key)
            .hint("give --key FILE (HALLPASS_OPERATOR_KEY); `hallpass operators new` makes one")?;
        output.note(&format!(
            "environment {environment}, authority {}{}, key {:.16}…",
            trust_root.authority,
            at.unwrap_or_default(),
            file.id().to_string()
        ));
        if let Some(meant) = &self.env
            && meant != environment
        {
            return Err(anyhow!(
                "the trust root is of environment `{environment}`, not `{meant}`"
            ))
            .hint("give the trust root and the key of the environment that is meant");
        }
        file.require(Purpose::Operator, environment)?;
        Ok((self.unlocked(&file)?, trust_root))
    }

    fn unlocked(&self, file: &KeyFile) -> anyhow::Result<SigningKey> {
        if !file.is_encrypted() {
            return Ok(file.key()?);
        }
        let passphrase = passphrase::of_key(&self.key)?;
        match file.decrypt(&passphrase) {
            Err(error) if is_wrong(&error) => Err(error).hint("try again; nothing was sent"),
            other => Ok(other?),
        }
    }
}

fn is_wrong(error: &KeyFileError) -> bool {
    matches!(
        error,
        KeyFileError::Malformed {
            source: MalformedKeyFile::Passphrase(PassphraseError::Wrong),
            ..
        }
    )
}

/// Waits for an operator's request, and says what to do about a refusal.
pub(crate) fn wait<T>(
    work: impl Future<Output = Result<T, OperatorError>>,
    what: &'static str,
) -> anyhow::Result<T> {
    let answer = block_on(work)?;
    let hint = advice(&answer);
    answer.context(what).hint(hint)
}

fn advice<T>(answer: &Result<T, OperatorError>) -> &'static str {
    match answer {
        Err(OperatorError::Refused(problem)) => match problem.code.as_str() {
            "client_unknown" => {
                "declare the client under [clients] in the authority's policy first"
            }
            "not_found" => "`hallpass clients list` has the ids of secrets",
            "operator_forbidden" => "look at the roles of your operator: `hallpass operators list`",
            "operator_replayed" => "look whether it was carried out; if not, run it again",
            "operator_unauthorized" => {
                "check that the policy in force has your key, that the trust root is this authority's, and your clock"
            }
            "run_unknown" => "`hallpass runs list` has the runs of this authority",
            "stop_unknown" => "`hallpass stops list` has the stops that are in force",
            "stops_too_many" => {
                "`hallpass stops list`: resume what is not needed, or stop something wider"
            }
            "secrets_too_many" => {
                "retire one first: `hallpass clients list`, `hallpass clients retire`"
            }
            "token_unknown" => "`hallpass tokens list` has the tokens of this authority",
            "store_unavailable" | "journal_unavailable" | "unavailable" | "overloaded" => {
                "look whether it was carried out before you run it again"
            }
            _ => "docs/authority.md lists the authority's codes",
        },
        Err(OperatorError::Sign(_)) => {
            "the key must be an operator's, of this authority's environment"
        }
        Err(OperatorError::Transport(_)) => {
            "check that the authority runs there; what changes something may have been carried out"
        }
        _ => "check that there is a Hallpass authority at that address",
    }
}
