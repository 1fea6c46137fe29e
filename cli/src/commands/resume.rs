//! `hallpass resume`: a stop is lifted.

use hallpass_vocabulary::StopId;
use serde_json::Value;

use crate::exit::Exit;
use crate::listing::text;
use crate::operator_input::{OperatorArgs, wait};
use crate::output::{Output, Style};

const EXAMPLES: &str = "\
Examples:
  hallpass resume stop_0199e8f3c0b17d3f9a3c5d7e9f1b3d5a --env prod
  hallpass stops list                              which stops there are

A tenant, an environment and everything take two people: the second one runs the same command, within a day, as another \
person. Tokens of before are not good again where the stop was by run, subject, actor, client, tenant or route: runs renew.

Exit status: 0 it is lifted, 1 another person has to ask too, 2 usage or failure.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The stop
    stop: StopId,
    #[command(flatten)]
    operator: OperatorArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let operator = args.operator.client(output)?;
    let answer = wait(operator.lift_stop(args.stop), "the stop was not lifted")?;
    let pending = answer.get("pending_until").is_some();
    if args.json {
        output.json(&answer)?;
    } else {
        say(&answer, output)?;
    }
    Ok(if pending { Exit::Denied } else { Exit::Ok })
}

fn say(answer: &Value, output: &mut Output) -> anyhow::Result<()> {
    let stop = answer.get("stop").cloned().unwrap_or_default();
    let (selector, id) = (text(&stop, "selector"), text(&stop, "stop_id"));
    if answer.get("pending_until").is_some() {
        let label = output.style(Style::Caution, "pending:");
        output.line(&format!(
            "{label} {selector} is stopped until another person asks too"
        ))?;
        output.line(&format!(
            "before {}: hallpass resume {id}",
            text(answer, "pending_until")
        ))?;
        return Ok(());
    }
    let label = output.style(Style::Good, "resumed:");
    let bundle = match answer.get("bundle_version") {
        Some(_) => format!(", in bundle {}", text(answer, "bundle_version")),
        None => String::new(),
    };
    let line = match text(&stop, "state").as_str() {
        "lifted" => format!("{label} {selector} ({id}){bundle}"),
        _ => format!("{label} {selector} ({id}) had ended by itself"),
    };
    output.line(&line)?;
    if stop.get("cut_off_before").is_some() {
        output.line(&format!(
            "tokens issued before {} stay refused: runs renew",
            text(&stop, "cut_off_before")
        ))?;
    }
    Ok(())
}
