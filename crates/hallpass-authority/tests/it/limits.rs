//! Bytes on the wire that are no request.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::fixture::{Home, SOON, draft};

/// Sends bytes and reads until the other side closes.
async fn exchange(home_address: std::net::SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(home_address).await.unwrap();
    // The other side may close before it has read everything.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(SOON, stream.read_to_end(&mut answer))
        .await
        .expect("the connection stayed open");
    let _ = read;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn junk_and_oversized_heads_are_closed_and_others_still_served() {
    let home = Home::new();
    let running = home.serve().await;
    let junk = exchange(running.address, b"\x16\x03\x01\x02\x00 not http\r\n\r\n").await;
    assert!(
        junk.is_empty() || junk.starts_with("HTTP/1.1 400"),
        "{junk}"
    );
    let large = format!(
        "GET /livez HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n",
        "a".repeat(64 * 1024)
    );
    let large = exchange(running.address, large.as_bytes()).await;
    assert!(
        large.is_empty() || large.starts_with("HTTP/1.1 4"),
        "{large}"
    );
    assert_eq!(running.mint(&draft()).await.status, 201);
    running.stop().await;
}

#[tokio::test]
async fn a_caller_that_hangs_up_does_not_stop_its_mint() {
    let home = Home::new();
    let running = home.serve().await;
    let body = draft().to_string();
    let head = format!(
        "POST /v1/tokens HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        running.basic.1,
        body.len(),
    );
    for _ in 0..20 {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body.as_bytes()).await.unwrap();
        drop(stream);
    }
    running.stop().await;
    // However many were begun before the hang-up was seen: each of those has its rows.
    let recorded = home.records_of("minted").len();
    let store = rusqlite::Connection::open(home.path("authority.db")).unwrap();
    let rows: i64 = store
        .query_row("SELECT count(*) FROM tokens", [], |row| row.get(0))
        .unwrap();
    assert_eq!(usize::try_from(rows), Ok(recorded));
}
