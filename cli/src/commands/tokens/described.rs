//! A token in a few lines for people.

use std::collections::BTreeSet;

use hallpass_token::describe::{Description, Standing};
use hallpass_vocabulary::{ProofRule, Timestamp};

use crate::output::{Output, Style};
use crate::words::{listed, relative, time};

/// Columns of the labels.
const LABEL_COLUMNS: usize = 11;

/// The lines of a token: whether to believe it, who, where, what, until when, and what each block gave up.
pub(crate) fn lines(token: &Description, now: Timestamp, output: &Output) -> Vec<String> {
    let row = |label: &str, text: String| {
        let label = format!("{label:LABEL_COLUMNS$}");
        format!("{}{text}", output.style(Style::Faint, &label))
    };
    let mut lines = vec![
        match token.standing {
            Standing::Verified => output.style(Style::Good, standing(token.standing)),
            Standing::Unverified => output.style(Style::Caution, standing(token.standing)),
        },
        row(
            "who",
            format!(
                "{} ({}), through {}, asked for by {}",
                token.subject, token.assurance, token.actor, token.client
            ),
        ),
        row(
            "where",
            format!(
                "tenant {}, environment {}, services {}",
                token.tenant,
                token.environment,
                narrowed(&token.audiences, &token.audiences_left())
            ),
        ),
        row("may call", narrowed(&token.tools, &token.tools_left())),
    ];
    if !token.needs_approval.is_empty() {
        let tools = narrowed(&token.needs_approval, &token.needs_approval_left());
        lines.push(row("approval", format!("needed for each call of {tools}")));
    }
    let expired = now.unix_seconds() >= token.not_after.unix_seconds();
    let until = format!(
        "{} ({} {})",
        time(token.not_after),
        if expired { "EXPIRED" } else { "expires" },
        relative(token.not_after, now)
    );
    lines.push(row(
        "until",
        if expired {
            output.style(Style::Bad, &until)
        } else {
            until
        },
    ));
    if !token.budgets.is_empty() {
        let budgets = token
            .budgets
            .iter()
            .map(|(unit, amount)| format!("{amount} {unit}"));
        lines.push(row("budget", listed(budgets)));
    }
    lines.push(row("proof", proof(token)));
    if !token.roles.is_empty() {
        lines.push(row("roles", listed(&token.roles)));
    }
    lines.push(row(
        "run",
        format!("{} under route {}", token.run, token.route),
    ));
    lines.push(row(
        "token",
        format!("{}, issued {}", token.token, time(token.issued)),
    ));
    if let Some(break_glass) = &token.break_glass {
        let [first, second] = &break_glass.operators;
        let text = format!("for {}, by {first} and {second}", break_glass.incident);
        lines.push(row("break-glass", output.style(Style::Caution, &text)));
    }
    lines.push(row("policy", token.policy.to_string()));
    lines.push(row(
        "block 0",
        "the grant above, signed by the authority".to_owned(),
    ));
    for block in 0..token.blocks {
        let caveats = token.caveats.iter().filter(|caveat| caveat.block == block);
        let others = token
            .other_checks
            .iter()
            .filter(|check| check.block == block);
        let said = caveats.map(|caveat| caveat.words.clone());
        let said = said.chain(others.map(|check| {
            format!(
                "no caveat, only for services of the extended profile: {}",
                check.datalog
            )
        }));
        for (position, words) in said.enumerate() {
            // Those of the authority stand behind its grant.
            let label = if position == 0 && block > 0 {
                format!("block {block}")
            } else {
                String::new()
            };
            lines.push(row(&label, words));
        }
    }
    if token.sealed {
        lines.push(row("sealed", "nobody can narrow it further".to_owned()));
    }
    lines
}

/// Whether to believe what is said.
pub(crate) fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Verified => "verified: every signature holds",
        Standing::Unverified => {
            "NOT VERIFIED: no signature was looked at, anybody can have written this"
        }
    }
}

/// What is left, and of what where it is less.
fn narrowed<T: Ord + ToString>(granted: &BTreeSet<T>, left: &BTreeSet<T>) -> String {
    if left.len() == granted.len() {
        listed(left.iter().map(ToString::to_string))
    } else {
        format!(
            "{} (narrowed from {})",
            listed(left.iter().map(ToString::to_string)),
            listed(granted.iter().map(ToString::to_string))
        )
    }
}

fn proof(token: &Description) -> String {
    let holder = token
        .holder
        .map_or_else(|| "nobody's key".to_owned(), |key| format!("key {key}"));
    match token.proof {
        ProofRule::Waived => "waived: whoever has the token can use it".to_owned(),
        rule => format!("{rule}: bound to {holder}"),
    }
}
