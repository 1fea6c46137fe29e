//! `hallpass tokens mint`: a token from an authority.

use anyhow::{Context as _, anyhow};
use hallpass_client::{TokenClient, TokenError, TokenRequest, TokenResponse};
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
use crate::trust::block_on;
use crate::words::{listed, relative, time};

const EXAMPLES: &str = "\
Examples:
  hallpass tokens mint --route /support/draft --tenant acme \\
      --subject user:alice --actor agent:support-bot > token
  hallpass tokens mint --route /research --tenant acme --subject user:alice \\
      --actor agent:support-bot --ttl 60s --tool kb.search | hallpass tokens inspect

Prints the token, and nothing else, on standard output. The secret comes from HALLPASS_CLIENT_SECRET or a file, never \
from the command line. With --run the token renews that run.";

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
    #[arg(long)]
    subject: Subject,
    /// The agent, such as `agent:support-bot`
    #[arg(long)]
    actor: Actor,
    /// A shorter life than the route's, such as `5m`
    #[arg(long, value_name = "DURATION")]
    ttl: Option<Span>,
    /// Renew this run
    #[arg(long)]
    run: Option<RunId>,
    /// Only this one of the route's tools; may be given more than once
    #[arg(long, value_name = "TOOL")]
    tool: Vec<ToolName>,
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
    let request = request(args)?;
    let answer = block_on(client.request(&request))?;
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

fn request(args: &Args) -> anyhow::Result<TokenRequest> {
    let ttl_seconds = args
        .ttl
        .map(|ttl| u32::try_from(ttl.get().as_secs()))
        .transpose()
        .context("--ttl is longer than any token lives")?;
    Ok(TokenRequest {
        route: args.route.clone(),
        tenant: args.tenant.clone(),
        subject: args.subject.clone(),
        actor: args.actor.clone(),
        run_id: args.run,
        ttl_seconds,
        tools: args.tool.clone(),
    })
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
            _ => "docs/authority.md lists the authority's codes",
        },
        Err(TokenError::Transport(_)) => {
            "check that the authority runs there: `hallpass serve --dir DIR`"
        }
        _ => "check that there is a Hallpass authority at that address",
    }
}
