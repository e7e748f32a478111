//! What reaches a server of what a plugin asks for, and what is refused before anybody is asked.

use super::{
    harness::{Host, corpus, keyed, open, text},
    server::{Server, answer},
};
use interlock_providers::{
    Performed, Reader as _, Told,
    http::{EndpointSettings, Revisions, SystemResolver},
};
use serde_json::{Value, json};
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_exactly_what_was_asked_and_what_the_host_adds() {
    let server = Server::answering(|_| answer(200, "", ""));
    let host = Host::of(keyed(&format!("{}/base/v1", server.url())));
    let query = json!([{"name": "state", "value": "a b&c=d"}, {"name": "q", "value": "\u{e9}%"}]);
    let headers = json!([{"name": "x-note", "value": "hello there"}]);
    let body = json!({"content-type": "application/json", "text": "{\"a\": 1}"});
    host.read("get", json!(["s", "in/1", query, headers])).await.unwrap();
    host.effect("put", json!(["s", "in/1", [], headers, body])).await.unwrap();
    host.effect("delete", json!(["s", "in/1", [], []])).await.unwrap();
    let mut seen = server.seen();
    for request in &mut seen {
        *request = request.replace(&server.port.to_string(), "PORT");
    }
    let own = "host: 127.0.0.1:PORT\r\nuser-agent: interlock\r\naccept: */*\r\naccept-encoding: identity\r\nconnection: close\r\n";
    let key = format!("x-key: Key {}\r\n", super::harness::CANARY);
    assert_eq!(
        seen,
        [
            format!(
                "GET /base/v1/in/1?state=a%20b%26c%3Dd&q=%C3%A9%25 HTTP/1.1\r\n{own}x-note: hello there\r\n{key}\r\n"
            ),
            format!(
                "PUT /base/v1/in/1 HTTP/1.1\r\n{own}content-type: application/json\r\nx-note: hello there\r\n{key}content-length: 8\r\n\r\n{{\"a\": 1}}"
            ),
            format!("DELETE /base/v1/in/1 HTTP/1.1\r\n{own}content-length: 0\r\n{key}\r\n"),
        ]
    );
}

/// No method with a body is ambiguous about where the request ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_post_without_a_body_says_that_it_has_none() {
    let server = Server::answering(|_| answer(204, "", ""));
    let host = Host::of(open(&server.url()));
    host.effect("post", json!(["s", "go", [], [], null])).await.unwrap();
    assert!(server.seen()[0].contains("content-length: 0\r\n"), "{:?}", server.seen());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_header_of_the_corpus_is_sent_whole_or_refused() {
    let server = Server::answering(|_| answer(200, "", ""));
    let host = Host::of(keyed(&server.url()));
    let mut sent = 0;
    for row in corpus("headers") {
        let (name, value) = (text(&row, "name"), text(&row, "value"));
        let arguments = json!(["s", "a", [], [{"name": name, "value": value}]]);
        let code = host.code("get", arguments).await;
        if row["says"] == "ok" {
            assert_eq!(code, "status 200", "{row}");
            let line = format!("\r\n{name}: {value}\r\n");
            let seen = server.seen().last().unwrap().clone();
            assert_eq!(seen.matches(&line).count(), 1, "{row}");
            assert_eq!(seen.matches(&format!("\r\n{name}:")).count(), 1, "{row}: {seen}");
            sent += 1;
        } else {
            assert_eq!(code, text(&row, "says"), "{row}");
        }
    }
    // What is refused is not sent, not even as a connection.
    assert!(sent > 0 && server.connections() == sent, "{sent} sent");
    let twice = json!([{"name": "accept", "value": "a"}, {"name": "accept", "value": "b"}]);
    assert_eq!(host.code("get", json!(["s", "a", [], twice])).await, "header-repeated");
}

