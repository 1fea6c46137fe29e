//! `hallpass policy check`: whether a policy holds together.

use std::path::PathBuf;

use hallpass_policy::Policy;

use super::input;
use crate::exit::Exit;
use crate::output::{Output, Style};
use crate::words::escaped;

const EXAMPLES: &str = "\
Examples:
  hallpass policy check authority/policy
  hallpass policy check --fail-on-warning         in a pipeline: a warning is an error

Says everything that is wrong, each with file and line; docs/policy.md describes the format. A warning is about what a \
policy may say and its author should look at again.

Exit status: 0 it holds together, 1 it would be refused, or warns with --fail-on-warning, 2 usage or failure.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The policy: its directory, or one file
    #[arg(default_value = input::POLICY_DEFAULT)]
    policy: PathBuf,
    /// Exit 1 when there is a warning
    #[arg(long)]
    fail_on_warning: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(serde::Serialize)]
struct Answer {
    ok: bool,
    digest: String,
    faults: Vec<Fault>,
    warnings: Vec<String>,
    clients: usize,
    operators: usize,
    roles: usize,
    routes: usize,
    tools: usize,
}

#[derive(serde::Serialize)]
struct Fault {
    file: String,
    line: usize,
    message: String,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let files = input::files(&args.policy)?;
    let digest = files.digest();
    let answer = match Policy::parse(&files) {
        Ok(policy) => sound(&policy, digest),
        Err(errors) => Answer {
            ok: false,
            digest,
            faults: errors
                .iter()
                .map(|error| Fault {
                    file: error.place.file().to_owned(),
                    line: error.place.line(),
                    message: error.fault.to_string(),
                })
                .collect(),
            warnings: Vec::new(),
            clients: 0,
            operators: 0,
            roles: 0,
            routes: 0,
            tools: 0,
        },
    };
    let failed = !answer.ok || (args.fail_on_warning && !answer.warnings.is_empty());
    if args.json {
        output.json(&answer)?;
    } else {
        say(&answer, output)?;
    }
    Ok(if failed { Exit::Denied } else { Exit::Ok })
}

fn sound(policy: &Policy, digest: String) -> Answer {
    Answer {
        ok: true,
        digest,
        faults: Vec::new(),
        warnings: policy.warnings().iter().map(ToString::to_string).collect(),
        clients: policy.clients().count(),
        operators: policy.operators().count(),
        roles: policy.roles().count(),
        routes: policy.routes().count(),
        tools: policy.catalogue().len(),
    }
}

fn say(answer: &Answer, output: &mut Output) -> anyhow::Result<()> {
    for fault in &answer.faults {
        let Fault {
            file,
            line,
            message,
        } = fault;
        output.line(&escaped(&format!("{file}:{line}: {message}")))?;
    }
    for warning in &answer.warnings {
        let label = output.style(Style::Caution, "warning:");
        output.line(&format!("{label} {}", escaped(warning)))?;
    }
    let line = if answer.ok {
        let ok = output.style(Style::Good, "ok:");
        let counted = [
            (answer.tools, "tool"),
            (answer.routes, "route"),
            (answer.roles, "role"),
            (answer.clients, "client"),
            (answer.operators, "operator"),
        ];
        let counted: Vec<String> = counted
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}{}", if *count == 1 { "" } else { "s" }))
            .collect();
        format!("{ok} {}; {}", counted.join(", "), answer.digest)
    } else {
        let refused = output.style(Style::Bad, "refused:");
        format!("{refused} {} faults", answer.faults.len())
    };
    Ok(output.line(&line)?)
}
