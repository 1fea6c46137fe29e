//! A token in a few lines for people.

use std::collections::BTreeSet;

use hallpass_token::Caveat;
use hallpass_token::describe::{DescribedCaveat, Description, Standing};
use hallpass_vocabulary::{ProofRule, Timestamp, ToolName};

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
            Standing::Verified => output.style(Style::Good, "verified: every signature holds"),
            Standing::Unverified => output.style(
                Style::Caution,
                "NOT VERIFIED: no signature was looked at, anybody can have written this",
            ),
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
                narrowed(
                    &token.audiences,
                    &token.caveats,
                    |caveat, name| match caveat {
                        Caveat::OnlyAudiences(only) => only.contains(name),
                        _ => true,
                    }
                )
            ),
        ),
        row("may call", callable(&token.tools, &token.caveats)),
    ];
    if !token.needs_approval.is_empty() {
        let tools = callable(&token.needs_approval, &token.caveats);
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
    lines.push(row("policy", token.policy.to_string()));
    lines.push(row(
        "block 0",
        "the grant above, signed by the authority".to_owned(),
    ));
    for block in 1..token.blocks {
        let caveats = token.caveats.iter().filter(|caveat| caveat.block == block);
        let words: Vec<&str> = caveats.map(|caveat| caveat.words.as_str()).collect();
        lines.push(row(&format!("block {block}"), words.join("; ")));
    }
    if token.sealed {
        lines.push(row("sealed", "nobody can narrow it further".to_owned()));
    }
    lines
}

/// The tools that are left after the caveats.
fn callable(tools: &BTreeSet<ToolName>, caveats: &[DescribedCaveat]) -> String {
    narrowed(tools, caveats, |caveat, name| match caveat {
        Caveat::OnlyTools(only) => only.contains(name),
        _ => true,
    })
}

fn narrowed<T: Ord + ToString>(
    granted: &BTreeSet<T>,
    caveats: &[DescribedCaveat],
    keeps: impl Fn(&Caveat, &T) -> bool,
) -> String {
    let caveats: Vec<Caveat> = caveats
        .iter()
        .filter_map(|caveat| caveat.words.parse().ok())
        .collect();
    let left: Vec<&T> = granted
        .iter()
        .filter(|name| caveats.iter().all(|caveat| keeps(caveat, name)))
        .collect();
    if left.len() == granted.len() {
        listed(left.into_iter().map(ToString::to_string))
    } else {
        format!(
            "{} (narrowed from {})",
            listed(left.into_iter().map(ToString::to_string)),
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
