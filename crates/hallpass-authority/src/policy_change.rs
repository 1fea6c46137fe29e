//! What a policy allows that the one before it did not, as it is recorded and told.

use hallpass_journal::{Event, PolicyLoaded, Text, WIDENINGS_RECORDED_MAX};
use hallpass_keys::Digest;
use hallpass_policy::{Change, Direction, Policy, PolicyFiles};
use hallpass_vocabulary::{Environment, OperatorId, Timestamp};

use crate::kept_policy::KeptPolicies;
use crate::policy_in_force::LoadedPolicy;

/// The longest of the texts about one widening, in characters: so many of them as are recorded leave room in a record.
const WIDENING_CHARS_MAX: usize = 240;

/// The most names of files in a record. A record has room for them and for the widenings.
const FILES_RECORDED_MAX: usize = 24;

/// What is said where the files of the policy before cannot be read any more.
const UNREADABLE: &str =
    "the policy before is not known here any more: everything this one allows counts as new";

/// From one policy to the next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PolicyChange {
    /// Whether it is another policy at all, in any byte.
    pub(crate) changed: bool,
    /// Everything it allows that the one before did not, in words.
    pub(crate) widenings: Vec<String>,
    /// How much it no longer allows.
    pub(crate) narrowings: usize,
}

/// What is told of a widening.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Widened {
    kind: &'static str,
    environment: Environment,
    time: Timestamp,
    policy: Digest,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<OperatorId>,
    count: usize,
    widenings: Vec<String>,
}

impl PolicyChange {
    /// Between two policies that are both at hand.
    pub(crate) fn between(before: &LoadedPolicy, now: &LoadedPolicy) -> Self {
        if before.digest == now.digest {
            return Self::default();
        }
        Self::of(&before.policy, &now.policy)
    }

    /// Since the policy that the last bundle named. Without a last one everything is new, and none of it is a widening.
    pub(crate) fn since(kept: &KeptPolicies, last: Option<Digest>, now: &LoadedPolicy) -> Self {
        match last {
            None => Self {
                changed: true,
                ..Self::default()
            },
            Some(last) if last == now.digest => Self::default(),
            Some(last) => match kept.find(last).and_then(|files| Policy::parse(&files).ok()) {
                Some(before) => Self::of(&before, &now.policy),
                None => Self {
                    changed: true,
                    widenings: vec![UNREADABLE.to_owned()],
                    narrowings: 0,
                },
            },
        }
    }

    fn of(before: &Policy, now: &Policy) -> Self {
        let changes = before.changes_to(now);
        let are = |direction| {
            let found = changes.iter().filter(move |it| it.direction() == direction);
            found.map(Change::to_string)
        };
        Self {
            changed: true,
            widenings: are(Direction::Widening).collect(),
            narrowings: are(Direction::Narrowing).count(),
        }
    }

    /// The first widenings, and how many more there are.
    pub(crate) fn widenings_told(&self) -> Vec<String> {
        // The last place says how many did not find one.
        let all = self.widenings.len();
        let shown = if all > WIDENINGS_RECORDED_MAX {
            WIDENINGS_RECORDED_MAX - 1
        } else {
            all
        };
        let mut told: Vec<String> = self.widenings.iter().take(shown).map(|w| cut(w)).collect();
        if shown < all {
            told.push(format!("and {} more", all - shown));
        }
        told
    }

    /// The record of the policy that this led to.
    pub(crate) fn record(
        &self,
        digest: Digest,
        files: &PolicyFiles,
        by: Option<OperatorId>,
    ) -> Event {
        let mut names: Vec<Text> = files.iter().map(|(name, _)| Text::new(name)).collect();
        if names.len() > FILES_RECORDED_MAX {
            let more = names.len() - (FILES_RECORDED_MAX - 1);
            names.truncate(FILES_RECORDED_MAX - 1);
            names.push(Text::new(&format!("and {more} more")));
        }
        let told = self.widenings_told();
        Event::PolicyLoaded(PolicyLoaded {
            digest,
            files: names,
            changed: self.changed,
            widenings: told.iter().map(|words| Text::new(words)).collect(),
            by,
        })
    }

    /// What is to be told of it; nothing when it widens nothing. The log is told here.
    pub(crate) fn widened(
        &self,
        policy: Digest,
        environment: &Environment,
        by: Option<OperatorId>,
        time: Timestamp,
    ) -> Option<Widened> {
        if self.widenings.is_empty() {
            return None;
        }
        let count = self.widenings.len();
        let widenings = self.widenings_told();
        let operator = by.as_ref().map(tracing::field::display);
        tracing::warn!(
            %policy,
            by = operator,
            widenings = count,
            "the policy in force allows more than the one before"
        );
        for widening in &widenings {
            tracing::warn!(%policy, widening, "now allowed");
        }
        Some(Widened {
            kind: "policy_widened",
            environment: environment.clone(),
            time,
            policy,
            by,
            count,
            widenings,
        })
    }
}

fn cut(words: &str) -> String {
    match words.char_indices().nth(WIDENING_CHARS_MAX) {
        Some((end, _)) => format!("{}…", words.get(..end).unwrap_or_default()),
        None => words.to_owned(),
    }
}
