//! A canary: the secret of an endpoint is at its destination, and in nothing else that anybody gets to see.

use super::{
    harness::{CANARY, Host, Told, keyed},
    server::{Server, answer},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use interlock_providers::{
    Performed,
    http::{Credential, Endpoint, EndpointSettings, Private},
};
use serde_json::json;

/// The canary in the spellings in which a server may send it back.
fn spellings() -> [String; 4] {
    [
        CANARY.to_owned(),
        CANARY.replace('/', "\\/"),
        CANARY.replace('/', "%2F").replace('+', "%2B").replace('=', "%3D"),
        STANDARD.encode(CANARY),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_echoes_its_credential_tells_nobody() {
    let server = Server::answering(|request| {
        let echo = spellings().join(" | ");
        assert!(request.contains(CANARY), "it never arrived");
        let headers =
            format!("location: /next?key={}\r\nx-request-id: {CANARY}\r\n", spellings()[2]);
        if request.starts_with("GET /binary") {
            return answer(200, &headers, &format!("\u{0}{echo}"));
        }
        answer(if request.starts_with("GET") { 200 } else { 403 }, &headers, &echo)
    });
    let host = Host::of(keyed(&server.url()));
    let post = json!(["s", "a", [], [], null]);
    let forecast = host.exact("post", post.clone()).await;
    let told = [
        host.get("a").await.to_string(),
        host.get("binary").await.to_string(),
        format!("{forecast:?}"),
        format!("{:?}", host.perform("post", post, forecast).await),
    ];
    assert_eq!(server.connections(), 3);
    assert!(told[0].contains("[secret] | [secret] | [secret] | [secret]"), "{}", told[0]);
    assert!(told[3].contains("[secret] | [secret]"), "{}", told[3]);
    let core = CANARY.split('/').next_back().unwrap();
    for text in &told {
        for spelling in spellings().iter().map(String::as_str).chain([core]) {
            assert!(!text.contains(spelling), "`{spelling}` in {text}");
        }
    }
    // And nothing of it is on disk but in its own file.
    for entry in std::fs::read_dir(host.folder.path().join("http")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains(core), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_with_a_secret_is_told_without_it() {
    let server = Server::answering(|_| answer(200, "", ""));
    let host = Host::of(keyed(&server.url()));
    // A value that no header can carry.
    for bad in ["canary-line\r\nx-evil: 1", "canary-\u{7}-bell", "short"] {
        std::fs::write(host.folder.path().join("canary"), bad).unwrap();
        let answer = host.get("a").await.to_string();
        assert!(answer.contains("no-secret") && !answer.contains("canary-"), "{answer}");
    }
    assert_eq!(server.connections(), 0);
    let said = format!("{:?}", Endpoint::new(keyed(&server.url())).unwrap().said());
    assert!(said.contains("canary") && !said.contains(CANARY), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_is_never_readable_on_its_way() {
    let bad = Endpoint::new(EndpointSettings { private: Private::No, ..keyed("http://a.example") });
    assert_eq!(bad.unwrap_err().code, "in-the-clear");
    // Allowed inside, and then the name leads outside.
    let host =
        Host::with(keyed("http://a.example"), Told::new(&[&["192.0.2.1"], &["9.9.9.9"]]), false);
    for code in ["address-refused", "in-the-clear"] {
        assert_eq!(host.code("get", json!(["s", "a", [], []])).await, code);
    }
}

#[test]
fn a_credential_has_a_header_of_its_own() {
    for (header, ok) in [
        ("authorization", true),
        ("cookie", true),
        ("proxy-authorization", true),
        ("x-api-key", true),
        ("host", false),
        ("content-length", false),
        ("transfer-encoding", false),
        ("connection", false),
        ("Authorization", false),
        ("x key", false),
        ("", false),
    ] {
        let credential = Credential {
            header: header.to_owned(),
            secret: "canary".to_owned(),
            prefix: String::new(),
        };
        let settings = EndpointSettings {
            credential: Some(credential),
            ..EndpointSettings::at("https://a.example")
        };
        assert_eq!(Endpoint::new(settings).is_ok(), ok, "{header}");
    }
    let both = EndpointSettings { headers: vec!["x-key".to_owned()], ..keyed("https://a.example") };
    assert_eq!(Endpoint::new(both).unwrap_err().code, "header-forbidden");
}

/// Each secret is read when it is used: a rotated one needs no restart.
#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_secret_is_used_at_once() {
    let server = Server::answering(|_| answer(200, "", ""));
    let host = Host::of(keyed(&server.url()));
    host.get("a").await;
    std::fs::write(host.folder.path().join("canary"), "another-value").unwrap();
    let done = host.effect("post", json!(["s", "a", [], [], null])).await.unwrap();
    assert!(matches!(done, Performed::Done { .. }), "{done:?}");
    assert!(server.seen()[1].contains("x-key: Key another-value\r\n"), "{:?}", server.seen());
}
