//! The clients, in memory: they are few, every request asks for one, and this process alone changes them.

use std::collections::HashMap;

use hallpass_vocabulary::ClientId;
use rusqlite::Connection;

use super::read;
use crate::store::StoreError;
use crate::store::rows::{ClientRow, SecretRow};

/// Every client of the store.
#[derive(Debug, Default)]
pub(in crate::store) struct ClientTable {
    /// In the order of their names.
    clients: Vec<ClientRow>,
    /// Where a secret is: its client, and which of its secrets.
    secrets: HashMap<[u8; 32], (usize, usize)>,
}

impl ClientTable {
    pub(super) fn read(connection: &Connection) -> Result<Self, StoreError> {
        let clients = read::clients(connection)?;
        let places = clients.iter().enumerate().flat_map(|(of, client)| {
            let secrets = client.secrets.iter().enumerate();
            secrets.map(move |(which, secret)| (secret.sha256, (of, which)))
        });
        Ok(Self {
            secrets: places.collect(),
            clients,
        })
    }

    pub(in crate::store) fn all(&self) -> &[ClientRow] {
        &self.clients
    }

    pub(in crate::store) fn client(&self, id: &ClientId) -> Option<&ClientRow> {
        let place = self
            .clients
            .binary_search_by(|client| client.client.cmp(id));
        self.clients.get(place.ok()?)
    }

    pub(in crate::store) fn of_secret(
        &self,
        sha256: &[u8; 32],
    ) -> Option<(&ClientRow, &SecretRow)> {
        let (of, which) = self.secrets.get(sha256)?;
        let client = self.clients.get(*of)?;
        Some((client, client.secrets.get(*which)?))
    }
}
