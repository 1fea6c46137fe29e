//! One call that was decided, decided again.

use hallpass_journal::Decided;
use hallpass_token::BudgetUnit;
use hallpass_vocabulary::{DenialCode, ToolName};

use super::Answer;
use super::arguments::{Satisfied, satisfied};
use super::standing::{Grant, Standing};

/// What comes of a call.
pub(super) enum Again {
    Is(Answer, String),
    NotTold(String),
    /// What denied it is no matter of the policy.
    OtherReason,
}

/// What the record says was answered.
pub(super) fn before(decided: &Decided) -> Answer {
    match decided.code {
        None => Answer::Allow,
        Some(DenialCode::ApprovalRequired) => Answer::Approval,
        Some(_) => Answer::Deny,
    }
}

pub(super) fn again(decided: &Decided, tool: &ToolName, standing: &Standing) -> Again {
    let by_policy = [
        DenialCode::ToolUnknown,
        DenialCode::ToolNotGranted,
        DenialCode::CaveatFailed,
        DenialCode::ApprovalRequired,
        DenialCode::BudgetExhausted,
    ];
    if decided.code.is_some_and(|code| !by_policy.contains(&code)) {
        return Again::OtherReason;
    }
    let terms = match &standing.least {
        Ok(terms) => terms,
        Err(refusal) => {
            let why = format!("no token: `{}`", refusal.code());
            return Again::Is(Answer::Deny, why);
        }
    };
    let granted = match standing.grant(tool) {
        Grant::Is(Answer::Deny) => {
            return Again::Is(Answer::Deny, "the route does not give it".to_owned());
        }
        Grant::Is(answer) => answer,
        Grant::DependsOnRoles => {
            return Again::NotTold("it depends on roles that no record has".to_owned());
        }
    };
    match satisfied(decided, tool, &standing.caveats, terms.caveats()) {
        Satisfied::No(why) => return Again::Is(Answer::Deny, why),
        Satisfied::NotTold(why) => return Again::NotTold(why),
        Satisfied::Yes => {}
    }
    if decided.code == Some(DenialCode::CaveatFailed) {
        // What failed may be a caveat that the token's holder added.
        return match same_caveats(tool, standing) {
            true => Again::Is(Answer::Deny, "its caveats are the same".to_owned()),
            false => Again::NotTold("which caveat failed is not recorded".to_owned()),
        };
    }
    if terms.proof() > standing.proof {
        let why = "whether its caller could prove possession is not recorded";
        return Again::NotTold(why.to_owned());
    }
    if let Some(again) = of_budget(decided, standing) {
        return again;
    }
    match granted {
        // It had the approval that it now needs.
        Answer::Approval if decided.approval.is_some() => {
            Again::Is(Answer::Allow, "it was approved".to_owned())
        }
        Answer::Approval => Again::Is(Answer::Approval, "an approval is asked for".to_owned()),
        answer => Again::Is(answer, "the route gives it".to_owned()),
    }
}

/// Whether the policy binds calls of a tool by exactly what the token bound them.
fn same_caveats(tool: &ToolName, standing: &Standing) -> bool {
    let Ok(terms) = &standing.least else {
        return false;
    };
    let rules = |caveats: &mut dyn Iterator<Item = hallpass_token::Caveat>| -> Vec<String> {
        let mut rules: Vec<String> = caveats
            .filter_map(|caveat| match caveat {
                hallpass_token::Caveat::Argument(it) if it.is_for(tool) => {
                    Some(it.rule().to_string())
                }
                _ => None,
            })
            .collect();
        rules.sort();
        rules
    };
    let mut before = standing
        .caveats
        .iter()
        .filter_map(|words| words.parse().ok());
    rules(&mut before) == rules(&mut terms.caveats().iter().cloned())
}

/// What a budget says, where it says anything.
fn of_budget(decided: &Decided, standing: &Standing) -> Option<Again> {
    let Ok(terms) = &standing.least else {
        return None;
    };
    let spent = decided.spent.unwrap_or_default();
    let exhausted = decided.code == Some(DenialCode::BudgetExhausted);
    let units = [
        (BudgetUnit::Calls, standing.budgets.calls, spent.calls),
        (
            BudgetUnit::UsdMicros,
            standing.budgets.usd_micros,
            spent.usd_micros,
        ),
    ];
    let mut more = false;
    for (unit, before, spent) in units {
        let now = terms.budgets().get(&unit).copied();
        more |= before.is_some_and(|before| now.is_none_or(|now| now > before));
        let Some(now) = now else { continue };
        if exhausted || before.is_some_and(|before| now >= before) {
            continue;
        }
        // The last call of a run may exceed what it costs, and none begins after that.
        let over = match unit {
            BudgetUnit::Calls => spent.map(|spent| spent > now),
            BudgetUnit::UsdMicros => spent.map(|spent| spent >= now),
        };
        match over {
            Some(true) => {
                let why = format!("the run had spent {} of {now} `{unit}`", spent.unwrap_or(0));
                return Some(Again::Is(Answer::Deny, why));
            }
            Some(false) => {}
            None => {
                let why = format!("what the run had spent of {now} `{unit}` is not recorded");
                return Some(Again::NotTold(why));
            }
        }
    }
    match (exhausted, more) {
        (true, false) => Some(Again::Is(
            Answer::Deny,
            "its budget is no larger".to_owned(),
        )),
        (true, true) => Some(Again::NotTold(
            "which budget was exhausted is not recorded".to_owned(),
        )),
        (false, _) => None,
    }
}
