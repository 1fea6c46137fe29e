//! The clients, in memory: they are few, and every request asks for one.

use std::collections::HashMap;

use hallpass_vocabulary::ClientId;

use super::rows::{ClientRow, SecretRow};

/// Every client of the store.
#[derive(Debug, Default)]
pub(super) struct ClientTable {
    /// In the order of their names.
    clients: Vec<ClientRow>,
    /// Where a secret is: its client, and which of its secrets.
    secrets: HashMap<[u8; 32], (usize, usize)>,
}

impl ClientTable {
    /// From the clients, in the order of their names.
    pub(super) fn of(clients: Vec<ClientRow>) -> Self {
        let places = clients.iter().enumerate().flat_map(|(of, client)| {
            let secrets = client.secrets.iter().enumerate();
            secrets.map(move |(which, secret)| (secret.sha256, (of, which)))
        });
        Self {
            secrets: places.collect(),
            clients,
        }
    }

    pub(super) fn all(&self) -> &[ClientRow] {
        &self.clients
    }

    pub(super) fn client(&self, id: &ClientId) -> Option<&ClientRow> {
        let place = self
            .clients
            .binary_search_by(|client| client.client.cmp(id));
        self.clients.get(place.ok()?)
    }

    pub(super) fn of_secret(&self, sha256: &[u8; 32]) -> Option<(&ClientRow, &SecretRow)> {
        let (of, which) = self.secrets.get(sha256)?;
        let client = self.clients.get(*of)?;
        Some((client, client.secrets.get(*which)?))
    }
}
