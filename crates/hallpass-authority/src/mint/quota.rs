//! How often a client may ask, and how many tokens a tenant may get.

use hallpass_policy::Policy;
use hallpass_vocabulary::{ClientId, Tenant, Timestamp};

use super::{Minter, Unminted};
use crate::store::Admission;

impl Minter {
    /// Counts a request of a client, whatever becomes of it. Who is no client is not counted against one.
    pub(crate) async fn admit_client(
        &self,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<(), Unminted> {
        let per_minute = self.policies.now().policy.client_mints_per_minute(client);
        self.admit("client", client.as_str(), per_minute, now).await
    }

    /// Counts a token for a tenant, just before it is minted: what is refused is not counted, so a client cannot use up
    /// what belongs to a tenant it may not ask for.
    pub(super) async fn admit_tenant(
        &self,
        policy: &Policy,
        tenant: &Tenant,
        now: Timestamp,
    ) -> Result<(), Unminted> {
        let per_minute = policy.limits().tenant_mints_per_minute();
        self.admit("tenant", tenant.as_str(), per_minute, now).await
    }

    async fn admit(
        &self,
        bucket: &'static str,
        name: &str,
        per_minute: u32,
        now: Timestamp,
    ) -> Result<(), Unminted> {
        match self
            .store
            .admit(&format!("{bucket}:{name}"), per_minute, now)
            .await?
        {
            Admission::Admit => Ok(()),
            Admission::Wait(wait) => Err(Unminted::RateLimited { bucket, wait }),
        }
    }
}
