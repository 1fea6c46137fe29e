//! `hallpass tokens mint`: a token from an authority.

use std::collections::BTreeMap;
use std::str::FromStr;

use anyhow::{Context as _, anyhow};
use hallpass_args::IdempotencyKey;
use hallpass_client::{Behalf, SubjectToken, TokenClient, TokenError, TokenRequest, TokenResponse};
use hallpass_keys::VerifyingKey;
use hallpass_token::UnverifiedToken;
use hallpass_vocabulary::{
    Actor, Audience, Clock as _, Environment, Route, RunId, Subject, SystemClock, Tenant,
    Timestamp, TokenId, ToolName,
};

use super::inspect::claimed;
use crate::duration::Span;
use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::output::Output;
use crate::secret_input::{ClientArgs, NetworkArgs};
use crate::token_input::HiddenTokenInput;
use crate::trust::block_on;
use crate::words::{listed, relative, time};

const EXAMPLES: &str = "\
Examples:
  hallpass tokens mint --route /support/draft --tenant acme \\
      --subject user:alice --actor agent:support-bot > token
  hallpass tokens mint --route /research --tenant acme --subject user:alice \\
      --actor agent:support-bot --ttl 60s --tool kb.search | hallpass tokens inspect
  hallpass tokens mint --route /support/draft --tenant acme --subject-token @alice.jwt \\
      --actor agent:support-bot --label ticket=T-1001 > token

Prints the token, and nothing else, on standard output. The secret comes from HALLPASS_CLIENT_SECRET or a file, never \
from the command line. With --run the token renews that run; with --parent a run starts another, which gets nothing it \
has not. With the same --idempotency-key the same request gets the same token again.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The policy to run under, such as `/support/draft`
    #[arg(long)]
    route: Route,
    /// Whose data
    #[arg(long)]
    tenant: Tenant,
    /// On whose behalf, such as `user:alice`
    #[arg(long, required_unless_present = "subject_token")]
    subject: Option<Subject>,
    /// The subject's own token, which says on whose behalf: `@FILE`, or `-` for standard input
    #[arg(long, value_name = "@FILE", conflicts_with = "subject")]
    subject_token: Option<HiddenTokenInput>,
    /// The agent, such as `agent:support-bot`; may be left out by a client that may name only one
    #[arg(long)]
    actor: Option<Actor>,
    /// A shorter life than the route's, such as `5m`
    #[arg(long, value_name = "DURATION")]
    ttl: Option<Span>,
    /// Renew this run
    #[arg(long)]
    run: Option<RunId>,
    /// Start the run as a child of this one
    #[arg(long, value_name = "RUN")]
    parent: Option<RunId>,
    /// Only this one of the route's tools; may be given more than once
    #[arg(long, value_name = "TOOL")]
    tool: Vec<ToolName>,
    /// Bind the run to this public key, 64 hex digits; its holder proves possession of it
    #[arg(long, value_name = "KEY")]
    holder_key: Option<VerifyingKey>,
    /// What to call the run by in the records; may be given more than once
    #[arg(long, value_name = "NAME=VALUE")]
    label: Vec<Label>,
    /// The name of this request: asked again with the same, the authority gives the same token
    #[arg(long, value_name = "NAME")]
    idempotency_key: Option<IdempotencyKey>,
    /// The environment the token must be for
    #[arg(long, env = "HALLPASS_ENV")]
    env: Option<Environment>,
    /// The authority
    #[arg(long, value_name = "URL", env = "HALLPASS_AUTHORITY")]
    authority: String,
    #[command(flatten)]
    client: ClientArgs,
    #[command(flatten)]
    network: NetworkArgs,
    /// As JSON: the token and what it is good for
    #[arg(long)]
    json: bool,
}

/// One label of the command line.
#[derive(Debug, Clone)]
struct Label(String, String);

impl FromStr for Label {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
        Ok(Self(name.to_owned(), value.to_owned()))
    }
}

