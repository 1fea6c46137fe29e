//! What the store answers, for whoever may not await.

use std::future::Future;

use tokio::runtime::Handle;

use super::StoreError;

/// Waits for an answer on a thread of its own, for the caller's may be inside a runtime. Blocks.
pub(crate) fn waited<T: Send>(
    runtime: &Handle,
    asked: impl Future<Output = Result<T, StoreError>> + Send,
) -> Result<T, StoreError> {
    let wait = || runtime.block_on(asked);
    std::thread::scope(|scope| scope.spawn(wait).join()).unwrap_or(Err(StoreError::Stopping))
}
