//! Bytes on a socket that no client library would send, and what comes back.

use std::io::ErrorKind;

use hallpass_client::BaseUrl;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::live::SOON;

/// What comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comes {
    /// These answers, and the connection takes another request.
    Open(Vec<u16>),
    /// These answers, and the connection is closed.
    Closed(Vec<u16>),
}

/// A server under attack, and what a good request to it is made of.
pub struct Surface {
    pub url: BaseUrl,
    pub path: &'static str,
    pub authorization: String,
    pub body: &'static str,
    pub served: u16,
}

const SENTINEL: &[u8] = b"GET /sentinel HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";

impl Surface {
    /// A request with this first line and these headers beside the ones that every request has.
    pub fn request(&self, line: &str, headers: &str, body: &str) -> Vec<u8> {
        let (line, authorization) = (line.replace("PATH", self.path), &self.authorization);
        format!(
            "{line}\r\nHost: t\r\nAuthorization: {authorization}\r\nContent-Type: application/json\r\n{headers}\r\n{body}"
        )
        .into_bytes()
    }

    /// A good request but for its first line.
    pub fn line(&self, line: &str) -> Vec<u8> {
        self.request(line, &self.length(), self.body)
    }

    /// A good request with more headers.
    pub fn headers(&self, headers: &str) -> Vec<u8> {
        let headers = format!("{headers}\r\n{}", self.length());
        self.request("POST PATH HTTP/1.1", &headers, self.body)
    }

    /// A good request but for the headers that frame its body.
    pub fn framed(&self, headers: &str, body: &str) -> Vec<u8> {
        let (length, headers) = (self.body.len(), headers.replace("; ", "\r\n"));
        let headers = format!("{headers}\r\n").replace("LENGTH", &length.to_string());
        let body = body
            .replace("SIZE", &format!("{length:x}"))
            .replace("BODY", self.body);
        self.request("POST PATH HTTP/1.1", &headers, &body)
    }

    fn length(&self) -> String {
        format!("Content-Length: {}\r\n", self.body.len())
    }

    /// Sends these bytes, and once there is an answer a last request that shows whether the connection still serves.
    pub async fn exchange(&self, bytes: &[u8]) -> Comes {
        let address = self.url.to_string();
        let address = address.trim_start_matches("http://").trim_end_matches('/');
        let mut stream = TcpStream::connect(address).await.unwrap();
        let (mut reader, mut writer) = stream.split();
        let mut answer = Vec::new();
        let mut buffer = [0; 16 * 1024];
        let mut asked = false;
        // A server that refuses early closes before it has read everything.
        let _ = writer.write_all(bytes).await;
        loop {
            let read = tokio::time::timeout(SOON, reader.read(&mut buffer)).await;
            match read.expect("an answer in time") {
                Ok(0) => break,
                Ok(read) => answer.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
                Err(error) => panic!("{error}"),
            }
            if !asked {
                asked = true;
                let _ = writer.write_all(SENTINEL).await;
            }
        }
        let text = String::from_utf8_lossy(&answer);
        let mut statuses: Vec<u16> = text
            .match_indices("HTTP/1.")
            .filter_map(|(place, _)| text.get(place + 9..place + 12)?.parse().ok())
            .collect();
        let last = text.rfind("HTTP/1.").map_or("", |place| &text[place..]);
        // Only the answer to the sentinel closes politely with "not found".
        if last.starts_with("HTTP/1.1 404") && last.to_lowercase().contains("connection: close") {
            statuses.pop();
            Comes::Open(statuses)
        } else {
            Comes::Closed(statuses)
        }
    }
}
