//! The id of the request that is being answered.

use hallpass_vocabulary::RequestId;

tokio::task_local! {
    static CURRENT: RequestId;
}

/// Answers a request under this id.
pub(super) async fn within<F: Future>(id: RequestId, answer: F) -> F::Output {
    CURRENT.scope(id, answer).await
}

/// The id of the request this task answers, if it does.
pub(crate) fn request_id() -> Option<RequestId> {
    CURRENT.try_with(|id| *id).ok()
}
