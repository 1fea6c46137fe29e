//! Rows as values. Nothing in them is secret.

use std::collections::BTreeSet;
use std::time::Duration;

use hallpass_journal::{KeyStanding, Minted, Spent};
use hallpass_keys::{Purpose, VerifyingKey};
use hallpass_vocabulary::{
    Actor, ClientId, Route, RunId, Subject, SubjectAssurance, Tenant, Timestamp, TokenId, ToolName,
};

/// How long a run may last whose first record does not say: the bound of a route that names none.
const RUN_MAX_DEFAULT: Duration = Duration::from_secs(24 * 60 * 60);

/// A run as it was started; every renewal must match it, and none exceeds it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct RunRow {
    pub(crate) run: RunId,
    /// The token that started it.
    pub(crate) first: TokenId,
    pub(crate) client: ClientId,
    pub(crate) route: Route,
    pub(crate) tenant: Tenant,
    pub(crate) subject: Subject,
    pub(crate) assurance: SubjectAssurance,
    pub(crate) actor: Actor,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parent: Option<RunId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) holder: Option<VerifyingKey>,
    pub(crate) tools: BTreeSet<ToolName>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) needs_approval: BTreeSet<ToolName>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) caveats: Vec<String>,
    #[serde(default)]
    pub(crate) budgets: Spent,
    pub(crate) started: Timestamp,
    /// When it ends at the latest.
    pub(crate) ends: Timestamp,
    /// When it was ended before its time, by itself or with a run above it. Kept apart from the row.
    #[serde(skip)]
    pub(crate) ended: Option<Timestamp>,
}

impl RunRow {
    /// The run as its first token has it.
    pub(crate) fn started_by(minted: &Minted) -> Self {
        Self {
            run: minted.run,
            first: minted.token,
            client: minted.client.clone(),
            route: minted.route.clone(),
            tenant: minted.tenant.clone(),
            subject: minted.subject.clone(),
            assurance: minted.assurance,
            actor: minted.actor.clone(),
            parent: minted.parent,
            holder: minted.holder,
            tools: minted.tools.iter().cloned().collect(),
            needs_approval: minted.needs_approval.iter().cloned().collect(),
            caveats: minted.caveats.clone(),
            budgets: minted.budgets.unwrap_or_default(),
            started: minted.issued,
            ends: minted
                .run_ends
                .unwrap_or_else(|| minted.issued.after(RUN_MAX_DEFAULT)),
            ended: None,
        }
    }
}

/// A minted token: its record, and where that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenRow {
    pub(crate) minted: Minted,
    /// The journal the record is in.
    pub(crate) origin: String,
    /// Its index there.
    pub(crate) index: u64,
}

/// A client that has, or had, something of its own here. One that only the policy knows has no row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientRow {
    pub(crate) client: ClientId,
    pub(crate) enabled: bool,
    /// When it was last enabled or disabled, else when it was first named.
    pub(crate) changed: Timestamp,
    /// Every secret it had, the latest last.
    pub(crate) secrets: Vec<SecretRow>,
}

/// A secret, by its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SecretRow {
    /// Its public name.
    pub(crate) id: String,
    /// SHA-256 of it.
    pub(crate) sha256: [u8; 32],
    pub(crate) added: Timestamp,
    /// From when on it is no longer good; good for ever when absent.
    pub(crate) until: Option<Timestamp>,
}

/// A standing that a key of the authority has, or had, and since when. Where it stands is the last of them in the order of
/// its life, so that rows of several journals come to the same in any order.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyRow {
    pub(crate) public_key: VerifyingKey,
    pub(crate) purpose: Purpose,
    pub(crate) standing: KeyStanding,
    pub(crate) at: Timestamp,
}

impl KeyRow {
    /// The standing as the table has it.
    pub(crate) fn word(standing: KeyStanding) -> &'static str {
        match standing {
            KeyStanding::Active => "active",
            KeyStanding::Prepared => "prepared",
            KeyStanding::Retired => "retired",
            KeyStanding::Retiring => "retiring",
            KeyStanding::Tainted => "tainted",
        }
    }

    /// The standing of a word in the table.
    pub(super) fn standing(word: &str) -> Option<KeyStanding> {
        [
            KeyStanding::Active,
            KeyStanding::Prepared,
            KeyStanding::Retired,
            KeyStanding::Retiring,
            KeyStanding::Tainted,
        ]
        .into_iter()
        .find(|standing| Self::word(*standing) == word)
    }

    /// A row of the table.
    pub(super) fn of(
        public_key: [u8; 32],
        purpose: &str,
        standing: &str,
        at: i64,
    ) -> Result<Self, &'static str> {
        Ok(Self {
            public_key: VerifyingKey::from_bytes(&public_key).map_err(|_| "public_key")?,
            purpose: purpose.parse().map_err(|_| "purpose")?,
            standing: Self::standing(standing).ok_or("standing")?,
            at: Timestamp::from_unix_ms(at),
        })
    }
}
