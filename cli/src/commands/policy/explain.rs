//! `hallpass policy explain`: why a request for a token would be answered as it would.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use hallpass_policy::{Cell, Explanation, Given, Policy, Question, ToolReason, Verified};
use hallpass_vocabulary::{Actor, ClientId, Environment, Role, Route, Subject, Tenant, ToolName};

use super::input;
use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::output::{Output, Style};
use crate::words::{escaped, listed};

const EXAMPLES: &str = "\
Examples:
  hallpass policy explain authority/policy --route /support/send --client desk --tenant acme \\
      --actor agent:support-bot --env prod
  hallpass policy explain --route /ops/triage --client desk --tenant acme --actor agent:triage-1 \\
      --env prod --subject-role support --tool ticket.close

Says every condition and whether it holds, why the subject has its roles, and for each tool which grants give it. With \
--subject-role or --verified the subject is one that proved itself with a token of its own.

Exit status: 0 a token would be minted, 1 it would be refused, 2 usage or failure.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The policy: its directory, or one file
    #[arg(default_value = input::POLICY_DEFAULT)]
    policy: PathBuf,
    /// The route
    #[arg(long)]
    route: Route,
    /// The client that would ask
    #[arg(long)]
    client: ClientId,
    /// The tenant
    #[arg(long)]
    tenant: Tenant,
    /// The agent
    #[arg(long)]
    actor: Actor,
    /// The environment of the authority that would be asked
    #[arg(long, env = "HALLPASS_ENV")]
    env: Environment,
    /// On whose behalf
    #[arg(long, default_value = "user:someone")]
    subject: Subject,
    /// The subject proved itself
    #[arg(long)]
    verified: bool,
    /// A role that the subject's own token gives it; may be repeated
    #[arg(long = "subject-role", value_name = "ROLE")]
    subject_roles: Vec<Role>,
    /// Ask for this tool only; may be repeated
    #[arg(long = "tool", value_name = "TOOL")]
    tools: Vec<ToolName>,
    /// Ask for a token that lives so many seconds
    #[arg(long, value_name = "SECONDS")]
    ttl_seconds: Option<u64>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let policy = input::policy(&args.policy)?;
    known(args, &policy)?;
    let explanation = policy.explain(&question(args));
    if args.json {
        output.json(&json(&explanation))?;
    } else {
        say(&explanation, output)?;
    }
    Ok(match explanation.answer {
        Ok(_) => Exit::Ok,
        Err(_) => Exit::Denied,
    })
}

fn question(args: &Args) -> Question {
    let verified = args.verified || !args.subject_roles.is_empty();
    Question {
        client: args.client.clone(),
        environment: args.env.clone(),
        route: args.route.clone(),
        tenant: args.tenant.clone(),
        subject: args.subject.clone(),
        verified: verified.then(|| Verified {
            roles: args.subject_roles.iter().cloned().collect(),
        }),
        actor: args.actor.clone(),
        tools: (!args.tools.is_empty()).then(|| {
            let tools: BTreeSet<ToolName> = args.tools.iter().cloned().collect();
            tools.into_iter().collect()
        }),
        ttl: args.ttl_seconds.map(Duration::from_secs),
    }
}

/// A mistyped name would be explained as one that has nothing.
fn known(args: &Args, policy: &Policy) -> anyhow::Result<()> {
    let unknown_tool = args.tools.iter().find(|tool| policy.tool(tool).is_none());
    if let Some(tool) = unknown_tool {
        return Err(anyhow!("the policy has no tool `{tool}`"))
            .hint("`hallpass policy grid` shows all of them");
    }
    if let Some(role) = args
        .subject_roles
        .iter()
        .find(|role| policy.role(role).is_none())
    {
        return Err(anyhow!("the policy has no role `{role}`"))
            .hint("a token gives only roles that the policy defines");
    }
    Ok(())
}

