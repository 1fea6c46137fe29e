//! Where this build has replicas' publications: nowhere, for it speaks to no server that replicas share.

use tokio::sync::Notify;

use super::StoreError;

/// There is none.
#[derive(Debug, Clone)]
pub(crate) enum Publications {}

impl Publications {
    pub(crate) fn publish<E>(
        &self,
        _: impl FnOnce(Option<(u64, &str)>) -> Result<Option<(u64, String)>, E> + Send,
    ) -> Result<(), E> {
        match *self {}
    }

    pub(crate) async fn serial(&self) -> Result<Option<u64>, StoreError> {
        match *self {}
    }

    pub(crate) async fn newest(&self) -> Result<Option<(u64, String)>, StoreError> {
        match *self {}
    }

    pub(crate) async fn listen(&self, _: &Notify) {
        match *self {}
    }
}
