//! Real servers on loopback addresses, each with a thread. Dropping one ends it.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

/// A server that counts its connections and keeps what it was sent.
pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) connections: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<String>>>,
    over: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

/// A connection that a server has, with or without TLS.
pub(crate) trait Connection: Read + Write {}
impl<T: Read + Write> Connection for T {}

type Serve = dyn Fn(&mut dyn Connection, &str) + Send + Sync;

impl Server {
    /// Does with each connection whatever `serve` does, after the request was read.
    pub(crate) fn serving(
        serve: impl Fn(&mut dyn Connection, &str) + Send + Sync + 'static,
    ) -> Self {
        Self::at("127.0.0.1:0", None, Arc::new(serve))
    }

    /// Answers each request.
    pub(crate) fn answering(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self::serving(move |connection, request| {
            let _gone = connection.write_all(answer(request).as_bytes());
        })
    }

    /// The same over TLS.
    pub(crate) fn tls(
        config: rustls::ServerConfig,
        answer: impl Fn(&str) -> String + Send + Sync + 'static,
    ) -> Self {
        let serve = move |connection: &mut dyn Connection, request: &str| {
            let _gone = connection.write_all(answer(request).as_bytes());
        };
        Self::at("127.0.0.1:0", Some(Arc::new(config)), Arc::new(serve))
    }

    pub(crate) fn at(
        address: &str,
        tls: Option<Arc<rustls::ServerConfig>>,
        serve: Arc<Serve>,
    ) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (connections, seen) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let over = Arc::new(AtomicBool::new(false));
        let (counted, kept, stop) = (connections.clone(), seen.clone(), over.clone());
        let accepting = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                counted.fetch_add(1, Ordering::SeqCst);
                let (serve, tls, kept) = (serve.clone(), tls.clone(), kept.clone());
                let Ok(stream) = stream else { continue };
                std::thread::spawn(move || one(stream, tls, &*serve, &kept));
            }
        });
        Self { port, connections, seen, over, accepting: Some(accepting) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Every request that arrived whole.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        for host in [[127, 0, 0, 1], [127, 0, 0, 2]] {
            let _woken = TcpStream::connect(SocketAddr::from((host, self.port)));
        }
        let _ended = self.accepting.take().map(JoinHandle::join);
    }
}

fn one(
    mut stream: TcpStream,
    tls: Option<Arc<rustls::ServerConfig>>,
    serve: &Serve,
    seen: &Mutex<Vec<String>>,
) {
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut connection: Box<dyn Connection> = match tls {
        None => Box::new(stream),
        Some(config) => {
            let mut session = rustls::ServerConnection::new(config).unwrap();
            if session.complete_io(&mut stream).is_err() {
                return;
            }
            Box::new(rustls::StreamOwned::new(session, stream))
        }
    };
    let Some(request) = read(&mut *connection) else { return };
    seen.lock().unwrap().push(request.clone());
    serve(&mut *connection, &request);
}

/// One request, head and body.
fn read(connection: &mut dyn Connection) -> Option<String> {
    let (mut all, mut byte) = (Vec::new(), [0]);
    while !all.ends_with(b"\r\n\r\n") {
        if connection.read(&mut byte).ok()? == 0 {
            return None;
        }
        all.push(byte[0]);
    }
    let head = String::from_utf8(all.clone()).ok()?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |n| n.parse().unwrap())];
    connection.read_exact(&mut body).ok()?;
    all.extend(body);
    String::from_utf8(all).ok()
}

/// An answer with a length.
pub(crate) fn answer(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} Said\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}
