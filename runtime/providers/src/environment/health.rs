//! Health checks: one bounded connection to a loopback address. What answers is not trusted: its answer
//! is cut off in time and in length, and is only ever shown escaped.

use serde::{Deserialize, Serialize};
use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

/// How long one check may take in all.
pub(super) const TIMEOUT: Duration = Duration::from_secs(1);
/// The most bytes read of an answer: the status line is all that counts.
const MAX_ANSWER: usize = 1024;

/// A health check of a service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Check {
    pub(super) probe: Probe,
    pub(super) address: SocketAddr,
    /// Replica `n` listens at the port + `n`; else one address speaks for all replicas.
    pub(super) per_replica: bool,
}

/// How to ask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Probe {
    /// GET, and 200 is healthy.
    Http {
        /// Path with query.
        path: String,
    },
    /// A connection that is accepted is healthy.
    Tcp,
}

/// What a check said.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    pub(super) healthy: bool,
    /// The status of an HTTP answer.
    pub(super) status: Option<u16>,
    pub(super) detail: String,
}

impl Check {
    /// Where replica `index` answers.
    pub(super) fn address_of(&self, index: u32) -> SocketAddr {
        let mut address = self.address;
        if self.per_replica {
            // A port past 65535 stays unreachable (0), and so unhealthy.
            let port = u32::from(address.port()).saturating_add(index);
            address.set_port(u16::try_from(port).unwrap_or(0));
        }
        address
    }

    /// Where replica `index` is asked over HTTP.
    pub(super) fn url(&self, index: u32) -> Option<String> {
        match &self.probe {
            Probe::Http { path } => Some(format!("http://{}{path}", self.address_of(index))),
            Probe::Tcp => None,
        }
    }

    /// Asks replica `index` now.
    pub(super) fn ask(&self, index: u32) -> Answer {
        let address = self.address_of(index);
        let unhealthy = |detail: String| Answer { healthy: false, status: None, detail };
        let deadline = Instant::now() + TIMEOUT;
        let mut stream = match TcpStream::connect_timeout(&address, TIMEOUT) {
            Ok(stream) => stream,
            Err(error) => return unhealthy(format!("{address}: {error}")),
        };
        let Probe::Http { path } = &self.probe else {
            let detail = format!("{address} accepts connections");
            return Answer { healthy: true, status: None, detail };
        };
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        match exchange(&mut stream, request.as_bytes(), deadline) {
            Ok(Some(status)) => Answer {
                healthy: status == 200,
                status: Some(status),
                detail: format!("HTTP {status} from http://{address}{path}"),
            },
            Ok(None) => unhealthy(format!("http://{address}{path} did not answer in HTTP")),
            Err(error) => unhealthy(format!("http://{address}{path}: {error}")),
        }
    }
}

/// Sends the request and reads up to the end of the status line (RFC 9112 section 4).
fn exchange(
    stream: &mut TcpStream,
    request: &[u8],
    deadline: Instant,
) -> std::io::Result<Option<u16>> {
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.write_all(request)?;
    let mut answer = Vec::new();
    let mut buffer = [0u8; 256];
    while answer.len() < MAX_ANSWER && !answer.contains(&b'\n') {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(std::io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut buffer)? {
            0 => break,
            n => answer.extend(buffer.iter().take(n)),
        }
    }
    let line = String::from_utf8_lossy(&answer);
    let mut words = line.split_ascii_whitespace();
    let http = words.next().is_some_and(|w| w.starts_with("HTTP/1."));
    Ok(words.next().filter(|_| http).and_then(|code| code.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::{Check, Probe};
    use std::{io::Write as _, net::TcpListener, time::Instant};

    /// Asks a server that answers with these bytes and then keeps the connection open.
    fn ask(answer: &'static [u8]) -> super::Answer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(answer).unwrap();
            std::thread::sleep(super::TIMEOUT * 2);
        });
        let check = Check { probe: Probe::Http { path: "/h".into() }, address, per_replica: false };
        let before = Instant::now();
        let got = check.ask(0);
        assert!(before.elapsed() < super::TIMEOUT * 3 / 2, "a check is bounded");
        drop(server);
        got
    }

    #[test]
    fn only_200_is_healthy() {
        assert!(ask(b"HTTP/1.1 200 OK\r\n\r\n").healthy);
        assert_eq!(ask(b"HTTP/1.1 500 no\r\n\r\n").status, Some(500));
        for bad in [
            &b"HTTP/1.1 204 x\r\n"[..],
            b"200 OK\r\n",
            b"\r\n",
            b"HTTP/1.1 999999 x\r\n",
            b"HTTP/1.1",
        ] {
            assert!(!ask(bad).healthy, "{bad:?}");
        }
    }

    #[test]
    fn nobody_there_is_unhealthy() {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(!Check { probe: Probe::Tcp, address, per_replica: false }.ask(0).healthy);
    }
}