fn say(explanation: &Explanation, output: &mut Output) -> anyhow::Result<()> {
    let mut lines = vec![match &explanation.answer {
        Ok(terms) => format!(
            "{} a token of {} s at most, in a run of {} s at most",
            output.style(Style::Good, "granted:"),
            terms.ttl().as_secs(),
            terms.run_max().as_secs()
        ),
        Err(refusal) => format!(
            "{} {}: {refusal}",
            output.style(Style::Bad, "refused:"),
            refusal.code()
        ),
    }];
    if let Ok(terms) = &explanation.answer {
        lines.push(format!("  proof of possession: {}", terms.proof()));
        for (unit, most) in terms.budgets() {
            lines.push(format!("  budget of the run: {most} {unit}"));
        }
    }
    lines.push(String::new());
    for condition in &explanation.conditions {
        let mark = match condition.holds {
            true => output.style(Style::Good, "yes"),
            false => output.style(Style::Bad, "NO "),
        };
        lines.push(format!("  {mark}  {}", escaped(&condition.words)));
    }
    if !explanation.roles.is_empty() {
        lines.push(String::new());
    }
    for reason in &explanation.roles {
        let not = if reason.counts { "" } else { "not " };
        lines.push(format!("  {not}role `{}`: {}", reason.role, reason.words));
    }
    if explanation.answer.is_err() && !explanation.tools.is_empty() {
        lines.extend([String::new(), "  were it not refused:".to_owned()]);
    }
    for reason in &explanation.tools {
        lines.push(String::new());
        lines.push(format!("  {}: {}", reason.tool, answer(reason)));
        for given in &reason.grants {
            lines.push(escaped(&format!("    {}", from(given))));
        }
    }
    for line in lines {
        output.line(&line)?;
    }
    Ok(())
}

fn answer(reason: &ToolReason) -> String {
    let words = match reason.cell {
        Cell::Allow => "callable at once",
        Cell::AllowBound => "callable at once, with arguments that a caveat allows",
        Cell::Approval => "callable with an approval",
        Cell::ApprovalBound => "callable with an approval, with arguments that a caveat allows",
        Cell::No if reason.denied => "not callable: the route denies it",
        Cell::No => "not callable: nothing gives it",
    };
    words.to_owned()
}

fn from(given: &Given) -> String {
    let how = if given.with_approval {
        "asks for an approval"
    } else {
        "gives it"
    };
    let mut line = format!("{} ({}) {how}", given.source, given.place);
    if !given.caveats.is_empty() {
        let rules = given.caveats.iter().map(|rule| format!("`{rule}`"));
        line.push_str(&format!(", bound by {}", listed(rules)));
    }
    if let Some(reason) = &given.reason {
        line.push_str(&format!(": \"{reason}\""));
    }
    line
}

fn json(explanation: &Explanation) -> serde_json::Value {
    let conditions = explanation.conditions.iter().map(|it| {
        serde_json::json!({"refusal": it.refusal.code(), "holds": it.holds, "words": it.words})
    });
    let roles = explanation
        .roles
        .iter()
        .map(|it| serde_json::json!({"role": it.role, "counts": it.counts, "words": it.words}));
    let tools = explanation.tools.iter().map(|it| {
        let grants = it.grants.iter().map(|given| {
            serde_json::json!({
                "from": given.source.to_string(),
                "at": given.place.to_string(),
                "with_approval": given.with_approval,
                "reason": given.reason,
                "caveats": given.caveats,
            })
        });
        serde_json::json!({
            "tool": it.tool,
            "answer": it.cell.as_str(),
            "denied": it.denied,
            "grants": grants.collect::<Vec<_>>(),
        })
    });
    let mut answer = serde_json::json!({
        "granted": explanation.answer.is_ok(),
        "conditions": conditions.collect::<Vec<_>>(),
        "roles": roles.collect::<Vec<_>>(),
        "tools": tools.collect::<Vec<_>>(),
    });
    if let Some(members) = answer.as_object_mut() {
        match &explanation.answer {
            Ok(terms) => {
                let caveats: Vec<String> =
                    terms.caveats().iter().map(ToString::to_string).collect();
                members.insert("ttl_seconds".to_owned(), terms.ttl().as_secs().into());
                members.insert(
                    "run_max_seconds".to_owned(),
                    terms.run_max().as_secs().into(),
                );
                members.insert("proof".to_owned(), terms.proof().as_str().into());
                members.insert("caveats".to_owned(), caveats.into());
            }
            Err(refusal) => {
                members.insert("refused".to_owned(), refusal.code().into());
            }
        }
        if let Some(place) = &explanation.place {
            members.insert("at".to_owned(), place.to_string().into());
        }
    }
    answer
}
