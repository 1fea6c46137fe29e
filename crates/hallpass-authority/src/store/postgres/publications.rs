//! The bundle that replicas publish together: one row, changed by one of them at a time, and news of it.

use std::time::Duration;

use deadpool_postgres::Pool;
use tokio::sync::Notify;
use tokio_postgres::AsyncMessage;

use super::connect::{STATEMENT_MAX, Server};
use super::{at_start, connection, failed};
use crate::store::StoreError;

/// What replicas hear of a publication by.
const CHANNEL: &str = "hallpass_publication";

/// How long a publication may take in all: it waits for another replica's, and a server that is stuck is waited for no
/// longer than one that is gone.
const PUBLISH_MAX: Duration = STATEMENT_MAX.saturating_mul(2);

/// How long looking for a publication may take. It is tried again two seconds after.
const LOOK_MAX: Duration = Duration::from_secs(5);

/// How long after a lost connection another is tried.
const AGAIN: Duration = Duration::from_secs(1);

/// After how long of silence the server is asked whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// The row, and how it is reached.
#[derive(Debug, Clone)]
pub(crate) struct Publications {
    pub(super) server: Server,
    pub(super) pool: Pool,
}

impl Publications {
    /// Puts what is made of the last publication in its place, and tells every replica; nothing where nothing is made of it.
    /// `make` is given the last one's serial number and body, and gives its own. Nobody else publishes meanwhile. After a failure of
    /// the server it may be in place all the same. Blocks.
    pub(crate) fn publish<E: From<StoreError> + Send>(
        &self,
        make: impl FnOnce(Option<(u64, &str)>) -> Result<Option<(u64, String)>, E> + Send,
    ) -> Result<(), E> {
        at_start(&self.server, async |client| {
            let published = published(client, make);
            let timely = tokio::time::timeout(PUBLISH_MAX, published).await;
            timely.unwrap_or(Err(StoreError::Unwritten))
        })?
    }

    /// The serial number of the publication in place; nothing where there is none.
    pub(crate) async fn serial(&self) -> Result<Option<u64>, StoreError> {
        let look = async {
            let client = connection(&self.pool).await?;
            let row = client
                .query_opt("SELECT serial FROM publication", &[])
                .await
                .map_err(failed("read"))?;
            row.map(|row| serial(row.get(0))).transpose()
        };
        let timely = tokio::time::timeout(LOOK_MAX, look).await;
        timely.unwrap_or(Err(StoreError::Unwritten))
    }

    /// The publication in place.
    pub(crate) async fn newest(&self) -> Result<Option<(u64, String)>, StoreError> {
        let client = connection(&self.pool).await?;
        let row = client
            .query_opt("SELECT serial, body FROM publication", &[])
            .await
            .map_err(failed("read"))?;
        row.map(|row| Ok((serial(row.get(0))?, row.get(1))))
            .transpose()
    }

    /// Notifies of every publication, for as long as it is polled. What was missed while the connection was lost is told of
    /// by one notice when it is there again.
    pub(crate) async fn listen(&self, news: &Notify) {
        loop {
            if let Err(error) = self.hear(news).await {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(error, "publications are looked for, not heard of, for now");
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn hear(&self, news: &Notify) -> Result<(), StoreError> {
        let mut config = self.server.config.clone();
        config.keepalives_idle(KEEPALIVE);
        let (client, mut connection) = config
            .connect(self.server.tls.clone())
            .await
            .map_err(failed("connect to"))?;
        let messages = async {
            while let Some(message) = std::future::poll_fn(|cx| connection.poll_message(cx)).await {
                if let AsyncMessage::Notification(_) = message.map_err(failed("listen to"))? {
                    news.notify_one();
                }
            }
            Ok(())
        };
        let listening = async {
            let listen = format!("LISTEN {CHANNEL}");
            client
                .batch_execute(&listen)
                .await
                .map_err(failed("listen to"))?;
            news.notify_one();
            std::future::pending().await
        };
        tokio::select! {
            ended = messages => ended,
            refused = listening => refused,
        }
    }
}

async fn published<E>(
    client: &mut tokio_postgres::Client,
    make: impl FnOnce(Option<(u64, &str)>) -> Result<Option<(u64, String)>, E>,
) -> Result<Result<(), E>, StoreError> {
    let step = client.transaction().await.map_err(failed("publish in"))?;
    // Others read what is in place meanwhile.
    step.batch_execute("LOCK TABLE publication IN EXCLUSIVE MODE")
        .await
        .map_err(failed("publish in"))?;
    let last = step
        .query_opt("SELECT serial, body FROM publication", &[])
        .await
        .map_err(failed("read"))?;
    let last: Option<(u64, &str)> = match &last {
        Some(row) => Some((serial(row.get(0))?, row.get(1))),
        None => None,
    };
    let (serial, body) = match make(last) {
        Ok(Some(made)) => made,
        Ok(None) => return Ok(Ok(())),
        Err(error) => return Ok(Err(error)),
    };
    let serial = i64::try_from(serial).map_err(|_| StoreError::Malformed { column: "serial" })?;
    step.execute(
        "INSERT INTO publication (serial, body) VALUES ($1, $2)
         ON CONFLICT (one) DO UPDATE SET serial = excluded.serial, body = excluded.body",
        &[&serial, &body],
    )
    .await
    .map_err(failed("publish in"))?;
    step.batch_execute(&format!("NOTIFY {CHANNEL}"))
        .await
        .map_err(failed("publish in"))?;
    step.commit().await.map_err(failed("publish in"))?;
    Ok(Ok(()))
}

fn serial(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| StoreError::Malformed { column: "serial" })
}
