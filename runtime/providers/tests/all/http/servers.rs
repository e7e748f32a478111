//! Servers that are slow, endless, huge, lying or gone: each ends in a code, within the endpoint's time and size.

use super::{
    harness::{Host, open},
    server::{Connection, Server, answer},
};
use interlock_providers::http::EndpointSettings;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

fn a() -> Value {
    json!(["s", "a", [], []])
}

fn write(connection: &mut dyn Connection, bytes: &[u8]) -> bool {
    connection.write_all(bytes).is_ok() && connection.flush().is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_bad_server_ends_in_its_code() {
    type Bad = fn(&mut dyn Connection, &str);
    let cases: Vec<(&str, Bad)> = vec![
        ("timed-out", |_, _| std::thread::sleep(Duration::from_secs(3))),
        ("timed-out", |c, _| {
            // A byte of the head now and then.
            for byte in b"HTTP/1.1 200 OK\r\nx-slow: ".iter().cycle() {
                if !write(c, &[*byte]) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(100));
            }
        }),
        ("timed-out", |c, _| {
            write(c, b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nsome");
            std::thread::sleep(Duration::from_secs(3));
        }),
        ("answer-too-large", |c, _| {
            // It never ends.
            write(c, b"HTTP/1.1 200 OK\r\n\r\n");
            while write(c, &[b'x'; 65536]) {}
        }),
        ("answer-too-large", |c, _| {
            write(c, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
            while write(c, b"400\r\n") && write(c, &[b'x'; 0x400]) && write(c, b"\r\n") {}
        }),
        ("answer-too-large", |c, _| {
            write(c, b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n");
            while write(c, &[b'x'; 65536]) {}
        }),
        ("bad-answer", |c, _| {
            write(c, b"HTTP/1.1 200 OK\r\n");
            while write(c, b"x-more: and more and more and more\r\n") {}
        }),
        ("bad-answer", |c, _| {
            write(
                c,
                format!("HTTP/1.1 200 OK\r\nx-long: {}\r\n\r\n", "x".repeat(1 << 20)).as_bytes(),
            );
        }),
        ("bad-answer", |c, _| {
            write(c, b"SSH-2.0-OpenSSH_9.9\r\n\r\n\r\n");
        }),
        ("bad-answer", |c, _| {
            write(c, &[0xff; 4096]);
        }),
        ("bad-answer", |c, _| {
            write(c, b"HTTP/1.1 abc OK\r\n\r\n");
        }),
        ("bad-answer", |c, _| {
            write(c, b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n");
        }),
        ("closed-early", |_, _| {}),
        ("closed-early", |c, _| {
            write(c, b"HTTP/1.1 200 OK\r\ncontent-le");
        }),
        ("closed-early", |c, _| {
            write(c, b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nsome");
        }),
        ("closed-early", |c, _| {
            write(c, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nsome");
        }),
        ("answer-encoded", |c, _| {
            write(c, answer(200, "content-encoding: gzip\r\n", "\u{1f}").as_bytes());
        }),
    ];
    for (at, (code, bad)) in cases.into_iter().enumerate() {
        let server = Server::serving(bad);
        let settings = EndpointSettings {
            time: Duration::from_millis(700),
            response: 256 << 10,
            ..open(&server.url())
        };
        let host = Host::of(settings);
        let began = Instant::now();
        assert_eq!(host.code("get", a()).await, code, "case {at}");
        assert!(began.elapsed() < Duration::from_secs(3), "case {at}: {:?}", began.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_data_and_nobody_follows_it() {
    let inside = Server::answering(|_| answer(200, "", "inside"));
    let to = format!("location: {}/latest/meta-data\r\n", inside.url());
    let server = Server::answering(move |_| answer(302, &to, "moved"));
    let host = Host::of(open(&server.url()));
    let got = host.get("a").await;
    assert_eq!(got["ok"]["status"], 302);
    assert_eq!(got["ok"]["content"]["text"], "moved");
    let location = &got["ok"]["headers"][0];
    assert_eq!(location["name"], "location");
    assert_eq!(location["value"], format!("{}/latest/meta-data", inside.url()));
    assert_eq!((server.connections(), inside.connections()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_told_with_what_describes_it_and_no_more() {
    let headers = "content-type: text/plain\r\nset-cookie: session=1\r\nserver: nginx/1.2\r\nx-powered-by: x\r\nretry-after: 5\r\n";
    let server = Server::serving(move |c, request| {
        let body: &[u8] = if request.starts_with("HEAD") { b"" } else { b"\xff\x00a" };
        write(c, format!("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n{headers}\r\n").as_bytes());
        write(c, body);
    });
    let host = Host::of(open(&server.url()));
    let got = host.get("a").await;
    let headers = json!([{"name": "content-type", "value": "text/plain"}, {"name": "retry-after", "value": "5"}]);
    assert_eq!(got["ok"]["headers"], headers);
    assert_eq!(got["ok"]["content"], json!({"base64": "/wBh"}));
    let head = host.read("head", a()).await.unwrap();
    assert_eq!(
        (&head["ok"]["status"], &head["ok"]["content"]),
        (&json!(200), &json!({"text": ""}))
    );
    // A status is an answer, whatever it is; one that only announces another is not.
    let server =
        Server::answering(|_| format!("HTTP/1.1 103 Early\r\n\r\n{}", answer(404, "", "no")));
    assert_eq!(Host::of(open(&server.url())).code("get", a()).await, "status 404");
}

/// An authority, and certificates by it.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn server(&self, name: &str, years: std::ops::Range<i32>) -> rustls::ServerConfig {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(years.start, 1, 1);
        params.not_after = rcgen::date_time_ymd(years.end, 1, 1);
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        rustls::ServerConfig::builder_with_provider(ring)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap()
    }

    fn file(&self, folder: &Path) -> std::path::PathBuf {
        let file = folder.join("authority.pem");
        std::fs::write(&file, self.0.pem()).unwrap();
        file
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_holds_for_the_name_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let settings = |port: u16| EndpointSettings {
        authorities: Some(ours.file(folder.path())),
        ..open(&format!("https://localhost:{port}"))
    };
    let serve = |authority: &Authority, name: &str, years| {
        Server::tls(authority.server(name, years), |_| answer(200, "", "over TLS"))
    };
    let good = serve(&ours, "localhost", 2020..2090);
    let got = Host::of(settings(good.port)).get("a").await;
    assert_eq!(got["ok"]["content"]["text"], "over TLS");
    for (what, server, words) in [
        ("nobody's", serve(&theirs, "localhost", 2020..2090), "vouches"),
        ("another name's", serve(&ours, "elsewhere.example", 2020..2090), "another name"),
        ("over", serve(&ours, "localhost", 2001..2002), "is over"),
        ("not yet", serve(&ours, "localhost", 2089..2090), "does not hold"),
        ("no TLS", Server::answering(|_| answer(200, "", "")), "do not agree"),
    ] {
        // A server without TLS waits for a request that never comes.
        let host = Host::of(EndpointSettings {
            time: Duration::from_millis(900),
            ..settings(server.port)
        });
        let got = host.get("a").await.to_string();
        let late = what == "no TLS" && got.contains("timed-out");
        assert!(late || (got.contains("tls-failed") && got.contains(words)), "{what}: {got}");
        assert!(server.seen().is_empty(), "{what}");
    }
    // The system's authorities know nothing of ours.
    let host = Host::of(EndpointSettings { authorities: None, ..settings(good.port) });
    let code = host.code("get", a()).await;
    assert!(code == "tls-failed" || code == "no-roots", "{code}");
    std::fs::write(folder.path().join("authority.pem"), "nothing").unwrap();
    let none = EndpointSettings {
        authorities: Some(folder.path().join("authority.pem")),
        ..open(&format!("https://localhost:{}", good.port))
    };
    assert_eq!(Host::of(none).code("get", a()).await, "no-roots");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_is_said_to_be_nobody() {
    let port = Server::answering(|_| String::new()).port;
    let host = Host::of(open(&format!("http://127.0.0.1:{port}")));
    assert_eq!(host.code("get", a()).await, "connect-failed");
}

/// A connection belongs to one request: nothing of an earlier permit is in a later one's.
#[tokio::test(flavor = "multi_thread")]
async fn no_connection_is_used_twice() {
    let server = Server::serving(|c, _| {
        write(c, b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: keep-alive\r\n\r\na");
        write(c, b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nsmuggled");
        std::thread::sleep(Duration::from_millis(200));
    });
    let host = Host::of(open(&server.url()));
    for _ in 0..3 {
        assert_eq!(host.get("a").await["ok"]["content"]["text"], "a");
    }
    assert_eq!(server.connections(), 3);
}
