//! A denial as the answer of a command.

use hallpass_token::failed_block;
use hallpass_vocabulary::DenialCode;

use crate::exit::Exit;
use crate::explained::{Beside, lines};
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
    #[serde(flatten)]
    beside: &'a Beside,
}

/// Says that the answer is no, why, and what to do.
pub(crate) fn report(
    denial: &Denial,
    beside: &Beside,
    json: bool,
    output: &mut Output,
) -> anyhow::Result<Exit> {
    let code = denial.code;
    let next = next_step(code, denial.detail.as_deref());
    if json {
        output.json(&Document {
            verdict: "deny",
            code: code.as_str(),
            meaning: code.meaning(),
            detail: denial.detail.as_deref(),
            next: &next,
            beside,
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
    output.line(&format!("{label}    {next}"))?;
    for line in lines(beside, output) {
        output.line(&line)?;
    }
    Ok(Exit::Denied)
}

/// What to do about a denial. Where a caveat failed, that depends on who put it into the token, which the detail says.
pub(crate) fn next_step(code: DenialCode, detail: Option<&str>) -> String {
    let by_caveat = matches!(code, DenialCode::CaveatFailed | DenialCode::WrongAudience);
    match detail.and_then(failed_block).filter(|_| by_caveat) {
        Some(0) => {
            "Stay within the caveat: the token was minted with it, and narrowing never lifts one; or use another route."
                .to_owned()
        }
        Some(block) => format!(
            "Stay within the caveat, or use the token as it was before block {block} was added."
        ),
        None => code.next_step().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_depends_on_whose_caveat_it_was() {
        let next = |code, detail| next_step(code, detail);
        let caveat = DenialCode::CaveatFailed;
        assert_eq!(next(caveat, None), caveat.next_step());
        assert_eq!(next(caveat, Some("block x of")), caveat.next_step());
        let by_route = next(caveat, Some("block 0 of the token says `/limit<=1`"));
        assert!(by_route.contains("another route"));
        let by_holder = next(
            DenialCode::WrongAudience,
            Some("block 3 of the token says `only services kb`"),
        );
        assert!(by_holder.contains("before block 3"), "{by_holder}");
        let signature = DenialCode::SignatureInvalid;
        assert_eq!(
            next(signature, Some("block 1 of the token says `x`")),
            signature.next_step()
        );
    }
}
