//! A denial as the answer of a command.

use crate::exit::Exit;
use crate::output::{Output, Style};
use crate::verdict::Denial;
use crate::words::escaped;

#[derive(serde::Serialize)]
struct Document<'a> {
    verdict: &'static str,
    code: &'a str,
    meaning: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    next: &'a str,
}

/// Says that the answer is no, why, and what to do.
pub(crate) fn report(denial: &Denial, json: bool, output: &mut Output) -> anyhow::Result<Exit> {
    let code = denial.code;
    if json {
        output.json(&Document {
            verdict: "deny",
            code: code.as_str(),
            meaning: code.meaning(),
            detail: denial.detail.as_deref(),
            next: code.next_step(),
        })?;
        return Ok(Exit::Denied);
    }
    let verdict = output.style(Style::Bad, &format!("deny {code}"));
    output.line(&format!("{verdict}: {}", code.meaning()))?;
    if let Some(detail) = &denial.detail {
        let label = output.style(Style::Faint, "detail");
        output.line(&format!("{label}  {}", escaped(detail)))?;
    }
    let label = output.style(Style::Faint, "next");
    output.line(&format!("{label}    {}", code.next_step()))?;
    Ok(Exit::Denied)
}
