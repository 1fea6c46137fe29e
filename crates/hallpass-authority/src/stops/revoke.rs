//! A token is revoked, or a secret of a client retired.

use std::sync::Arc;
use std::time::Duration;

use hallpass_bundle::REVOKED_TOKENS_MAX;
use hallpass_journal::{Event, Text, TokenRevoked};
use hallpass_vocabulary::{ClientId, Timestamp, TokenId};

use super::{AHEAD_MAX, TOKEN_LIFE_MAX, Undone, minted_at};
use crate::operator::Operator;
use crate::registry::Unchanged;
use crate::service::Service;
use crate::store::TokenRow;

/// A token that is not good any more.
#[derive(Debug, Clone)]
pub(crate) struct Revoked {
    pub(crate) token: TokenId,
    /// When it has expired, at the latest.
    pub(crate) expires: Timestamp,
    /// What is known of it: nothing where its record was lost, or it was never minted here.
    pub(crate) row: Option<TokenRow>,
    /// The number of the bundle that has it; none where it had expired before.
    pub(crate) bundle: Option<u64>,
}

impl Service {
    /// Revokes a token, also one that nobody here knows: its record may be what was lost.
    pub(crate) async fn revoke_token(
        self: &Arc<Self>,
        token: TokenId,
        reason: Option<Text>,
        by: &Operator,
    ) -> Result<Revoked, Undone> {
        let _one_at_a_time = self.stopping.lock().await;
        let now = self.clock.now();
        let row = self.store().token(token).await?;
        let expires = match &row {
            Some(row) => row.minted.expires,
            None => {
                let minted = minted_at(token.as_u128()).min(now.after(AHEAD_MAX));
                minted.after(TOKEN_LIFE_MAX)
            }
        };
        // By this clock; others may be behind.
        if expires.after(AHEAD_MAX) <= now {
            let bundle = None;
            return Ok(Revoked {
                token,
                expires,
                row,
                bundle,
            });
        }
        let restraints = self.store().restraints();
        if restraints.revoked(token).is_none() {
            if restraints.revoked_count() >= REVOKED_TOKENS_MAX {
                return Err(Undone::RevocationsTooMany);
            }
            let revoked = TokenRevoked {
                token,
                expires,
                reason,
                by: by.id.clone(),
            };
            self.act(Event::TokenRevoked(Box::new(revoked))).await?;
            tracing::warn!(token.id = %token, by = %by.id, "a token was revoked");
        }
        let bundle = self.publish_restrictions().await;
        Ok(Revoked {
            token,
            expires,
            row,
            bundle,
        })
    }

    /// Retires a secret now, whichever client has it.
    pub(crate) async fn revoke_secret(
        &self,
        secret: &str,
        by: &Operator,
    ) -> Result<(ClientId, Timestamp), Undone> {
        let clients = self.store().clients().await?;
        let has_it = |client: &&crate::store::ClientRow| {
            client.secrets.iter().any(|known| known.id == secret)
        };
        let client = clients.iter().find(has_it);
        let client = client.ok_or(Undone::SecretUnknown)?.client.clone();
        let until = self
            .retire_secret(&client, secret, Duration::ZERO, &by.id)
            .await;
        let until = until.map_err(|unchanged| match unchanged {
            Unchanged::Journal(error) => Undone::Journal(error),
            Unchanged::Store(error) => Undone::Store(error),
            Unchanged::Later => Undone::Later,
            Unchanged::Randomness(error) => Undone::Randomness(error),
            Unchanged::ClientUnknown | Unchanged::SecretUnknown | Unchanged::SecretsTooMany => {
                Undone::SecretUnknown
            }
        })?;
        Ok((client, until))
    }
}
