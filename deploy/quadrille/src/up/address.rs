//! The address to listen on, as a person writes it: an IP address, or a name of this machine's own.
//!
//! A name is taken only where all that it stands for is this machine alone. What lets others in must be
//! said as an address, so that nobody opens a port to the world by a name that somebody else resolves.

use std::net::{SocketAddr, ToSocketAddrs as _};

/// An example to go by.
const EXAMPLE: &str = "write an IP address and a port, e.g. 127.0.0.1:8080";

/// Reads an address.
pub(super) fn parse(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    if port.parse::<u16>().is_err() {
        return Err(format!("it has no port: {EXAMPLE}"));
    }
    if host.is_empty() {
        return Err(format!("it has no address: write 127.0.0.1:{port}"));
    }
    let found = text.to_socket_addrs().map_err(|error| {
        format!("`{host}` is not known ({error}): write an IP address, e.g. 127.0.0.1:{port}")
    })?;
    chosen(found.collect()).ok_or_else(|| {
        format!(
            "`{host}` is not this machine alone: write the IP address to listen on, e.g. \
             127.0.0.1:{port}, or 0.0.0.0:{port} for everybody"
        )
    })
}

/// The one to listen on, where all are of this machine alone. Of two, that of IPv4: whoever connects
/// to a name tries both.
fn chosen(found: Vec<SocketAddr>) -> Option<SocketAddr> {
    if !found.iter().all(|address| address.ip().is_loopback()) {
        return None;
    }
    let v4 = found.iter().find(|address| address.is_ipv4());
    v4.or(found.first()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_and_a_name_of_this_machine_are_taken() {
        assert_eq!(parse("0.0.0.0:80"), Ok(address("0.0.0.0:80")));
        assert_eq!(parse("[::1]:80"), Ok(address("[::1]:80")));
        assert_eq!(parse("localhost:8080"), Ok(address("127.0.0.1:8080")));
    }

    #[test]
    fn what_cannot_be_listened_on_says_what_to_write() {
        for (text, mend) in [
            ("localhost", "e.g. 127.0.0.1:8080"),
            ("127.0.0.1", "e.g. 127.0.0.1:8080"),
            ("localhost:http", "e.g. 127.0.0.1:8080"),
            ("127.0.0.1:70000", "e.g. 127.0.0.1:8080"),
            ("8080", "write 127.0.0.1:8080"),
            (":8080", "write 127.0.0.1:8080"),
            ("no.such.host.invalid:8080", "e.g. 127.0.0.1:8080"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(mend), "{text}: {error}");
        }
    }

    #[test]
    fn a_name_that_is_more_than_this_machine_is_not_taken() {
        let (here, there) = (address("127.0.0.1:1"), address("192.0.2.1:1"));
        assert_eq!(chosen(vec![here, there]), None);
        assert_eq!(chosen(vec![there]), None);
        assert_eq!(chosen(vec![address("[::1]:1"), here]), Some(here));
        assert_eq!(chosen(vec![address("[::1]:1")]), Some(address("[::1]:1")));
        assert_eq!(chosen(vec![]), None);
    }
}
