//! What was asked and decided, under another policy: what would be answered otherwise, and of what that cannot be told.

mod answer;
mod arguments;
mod call;
mod refused;
mod standing;

use std::collections::{BTreeMap, HashMap};

use hallpass_journal::read::Record;
use hallpass_journal::{Decided, Event, MintRefused, Minted};
use hallpass_policy::Policy;
use hallpass_vocabulary::{Environment, Route, Timestamp, TokenId, ToolName};

use crate::reconcile::{Full, TOKENS_MAX};
use answer::Differences;
pub use answer::{Answer, Asked, Difference, EXAMPLES_MAX, Often, ROWS_MAX};
use call::Again;
use standing::{Grant, Standings};

/// How records of one kind would be answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Replays {
    /// The same.
    pub same: u64,
    /// Otherwise.
    pub flipped: u64,
    /// The records do not tell.
    pub undecided: u64,
    /// What denied them is no matter of a policy: an expired token, a full disk.
    pub other: u64,
}

/// What would come of it.
#[derive(Debug)]
pub struct Replayed {
    /// Tokens that were minted, and requests that were refused.
    pub mints: Replays,
    /// Calls.
    pub calls: Replays,
    /// What would be otherwise or is not told, each with how often.
    pub rows: Vec<(Difference, Often)>,
    /// The policies that tokens were minted under, each with how many.
    pub policies: BTreeMap<String, u64>,
    /// The times of the first and the last record that was replayed.
    pub period: Option<(Timestamp, Timestamp)>,
}

/// Records, replayed. First those of every authority, then those of services.
///
/// Holds 20 bytes and what the table adds for each token ([`TOKENS_MAX`]), and one standing for all tokens that would be alike.
#[derive(Debug)]
pub struct Replay<'p> {
    policy: &'p Policy,
    since: Option<Timestamp>,
    standings: Standings,
    tokens: HashMap<TokenId, u32>,
    environment: Option<Environment>,
    differences: Differences,
    replayed: Replayed,
}

impl<'p> Replay<'p> {
    /// Under this policy; of records before `since` only the tokens are remembered.
    pub fn new(policy: &'p Policy, since: Option<Timestamp>) -> Self {
        Self {
            policy,
            since,
            standings: Standings::default(),
            tokens: HashMap::new(),
            environment: None,
            differences: Differences::default(),
            replayed: Replayed {
                mints: Replays::default(),
                calls: Replays::default(),
                rows: Vec::new(),
                policies: BTreeMap::new(),
                period: None,
            },
        }
    }

