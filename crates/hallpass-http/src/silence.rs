//! How long the other end may leave what it was sent unacknowledged.

use std::time::Duration;

use tokio::net::TcpStream;

/// Ends a connection whose other end acknowledges nothing for so long (`TCP_USER_TIMEOUT`, RFC 5482): a machine that lost its
/// power says no goodbye, and without this the kernel tries for a quarter of an hour. Where the system does not have it,
/// its own bound holds.
pub(crate) fn bound(stream: &TcpStream, most: Duration) {
    #[cfg(target_os = "linux")]
    {
        let ms = u32::try_from(most.as_millis()).unwrap_or(u32::MAX);
        if let Err(error) = rustix::net::sockopt::set_tcp_user_timeout(stream, ms) {
            tracing::debug!(%error, "a connection has the system's own bound on silence");
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (stream, most);
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_on_the_socket() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let stream = TcpStream::connect(address).await.unwrap();
            bound(&stream, Duration::from_secs(15));
            let set = rustix::net::sockopt::tcp_user_timeout(&stream);
            assert_eq!(set, Ok(15_000));
        });
    }
}
