//! A decision in words: what failed and why, and what each caveat says to a call.

use hallpass_vocabulary::DenialCode;

use crate::admission::{AdmittedToken, PlacedCaveat};
use crate::caveat::{Caveat, Looks};
use crate::decide::{CallFacts, Denial};

/// What a caveat says to a call.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum CaveatOutcome {
    /// It does not allow the call.
    Fails {
        /// The argument it fails on, where it is one; escaped and shortened.
        #[serde(skip_serializing_if = "Option::is_none")]
        argument: Option<String>,
        /// What is wrong, where its words do not say it all. Repeats no argument's value.
        #[serde(skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// It allows the call.
    Holds,
    /// It is for other tools, and does not look at the call.
    OtherTool,
}

/// A caveat of a token, and what it says to a call.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ExplainedCaveat {
    /// The block it stands in; 0 is the authority block.
    pub block: usize,
    /// The check in that block, from 0.
    pub check: usize,
    /// What it says, in the words `Caveat` parses.
    pub words: String,
    /// What it says to the call.
    #[serde(flatten)]
    pub outcome: CaveatOutcome,
}

impl AdmittedToken {
    /// What every caveat says to a call, in the order of the token. A decision stops at the first that fails; this does
    /// not.
    pub fn explain_caveats(&self, call: &CallFacts<'_>) -> Vec<ExplainedCaveat> {
        let mut looks = Looks::at(call.arguments);
        let explained =
            self.caveats()
                .iter()
                .map(|PlacedCaveat { place, caveat }| ExplainedCaveat {
                    block: place.block,
                    check: place.check,
                    words: caveat.to_string(),
                    outcome: self.outcome(caveat, call, &mut looks),
                });
        explained.collect()
    }

    fn outcome<'a>(
        &self,
        caveat: &'a Caveat,
        call: &CallFacts<'_>,
        looks: &mut Looks<'a>,
    ) -> CaveatOutcome {
        if matches!(caveat, Caveat::Argument(argument) if !argument.is_for(call.tool)) {
            return CaveatOutcome::OtherTool;
        }
        if caveat.holds(call, self.blocks(), looks) {
            return CaveatOutcome::Holds;
        }
        let (argument, why) = match caveat.failing(call, self.blocks(), looks) {
            Some(reason) => (reason.argument, Some(reason.words)),
            None => (None, None),
        };
        CaveatOutcome::Fails { argument, why }
    }

    /// A denial in words: the caveat that failed and the argument it failed on, or the part of the grant. Names are
    /// validated, what a holder or a caller wrote is escaped and shortened, and no argument's value is repeated: the
    /// words are safe to log.
    pub fn explain(&self, denial: &Denial, call: &CallFacts<'_>) -> String {
        let failed = denial
            .caveat
            .and_then(|place| self.caveats().iter().find(|placed| placed.place == place));
        if let Some(PlacedCaveat { place, caveat }) = failed {
            let words = shortened(caveat.to_string());
            let block = place.block;
            return match caveat.failing(call, self.blocks(), &mut Looks::at(call.arguments)) {
                Some(why) => {
                    let why = why.words;
                    format!("block {block} of the token says `{words}`, and {why}")
                }
                None => format!("block {block} of the token says `{words}`"),
            };
        }
        let others = &self.content().others;
        let other = denial
            .caveat
            .and_then(|place| others.iter().find(|other| other.place == place));
        if let Some(other) = other {
            let words = shortened(other.datalog.clone());
            return format!("block {} of the token has `{words}`", other.place.block);
        }
        let grant = self.grant();
        match denial.code {
            DenialCode::Overloaded => {
                "the checks of the token could not be evaluated within bounds".to_owned()
            }
            DenialCode::PolicyDenied => "the Datalog policy of the service".to_owned(),
            DenialCode::TokenNotYetValid => format!("issued {}, now {}", grant.issued, call.now),
            DenialCode::TokenExpired => format!("expired {}, now {}", grant.expires, call.now),
            DenialCode::WrongEnvironment => {
                format!(
                    "token of `{}`, service in `{}`",
                    grant.environment, call.environment
                )
            }
            DenialCode::WrongAudience => {
                format!("`{}` is not among the token's services", call.audience)
            }
            DenialCode::ToolNotGranted => format!("`{}` is not among the token's tools", call.tool),
            code => code.meaning().to_owned(),
        }
    }
}

/// The block whose caveat failed, where an explanation by [`AdmittedToken::explain`] names one: 0 is the authority's.
pub fn failed_block(explanation: &str) -> Option<usize> {
    let (block, rest) = explanation
        .strip_prefix("block ")?
        .split_once(" of the token ")?;
    let quotes = rest.starts_with("says `") || rest.starts_with("has `");
    block.parse().ok().filter(|_| quotes)
}

/// Characters of a caveat that an explanation repeats at most; the rest is in the token.
const WORDS_CHARS_MAX: usize = 160;

fn shortened(words: String) -> String {
    match words.char_indices().nth(WORDS_CHARS_MAX) {
        Some((end, _)) => format!("{}…", words.get(..end).unwrap_or_default()),
        None => words,
    }
}