    /// One record, of an authority or of a service.
    ///
    /// # Errors
    /// [`Full`].
    pub fn take(&mut self, record: &Record) -> Result<(), Full> {
        let counts = self.since.is_none_or(|since| record.time() >= since);
        match record.event() {
            Ok(Event::Decided(decided)) if counts => {
                self.during(record);
                self.decided(&decided);
            }
            Ok(Event::MintRefused(refused)) if counts => {
                self.during(record);
                self.refused(&refused);
            }
            Ok(Event::Minted(minted)) => {
                let number = self.standings.of(self.policy, &minted);
                if self.tokens.len() >= TOKENS_MAX {
                    return Err(Full::Tokens);
                }
                self.tokens.insert(minted.token, number);
                self.environment = Some(minted.env.clone());
                if counts {
                    self.during(record);
                    self.minted(&minted, number);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn during(&mut self, record: &Record) {
        let time = record.time();
        let (first, last) = self.replayed.period.unwrap_or((time, time));
        self.replayed.period = Some((first.min(time), last.max(time)));
    }

    fn minted(&mut self, minted: &Minted, number: u32) {
        let policies = &mut self.replayed.policies;
        *policies.entry(minted.policy.to_string()).or_default() += 1;
        let Some(standing) = self.standings.get(number) else {
            return; // Never: it was made just now.
        };
        let of = |now, before, tool: Option<&ToolName>, why: String| Difference {
            now,
            before,
            asked: Asked::Mint,
            route: Some(minted.route.clone()),
            tool: tool.cloned(),
            why,
        };
        let mut found: Vec<Difference> = Vec::new();
        match (&standing.least, &standing.most) {
            (Err(refusal), Err(_)) => {
                let why = format!("`{}`", refusal.code());
                found.push(of(Some(Answer::Deny), Answer::Allow, None, why));
            }
            _ => {
                let outright = minted.tools.iter().map(|tool| (tool, Answer::Allow));
                let withheld = minted
                    .needs_approval
                    .iter()
                    .map(|it| (it, Answer::Approval));
                for (tool, before) in outright.chain(withheld) {
                    let (now, why) = match standing.grant(tool) {
                        Grant::Is(now) if now == before => continue,
                        Grant::Is(Answer::Deny) => (
                            Some(Answer::Deny),
                            "the token has it no more; refused where it was asked for by name",
                        ),
                        Grant::Is(now) => (Some(now), "the token has it otherwise"),
                        Grant::DependsOnRoles => (None, "it depends on roles that no record has"),
                    };
                    found.push(of(now, before, Some(tool), why.to_owned()));
                }
            }
        }
        let life = minted.expires.since(minted.issued);
        if let Ok(terms) = &standing.least
            && life > terms.ttl()
        {
            let why = format!(
                "it would live {} s; refused where more was asked for",
                terms.ttl().as_secs()
            );
            found.push(of(None, Answer::Allow, None, why));
        }
        let mints = &mut self.replayed.mints;
        let counter = match found.iter().any(|it| it.now.is_some()) {
            true => &mut mints.flipped,
            false if found.is_empty() => &mut mints.same,
            false => &mut mints.undecided,
        };
        *counter = counter.saturating_add(1);
        for difference in found {
            self.differences
                .add(difference, Some(minted.token.to_string()));
        }
    }

    fn refused(&mut self, refused: &MintRefused) {
        let Some(environment) = self.environment.clone() else {
            self.count(
                Asked::Mint,
                Answer::Deny,
                refused.route.clone(),
                None,
                None,
                Again::NotTold("the environment is not recorded".to_owned()),
            );
            return;
        };
        let again = refused::again(self.policy, &environment, refused);
        let example = refused.request.map(|id| id.to_string());
        self.count(
            Asked::Mint,
            Answer::Deny,
            refused.route.clone(),
            None,
            example,
            again,
        );
    }

    fn decided(&mut self, decided: &Decided) {
        let (Some(token), Some(tool)) = (decided.token, &decided.tool) else {
            self.replayed.calls.other = self.replayed.calls.other.saturating_add(1);
            return;
        };
        let known = self.tokens.get(&token);
        let standing = known.and_then(|number| self.standings.get(*number));
        let again = match standing {
            Some(standing) => call::again(decided, tool, standing),
            None => Again::NotTold("the mint of its token is not among the records".to_owned()),
        };
        let route: Option<Route> = decided.route.clone();
        let example = Some(decided.decision.to_string());
        let before = call::before(decided);
        self.count(
            Asked::Call,
            before,
            route,
            Some(tool.clone()),
            example,
            again,
        );
    }

    fn count(
        &mut self,
        asked: Asked,
        before: Answer,
        route: Option<Route>,
        tool: Option<ToolName>,
        example: Option<String>,
        again: Again,
    ) {
        let counts = match asked {
            Asked::Call => &mut self.replayed.calls,
            Asked::Mint => &mut self.replayed.mints,
        };
        let (counter, now, why) = match again {
            Again::Is(now, why) if now != before => (&mut counts.flipped, Some(now), why),
            Again::Is(..) => (&mut counts.same, None, String::new()),
            Again::NotTold(why) => (&mut counts.undecided, None, why),
            Again::OtherReason => (&mut counts.other, None, String::new()),
        };
        *counter = counter.saturating_add(1);
        if !why.is_empty() {
            let difference = Difference {
                now,
                before,
                asked,
                route,
                tool,
                why,
            };
            self.differences.add(difference, example);
        }
    }

    /// What would come of all of it.
    pub fn conclude(self) -> Replayed {
        Replayed {
            rows: self.differences.into_rows(),
            ..self.replayed
        }
    }
}