/// By the catalogue, before any policy; and by the provider, should a catalogue be another.
#[tokio::test(flavor = "multi_thread")]
async fn each_path_of_the_corpus_is_sent_as_it_is_or_refused() {
    let server = Server::answering(|_| answer(200, "", ""));
    let strict = Host::of(open(&server.url()));
    let lax = Host::with(open(&server.url()), Arc::new(SystemResolver), true);
    let mut sent = 0;
    for row in corpus("paths") {
        let path = text(&row, "path");
        let arguments = json!(["s", path, [], []]);
        // Dots alone are more than a pattern can say.
        let refused = strict.resolve("get", arguments.clone()).is_err()
            || strict.code("get", arguments.clone()).await == "bad-path";
        sent += usize::from(!refused);
        assert_eq!(refused, row["says"] == "refused", "{row}");
        match lax.resolve("get", arguments.clone()) {
            Err(denial) => assert!(refused && denial.code() == "bad-resource", "{row}: {denial}"),
            Ok(_) if refused => assert_eq!(lax.code("get", arguments).await, "bad-path", "{row}"),
            Ok(_) => {
                lax.get(path).await;
                let line = format!("GET /{path} HTTP/1.1\r\n");
                assert!(server.seen().last().unwrap().starts_with(&line), "{row}");
                sent += 1;
            }
        }
    }
    assert!(sent > 0 && server.connections() == sent, "{sent} sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_allows_what_it_lists_and_nothing_else() {
    let server = Server::answering(|_| answer(200, "", ""));
    let settings = EndpointSettings {
        methods: vec!["GET".to_owned()],
        paths: vec!["incidents/{id}".to_owned()],
        ..open(&server.url())
    };
    let host = Host::of(settings);
    let pair = |name: &str, value: &str| json!([{"name": name, "value": value}]);
    let long = "v".repeat(17);
    let repeated = json!([{"name": "state", "value": "a"}, {"name": "state", "value": "b"}]);
    for (function, arguments, code) in [
        ("get", json!(["other", "incidents/1", [], []]), "unknown-endpoint"),
        ("head", json!(["s", "incidents/1", [], []]), "method-not-allowed"),
        ("get", json!(["s", "incidents", [], []]), "path-not-allowed"),
        ("get", json!(["s", "incidents/1/x", [], []]), "path-not-allowed"),
        ("get", json!(["s", "users/1", [], []]), "path-not-allowed"),
        ("get", json!(["s", "incidents/1", pair("callback", "x"), []]), "query-not-allowed"),
        ("get", json!(["s", "incidents/1", pair("State", "x"), []]), "query-not-allowed"),
        ("get", json!(["s", "incidents/1", pair("state", &long), []]), "query-too-long"),
        ("get", json!(["s", "incidents/1", pair("state", "a\n"), []]), "bad-query"),
        ("get", json!(["s", "incidents/1", repeated, []]), "query-repeated"),
    ] {
        assert_eq!(host.code(function, arguments.clone()).await, code, "{arguments}");
    }
    assert_eq!(server.connections(), 0);
    host.get("incidents/1").await;
    assert_eq!(server.connections(), 1);
    let nothing = Host::of(EndpointSettings { paths: vec![], ..open(&server.url()) });
    assert_eq!(nothing.code("get", json!(["s", "a", [], []])).await, "path-not-allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_of_a_listed_type_and_bounded() {
    let server = Server::answering(|_| answer(200, "", ""));
    let host = Host::of(EndpointSettings { request: 8, ..open(&server.url()) });
    let body = |ty: &str, text: &str| json!({"content-type": ty, "text": text});
    for (body, rule) in [
        (body("text/html", "x"), "content-type-not-allowed"),
        (body("application/json; charset=utf-8", "x"), "content-type-not-allowed"),
        (body("application/json\r\nx: y", "x"), "content-type-not-allowed"),
        (body("", "x"), "content-type-not-allowed"),
        (body("application/json", "123456789"), "body-too-large"),
    ] {
        let refused = host.forecast("post", json!(["s", "a", [], [], body]), &[]).await;
        let refused = refused.unwrap_err().to_string();
        let words = if rule == "body-too-large" { "8 bytes" } else { "type" };
        assert!(refused.contains(words), "{rule}: {refused}");
    }
    let fits: Value = json!(["s", "a", [], [], body("application/json", "12345678")]);
    host.effect("post", fits).await.unwrap();
    assert_eq!(server.connections(), 1);
}

#[test]
fn what_a_call_tells_outside_is_what_the_plugin_chose() {
    let plain = Host::of(open("http://127.0.0.1:9"));
    let told = |host: &Host, function: &str, arguments: Value| {
        host.provider.told(&host.permitted(function, arguments))
    };
    let query = json!([{"name": "state", "value": "open"}]);
    let headers = json!([{"name": "x-note", "value": "12345"}]);
    assert_eq!(told(&plain, "get", json!(["s", "in/7", query, headers])), Told::Bytes(4 + 9 + 11));
    // An effect is foreseen without asking anybody, unless the server is asked for its ETag.
    let effect = json!(["s", "in/7", [], [], null]);
    assert_eq!(told(&plain, "put", effect.clone()), Told::Nothing);
    let etags = EndpointSettings { revisions: Revisions::Etag, ..open("http://127.0.0.1:9") };
    assert_eq!(told(&Host::of(etags), "put", effect), Told::Bytes(4));
    // What is refused is told to nobody.
    let refused = json!(["s", "in/7", [{"name": "secret", "value": "x"}], []]);
    assert_eq!(told(&plain, "get", refused), Told::Nothing);
    let shy = Host::of(EndpointSettings { plan: false, ..open("http://127.0.0.1:9") });
    assert!(matches!(
        told(&shy, "get", json!(["s", "in/7", [], []])),
        Told::NotWhilePlanning(why) if why.contains("not read while planning")
    ));
}

/// What cannot be sent is no effect that nobody knows the end of.
#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_too_long_is_refused_before_anything_is_foreseen() {
    let server = Server::answering(|_| answer(200, "", ""));
    let names: Vec<String> = (0..30).map(|n| format!("q{n}")).collect();
    let query = names.iter().map(|name| (name.clone(), 1024)).collect();
    let host = Host::of(EndpointSettings { query, ..open(&server.url()) });
    // Each byte is three when it is sent.
    let pairs = |bytes: usize| {
        let of = |name: &String| json!({"name": name, "value": "%".repeat(bytes)});
        Value::Array(names.iter().map(of).collect())
    };
    let long = json!(["s", "a", pairs(1000), [], null]);
    let refused = host.forecast("post", long.clone(), &[]).await;
    let Err(interlock_providers::ProviderFault::Denied { rule, problem }) = refused else {
        panic!("{refused:?}");
    };
    assert!(rule == "target-too-long" && problem.contains("65534"), "{rule}: {problem}");
    assert_eq!(host.code("get", json!(["s", "a", pairs(1000), []])).await, "target-too-long");
    // Nor is it begun against a forecast of something else.
    let forecast = host.exact("post", json!(["s", "a", pairs(1), [], null])).await;
    let performed = host.perform("post", long, forecast).await.unwrap();
    assert!(matches!(&performed, Performed::Refused { code: "not-started", .. }), "{performed:?}");
    assert_eq!(server.connections(), 0);
    assert_eq!(host.code("get", json!(["s", "a", pairs(700), []])).await, "status 200");
}
