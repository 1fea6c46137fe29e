//! How often tokens may be asked for.

use crate::{CLIENT_MINTS_PER_MINUTE_DEFAULT, TENANT_MINTS_PER_MINUTE_DEFAULT};

/// Rates that hold where nothing more particular is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub(crate) client_mints_per_minute: u32,
    pub(crate) tenant_mints_per_minute: u32,
}

impl Limits {
    /// What holds without a `[limits]` section.
    pub(crate) const STANDARD: Self = Self {
        client_mints_per_minute: CLIENT_MINTS_PER_MINUTE_DEFAULT,
        tenant_mints_per_minute: TENANT_MINTS_PER_MINUTE_DEFAULT,
    };

    /// Mints a minute of a client that has no rate of its own.
    pub fn client_mints_per_minute(&self) -> u32 {
        self.client_mints_per_minute
    }

    /// Mints a minute for one tenant, over all clients.
    pub fn tenant_mints_per_minute(&self) -> u32 {
        self.tenant_mints_per_minute
    }
}
