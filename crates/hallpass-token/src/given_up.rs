//! What a narrower token gave up: two descriptions compared.

use std::collections::BTreeSet;

use hallpass_vocabulary::{Audience, Timestamp, ToolName};

use crate::caveat::Caveat;
use crate::describe::Description;

/// What was given up between a token and a narrower one made from it. Says nothing of what both allow.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct GivenUp {
    /// Tools that could be called and cannot be any more.
    pub tools: BTreeSet<ToolName>,
    /// Tools that could be called with an approval and cannot be any more.
    pub needs_approval: BTreeSet<ToolName>,
    /// Services that could be called and cannot be any more.
    pub services: BTreeSet<Audience>,
    /// The life that was shortened.
    pub life: Option<LifeGivenUp>,
    /// Caveats on arguments that were added, in words; those that look at none of the tools that are left are not
    /// listed, they take nothing away.
    pub arguments: Vec<String>,
    /// Checks that are no caveats and were added, as Datalog; what they take away cannot be said.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_checks: Vec<String>,
    /// The limit on blocks that was lowered.
    pub blocks: Option<BlocksGivenUp>,
    /// Whether nobody can narrow it any more, and somebody could.
    pub sealed: bool,
}

/// An end that came nearer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct LifeGivenUp {
    /// When the token ended.
    pub from: Timestamp,
    /// When the narrower one ends.
    pub to: Timestamp,
}

/// A limit on blocks that became smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct BlocksGivenUp {
    /// The most blocks the token could come to.
    pub from: usize,
    /// The most the narrower one can.
    pub to: usize,
}

impl GivenUp {
    /// Whether the narrower token allows what the other did.
    pub fn is_nothing(&self) -> bool {
        let Self {
            tools,
            needs_approval,
            services,
            life,
            arguments,
            other_checks,
            blocks,
            sealed,
        } = self;
        tools.is_empty()
            && needs_approval.is_empty()
            && services.is_empty()
            && life.is_none()
            && arguments.is_empty()
            && other_checks.is_empty()
            && blocks.is_none()
            && !sealed
    }
}

impl Description {
    /// Whether the other can have been made from this token by narrowing and sealing: all that the authority said is the
    /// same, and its caveats go on where those of this one end. Compares what the tokens say; only signatures prove it.
    pub fn is_narrowed_to(&self, narrower: &Description) -> bool {
        let kept = narrower.caveats.get(..self.caveats.len());
        let mut added = narrower.caveats.iter().skip(self.caveats.len());
        let kept_others = narrower.other_checks.get(..self.other_checks.len());
        let mut added_others = narrower.other_checks.iter().skip(self.other_checks.len());
        let same = Description {
            standing: self.standing,
            not_after: self.not_after,
            caveats: self.caveats.clone(),
            other_checks: self.other_checks.clone(),
            blocks: self.blocks,
            sealed: self.sealed,
            ..narrower.clone()
        };
        same == *self
            && kept == Some(self.caveats.as_slice())
            && added.all(|placed| placed.block >= self.blocks)
            && kept_others == Some(self.other_checks.as_slice())
            && added_others.all(|check| check.block >= self.blocks)
            && narrower.blocks >= self.blocks
            && (narrower.sealed || !self.sealed)
            && (narrower.blocks == self.blocks || !self.sealed)
    }

    /// What a narrower token gave up of this one. Of two tokens that are not [made from each
    /// other](Self::is_narrowed_to) it only says what this one has and the other lacks.
    ///
    /// ```
    /// # use hallpass_token::{NextSecret, UnverifiedToken};
    /// # fn given_up(pass: &UnverifiedToken, next: NextSecret) -> Result<(), Box<dyn std::error::Error>> {
    /// let narrower = pass.attenuate(&["/limit<=10".parse()?], next)?;
    /// let narrower = UnverifiedToken::parse(narrower.expose())?;
    /// let given_up = pass.describe()?.given_up(&narrower.describe()?);
    /// assert_eq!(given_up.arguments, ["/limit<=10"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn given_up(&self, narrower: &Description) -> GivenUp {
        let lost = |before: BTreeSet<ToolName>, after: BTreeSet<ToolName>| {
            before.difference(&after).cloned().collect()
        };
        let services_left = narrower.audiences_left();
        let mut services = self.audiences_left();
        services.retain(|service| !services_left.contains(service));
        let (from, to) = (self.not_after, narrower.not_after);
        let life = (to < from).then_some(LifeGivenUp { from, to });
        let (from, to) = (self.blocks_max(), narrower.blocks_max());
        let blocks = (to < from).then_some(BlocksGivenUp { from, to });
        let added_others = narrower.other_checks.iter().skip(self.other_checks.len());
        GivenUp {
            tools: lost(self.tools_left(), narrower.tools_left()),
            needs_approval: lost(self.needs_approval_left(), narrower.needs_approval_left()),
            services,
            life,
            arguments: self.arguments_restricted(narrower),
            other_checks: added_others.map(|check| check.datalog.clone()).collect(),
            blocks,
            sealed: narrower.sealed && !self.sealed,
        }
    }

    fn arguments_restricted(&self, narrower: &Description) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        let (now, approved) = (narrower.tools_left(), narrower.needs_approval_left());
        for placed in &narrower.caveats {
            let Caveat::Argument(argument) = &placed.caveat else {
                continue;
            };
            let known = self
                .caveats
                .iter()
                .any(|known| known.caveat == placed.caveat);
            let looks = now
                .iter()
                .chain(&approved)
                .any(|tool| argument.is_for(tool));
            if !known && looks && !words.contains(&placed.words) {
                words.push(placed.words.clone());
            }
        }
        words
    }
}

#[cfg(test)]
pub(crate) mod tests;