#[derive(serde::Serialize)]
struct Minted<'a> {
    token: &'a str,
    token_id: TokenId,
    run_id: RunId,
    environment: &'a Environment,
    expires_at: Timestamp,
    route: &'a Route,
    tenant: &'a Tenant,
    audiences: &'a [Audience],
    tools: &'a [ToolName],
    needs_approval: &'a [ToolName],
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let authority = args.network.base_url(&args.authority)?;
    match &args.env {
        Some(environment) => {
            output.note(&format!("environment {environment}, authority {authority}"))
        }
        // A client is registered in exactly one environment, so there is nothing to choose between.
        None => output.note(&format!(
            "the environment of client {}, authority {authority}",
            args.client.id()
        )),
    }
    let client = TokenClient::new(
        authority.clone(),
        args.client.id().clone(),
        args.client.secret()?,
    )?;
    let request = request(args, output)?;
    let answer = match &args.idempotency_key {
        Some(key) => block_on(client.request_as(&request, key))?,
        None => block_on(client.request(&request))?,
    };
    let hint = advice(&answer);
    let minted = answer.context("no token").hint(hint)?;

    let token = UnverifiedToken::parse(minted.token.expose())
        .context("the authority's answer is no token")?;
    let environment = claimed(&token)?.environment;
    if let Some(wanted) = &args.env
        && *wanted != environment
    {
        return Err(anyhow!(
            "the token is for environment `{environment}`, not `{wanted}`"
        ))
        .hint("use the authority and the client of that environment; this token was thrown away");
    }
    say(&minted, output);
    if args.json {
        output.json(&Minted {
            token: minted.token.expose(),
            token_id: minted.token_id,
            run_id: minted.run_id,
            environment: &environment,
            expires_at: minted.expires_at,
            route: &minted.route,
            tenant: &minted.tenant,
            audiences: &minted.audiences,
            tools: &minted.tools,
            needs_approval: &minted.needs_approval,
        })?;
    } else {
        output.line(minted.token.expose())?;
    }
    Ok(Exit::Ok)
}

fn request(args: &Args, output: &mut Output) -> anyhow::Result<TokenRequest> {
    let ttl_seconds = args
        .ttl
        .map(|ttl| u32::try_from(ttl.get().as_secs()))
        .transpose()
        .context("--ttl is longer than any token lives")?;
    let mut labels = BTreeMap::new();
    for Label(name, value) in &args.label {
        if labels.insert(name.clone(), value.clone()).is_some() {
            return Err(anyhow!("--label names `{name}` twice"));
        }
    }
    Ok(TokenRequest {
        route: args.route.clone(),
        tenant: args.tenant.clone(),
        behalf: behalf(args, output)?,
        actor: args.actor.clone(),
        run_id: args.run,
        parent_run_id: args.parent,
        ttl_seconds,
        tools: (!args.tool.is_empty()).then(|| args.tool.clone()),
        holder_key: args.holder_key,
        labels,
    })
}

fn behalf(args: &Args, output: &mut Output) -> anyhow::Result<Behalf> {
    match (&args.subject, &args.subject_token) {
        (_, Some(HiddenTokenInput::Argument)) => Err(anyhow!(
            "expected `-` or `@FILE`: a token on the command line can be seen by every user of the machine"
        ))
        .hint("write it to a file and give --subject-token @FILE"),
        (_, Some(input)) => Ok(Behalf::Token(SubjectToken::new(&input.read(output)?)?)),
        (Some(subject), None) => Ok(Behalf::Asserted(subject.clone())),
        // The parser of the command line demands one of the two.
        (None, None) => Err(anyhow!("neither --subject nor --subject-token is given")),
    }
}

fn say(minted: &TokenResponse, output: &mut Output) {
    output.note(&format!("minted {} for {}", minted.token_id, minted.run_id));
    output.note(&format!(
        "may call {} at {}, for tenant {}",
        listed(&minted.tools),
        listed(&minted.audiences),
        minted.tenant
    ));
    if !minted.needs_approval.is_empty() {
        output.note(&format!(
            "with an approval: {}",
            listed(&minted.needs_approval)
        ));
    }
    let expires = minted.expires_at;
    output.note(&format!(
        "expires {} ({})",
        time(expires),
        relative(expires, SystemClock.now())
    ));
}

fn advice(answer: &Result<TokenResponse, TokenError>) -> &'static str {
    match answer {
        Err(TokenError::Refused(problem)) => match problem.code.as_str() {
            "client_unauthorized" => {
                "check HALLPASS_CLIENT_ID and the secret: they belong to one authority"
            }
            "route_not_allowed" | "tenant_not_allowed" | "actor_not_allowed" => {
                "look at the route in the authority's policy: its clients, tenants and actors"
            }
            "run_mismatch" => {
                "renew a run with the client, route, tenant, subject and actor it was started with"
            }
            "run_ended" | "run_too_long" => "start a new run: leave --run and --parent out",
            "holder_key_required" => {
                "give the public key of whoever will hold the token: --holder-key"
            }
            "idempotency_conflict" | "idempotency_spent" => {
                "give another --idempotency-key, or none"
            }
            "rate_limited" => {
                "wait, or look at `[limits]` and the client's limit in the authority's policy"
            }
            "subject_token_invalid" => {
                "the subject's token must be fresh, for this authority, and of an issuer the policy names"
            }
            "subject_unverified" => "give the subject's own token: --subject-token @FILE",
            _ => "docs/authority.md lists the authority's codes",
        },
        Err(TokenError::Transport(_)) => {
            "check that the authority runs there: `hallpass serve --dir DIR`"
        }
        _ => "check that there is a Hallpass authority at that address",
    }
}
