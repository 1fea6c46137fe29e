//! Ports nobody listens on.

use std::net::{Ipv4Addr, TcpListener};

/// A TCP port on 127.0.0.1 that nobody listened on a moment ago.
///
/// Another process may take it before the caller does. Prefer letting the program under test bind to port 0 and print
/// what it got; this is for programs that must be told, and for addresses where nobody answers.
///
/// # Panics
/// When the operating system gives no port.
pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .expect("a free port on 127.0.0.1")
        .port()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_port_can_be_bound() {
        let port = free_port();
        assert!(port > 0);
        assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok());
    }
}
