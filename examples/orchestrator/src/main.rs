//! An orchestrator: starts a run at the authority, calls tools with its tokens, and ends it.
//!
//! The "agent" is a script here. What matters is where the token is: in this process and in the `Authorization` header,
//! never in what the agent sees or says. A refusal comes back to the agent as words it can act on.

use anyhow::{Context as _, Result};
use clap::Parser;
use hallpass_client::{
    BaseUrl, Behalf, ClientSecret, Run, TokenClient, TokenRequest, ToolAnswer, ToolClient,
    ToolRequest,
};
use hallpass_vocabulary::{Actor, ClientId, Route, Subject, Tenant, ToolName};

/// Runs a scripted support agent under a token.
#[derive(Parser)]
struct Arguments {
    /// The authority's URL.
    #[arg(long, env = "HALLPASS_AUTHORITY")]
    authority: String,
    /// This orchestrator's client id.
    #[arg(long, env = "HALLPASS_CLIENT_ID")]
    client_id: ClientId,
    /// The tickets service's URL.
    #[arg(long, env = "HALLPASS_SERVICE_TICKETS")]
    tickets: String,
    /// Whose data the run may touch.
    #[arg(long, default_value = "acme")]
    tenant: Tenant,
    /// On whose behalf it runs.
    #[arg(long, default_value = "user:alice")]
    subject: Subject,
}

/// One agent: its run, and the tools it can reach.
struct Agent {
    run: Run,
    tools: ToolClient,
    tickets: BaseUrl,
}

impl Agent {
    /// Calls a tool for the agent. The run has a token that is good for a while yet, however long the agent takes; it goes
    /// into the header here and nowhere else.
    async fn call(&self, tool: &str, arguments: serde_json::Value) -> Result<ToolAnswer> {
        let token = self.run.token().await?;
        let request = ToolRequest {
            tool: &ToolName::new(tool)?,
            arguments_json: &arguments.to_string(),
            token: Some(&token.token),
            idempotency_key: None,
        };
        Ok(self.tools.call(&self.tickets, request).await?)
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let secret = std::env::var("HALLPASS_CLIENT_SECRET")
        .context("HALLPASS_CLIENT_SECRET is not set; it was shown when the client was made")?;
    let authority = TokenClient::new(
        BaseUrl::new(&arguments.authority)?,
        arguments.client_id,
        ClientSecret::new(&secret)?,
    )?;
    let request = TokenRequest::new(
        Route::new("/support/draft")?,
        arguments.tenant,
        Behalf::Asserted(arguments.subject),
        Actor::new("agent:support-bot")?,
    );
    let run = Run::start(authority, request).await?;
    let token = run.token().await?;
    println!(
        "{} started; token {} until {}",
        token.run_id, token.token_id, token.expires_at
    );
    let agent = Agent {
        run,
        tools: ToolClient::new()?,
        tickets: BaseUrl::new(&arguments.tickets)?,
    };

    let script = [
        ("kb.search", serde_json::json!({ "query": "refund" })),
        ("tickets.get", serde_json::json!({ "id": "T-1001" })),
        ("tickets.get", serde_json::json!({ "id": "T-2001" })),
        (
            "ticket.close",
            serde_json::json!({ "id": "T-1001", "reason": "done" }),
        ),
    ];
    for (tool, arguments) in script {
        let answer = agent.call(tool, arguments.clone()).await?;
        println!("{tool} {arguments}: {}", in_words(&answer));
    }
    let ended = agent.run.end(Some("the script is through")).await?;
    println!("{ended}");
    Ok(())
}

/// What the agent is told.
fn in_words(answer: &ToolAnswer) -> String {
    match answer.problem() {
        None => String::from_utf8_lossy(&answer.body).into_owned(),
        Some(problem) => format!(
            "refused: {} - {}",
            problem.code,
            problem.next.unwrap_or(problem.title)
        ),
    }
}
