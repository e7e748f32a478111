//! Effects: said before as they then happen, and happening once. What is sent and what is not can be counted at a
//! real server.

use super::{
    harness::{Host, keyed, open},
    server::{Server, answer},
};
use interlock_authority::{Planned, Revision};
use interlock_providers::{
    FROZEN, Forecasted, NOT_STARTED, Performed,
    http::{EndpointSettings, Revisions},
};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

fn post(path: &str) -> Value {
    let body = json!({"content-type": "application/json", "text": "{\"title\": \"down\"}"});
    json!(["s", path, [], [], body])
}

/// The code and the words of an effect that was refused.
fn refused(performed: Performed) -> (&'static str, String) {
    match performed {
        Performed::Refused { code, result } => (code, result.to_string()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forecast_sends_nothing_and_says_exactly_what_then_happens() {
    let server = Server::answering(|_| answer(201, "location: /in/7\r\n", "{\"id\": 7}"));
    let host = Host::of(open(&server.url()));
    let forecast = host.exact("post", post("in")).await;
    assert_eq!(server.connections(), 0);
    assert_eq!(forecast.verb, "post");
    assert_eq!(forecast.counts, [("bytes of body".to_owned(), 17)].into());
    assert_eq!(forecast.touches, ["http/s/in".parse().unwrap()]);
    assert_eq!(forecast.result, json!({"ok": null}));
    // People read where it goes, what it carries, and whose count the revision is.
    let note = forecast.note.clone().unwrap();
    assert!(note.starts_with(&format!("POST {}/in ", server.url())), "{note}");
    assert!(note.ends_with(", body: {\"title\": \"down\"}"), "{note}");
    assert!(forecast.revision.as_str().ends_with("(counted by this host alone)"));
    let foreseen = forecast.clone();
    let Performed::Done { result, revisions } =
        host.perform("post", post("in"), forecast).await.unwrap()
    else {
        panic!("not done");
    };
    assert_eq!((server.connections(), result), (1, foreseen.result));
    assert_ne!(revisions[&"http/s/in".parse().unwrap()], foreseen.revision);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_wish_foreseen_twice_happens_once() {
    let server = Server::answering(|_| answer(200, "", ""));
    let host = Host::of(open(&server.url()));
    let first = host.exact("post", post("in")).await;
    let second = host.exact("post", post("in")).await;
    let beside = host.exact("post", post("other")).await;
    assert_eq!(first, second);
    host.perform("post", post("in"), first.clone()).await.unwrap();
    let again = host.perform("post", post("in"), second).await.unwrap();
    assert_eq!(refused(again).0, "stale");
    // Also where the host was started anew meanwhile.
    host.perform("post", post("other"), beside).await.unwrap();
    assert_eq!(server.seen().len(), 2);
    // What is below is not as it was either.
    let below = host.exact("delete", json!(["s", "in/7", [], []])).await;
    host.effect("post", post("in")).await.unwrap();
    let gone = host.perform("delete", json!(["s", "in/7", [], []]), below).await.unwrap();
    assert_eq!(refused(gone).0, "stale");
    assert_eq!(server.seen().len(), 3);
}

/// A plan of three on one resource: the revisions that each returns are what the next is expected to find.
#[tokio::test(flavor = "multi_thread")]
async fn effects_of_one_plan_follow_each_other() {
    let server = Server::answering(|_| answer(200, "", ""));
    let host = Host::of(open(&server.url()));
    let mut earlier: Vec<Planned> = Vec::new();
    for path in ["in/1/notes", "in/1", "in/1"] {
        let Ok(Forecasted::Exact(forecast)) = host.forecast("post", post(path), &earlier).await
        else {
            panic!("{path}");
        };
        earlier.push(Planned { call: host.resolve("post", post(path)).unwrap(), forecast });
    }
    let mut known: std::collections::BTreeMap<_, Revision> = Default::default();
    for planned in &earlier {
        let resource = planned.call.resource();
        let mut forecast = planned.forecast.clone();
        // As the tickets of a plan have it.
        forecast.revision = known.get(resource).cloned().unwrap_or(forecast.revision);
        let path = resource.to_string().replace("http/s/", "");
        match host.perform("post", post(&path), forecast).await.unwrap() {
            Performed::Done { revisions, .. } => known.extend(revisions),
            other => panic!("{path}: {other:?}"),
        }
    }
    assert_eq!(server.seen().len(), 3);
    // What was taken away from above has no state to speak of.
    let gone = host.resolve("delete", json!(["s", "in", [], []])).unwrap();
    let forecast = host.exact("delete", json!(["s", "in", [], []])).await;
    let earlier = [Planned { call: gone, forecast }];
    let below = host.forecast("post", post("in/1"), &earlier).await.unwrap();
    assert!(
        matches!(&below, Forecasted::Inexact(why) if why.contains("earlier effect")),
        "{below:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_before_the_first_byte_is_no_effect() {
    let server = Server::answering(|_| answer(200, "", ""));
    let host = Host::of(open(&server.url()));
    let forecast = host.exact("post", post("in")).await;
    let frozen = host
        .perform_while("post", post("in"), forecast.clone(), || Err("stopped".to_owned()))
        .await
        .unwrap();
    assert_eq!(refused(frozen).0, FROZEN);
    assert!(server.seen().is_empty());
    let port = server.port;
    drop(server);
    let nobody = host.perform("post", post("in"), forecast.clone()).await.unwrap();
    let (code, words) = refused(nobody);
    assert!(code == NOT_STARTED && words.contains("connect-failed"), "{words}");
    // It was not counted either: when the server is back, the same forecast still holds.
    let back = Server::at(
        &format!("127.0.0.1:{port}"),
        None,
        Arc::new(|c, _| {
            let _gone = c.write_all(answer(200, "", "").as_bytes());
        }),
    );
    let done = host.perform("post", post("in"), forecast).await.unwrap();
    assert!(matches!(done, Performed::Done { .. }), "{done:?}");
    assert_eq!(back.seen().len(), 1);

    let keyed = Host::of(keyed(&back.url()));
    std::fs::remove_file(keyed.folder.path().join("canary")).unwrap();
    let (code, words) = refused(keyed.effect("post", post("in")).await.unwrap());
    assert!(code == NOT_STARTED && words.contains("no-secret"), "{words}");
    let elsewhere = EndpointSettings {
        private: interlock_providers::http::Private::No,
        ..open("http://localhost:9")
    };
    let (code, words) = refused(Host::of(elsewhere).effect("post", post("in")).await.unwrap());
    assert!(code == NOT_STARTED && words.contains("address-refused"), "{words}");
}

/// INVARIANT AT-MOST-ONCE: sent, and no answer: nobody knows, nobody tries again, and the same forecast is spent.
#[tokio::test(flavor = "multi_thread")]
async fn at_most_once_what_was_sent_and_not_answered_is_unknown() {
    for case in 0..4 {
        let server = Server::serving(move |c, _| match case {
            0 => {}
            1 => std::thread::sleep(Duration::from_secs(2)),
            2 => _ = c.write_all(b"what?"),
            _ => _ = c.write_all(answer(504, "", "").as_bytes()),
        });
        let host =
            Host::of(EndpointSettings { time: Duration::from_millis(500), ..open(&server.url()) });
        let forecast = host.exact("post", post("in")).await;
        let lost = host.perform("post", post("in"), forecast.clone()).await;
        assert!(lost.is_err(), "case {case}: {lost:?}");
        let again = host.perform("post", post("in"), forecast).await.unwrap();
        assert_eq!(refused(again).0, "stale", "case {case}");
        assert_eq!(server.seen().len(), 1, "case {case}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_says_whether_it_was_done() {
    let inside = Server::answering(|_| answer(200, "", ""));
    let to = inside.url();
    let server = Server::answering(move |request| {
        let status = request.split(['/', ' ']).nth(2).unwrap().parse().unwrap();
        answer(status, &format!("location: {to}\r\n"), "because\n\u{1b}[2J")
    });
    let host = Host::of(open(&server.url()));
    for status in [200, 201, 202, 204] {
        let done = host.effect("post", post(&status.to_string())).await.unwrap();
        assert!(matches!(done, Performed::Done { .. }), "{status}: {done:?}");
    }
    for status in [301, 302, 307, 400, 403, 404, 409, 422, 429, 500, 503] {
        let failed = host.effect("post", post(&status.to_string())).await.unwrap();
        let Performed::Failed { result, .. } = failed else { panic!("{status}: {failed:?}") };
        let words = result["err"]["failed"].as_str().unwrap().to_owned();
        assert!(words.starts_with(&format!("status-{status}: ")), "{words}");
        assert!(words.contains("because\\n\\u{1b}[2J"), "{words}");
    }
    assert_eq!(inside.connections(), 0);
    // An answer without an end: what its status says holds.
    let server = Server::serving(|c, _| {
        let _gone = c.write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 100\r\n\r\nsome");
    });
    let done = Host::of(open(&server.url())).effect("post", post("in")).await.unwrap();
    assert!(matches!(done, Performed::Done { .. }), "{done:?}");
}

/// A server with one document, which compares ETags as RFC 9110 says.
fn tagged(document: Arc<Mutex<Option<u32>>>) -> Server {
    Server::answering(move |request| {
        let mut document = document.lock().unwrap();
        let etag = document.map(|n| format!("\"v{n}\""));
        let line =
            |name: &str| request.lines().find_map(|l| l.strip_prefix(name)).map(str::to_owned);
        let met = match (line("if-match: "), line("if-none-match: ")) {
            (Some(tag), _) => etag == Some(tag),
            (None, Some(_)) => etag.is_none(),
            (None, None) => true,
        };
        match (request.split(' ').next().unwrap(), met, &etag) {
            (_, false, _) => answer(412, "", ""),
            ("GET", _, None) | ("DELETE", _, None) => answer(404, "", ""),
            ("GET", _, Some(etag)) => answer(200, &format!("etag: {etag}\r\n"), "a document"),
            ("DELETE", ..) => {
                *document = None;
                answer(204, "", "")
            }
            _ => {
                let next = document.unwrap_or(0) + 1;
                *document = Some(next);
                answer(200, &format!("etag: \"v{next}\"\r\n"), "")
            }
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn with_etags_the_server_itself_refuses_what_has_moved() {
    let document = Arc::new(Mutex::new(Some(1)));
    let server = tagged(document.clone());
    let etags = |url: &str| EndpointSettings { revisions: Revisions::Etag, ..open(url) };
    let host = Host::of(etags(&server.url()));
    let put = || post("doc");
    let delete = || json!(["s", "doc", [], []]);

    let forecast = host.exact("put", put()).await;
    assert_eq!(forecast.revision.as_str(), "etag \"v1\"");
    // Somebody else changes it.
    *document.lock().unwrap() = Some(7);
    let moved = host.perform("put", put(), forecast).await.unwrap();
    assert_eq!(refused(moved).0, "stale");
    assert_eq!(*document.lock().unwrap(), Some(7));

    let forecast = host.exact("put", put()).await;
    let Performed::Done { revisions, .. } = host.perform("put", put(), forecast).await.unwrap()
    else {
        panic!("not done");
    };
    assert_eq!(revisions[&"http/s/doc".parse().unwrap()].as_str(), "etag \"v8\"");

    host.effect("delete", delete()).await.unwrap();
    assert_eq!(*document.lock().unwrap(), None);
    let nothing = host.forecast("delete", delete(), &[]).await.unwrap();
    assert!(
        matches!(&nothing, Forecasted::NoEffect(a) if a.to_string().contains("status-404")),
        "{nothing:?}"
    );
    // To make what is not there is a condition too.
    let forecast = host.exact("put", put()).await;
    assert_eq!(forecast.revision.as_str(), "absent");
    *document.lock().unwrap() = Some(1);
    let there = host.perform("put", put(), forecast).await.unwrap();
    assert_eq!(refused(there).0, "stale");
    // A second effect on it in one plan: its state is the server's to make.
    let forecast = host.exact("put", put()).await;
    let earlier = [Planned { call: host.resolve("put", put()).unwrap(), forecast }];
    let second = host.forecast("put", put(), &earlier).await.unwrap();
    assert!(matches!(second, Forecasted::Inexact(_)), "{second:?}");
    // Nor is what an ETag tells of it the count that a POST is compared with: neither there nor above.
    let below = json!(["s", "doc/part", [], [], null]);
    for (path, put) in [("doc", put()), ("doc", below)] {
        let forecast = host.exact("put", put.clone()).await;
        let earlier = [Planned { call: host.resolve("put", put).unwrap(), forecast }];
        let after = host.forecast("post", post(path), &earlier).await.unwrap();
        assert!(matches!(after, Forecasted::Inexact(_)), "{after:?}");
        let beside = host.forecast("post", post("beside"), &earlier).await.unwrap();
        assert!(matches!(beside, Forecasted::Exact(_)), "{beside:?}");
    }
    let forecast = host.exact("post", post("doc")).await;
    let earlier = [Planned { call: host.resolve("post", post("doc")).unwrap(), forecast }];
    let again = host.forecast("post", post("doc"), &earlier).await.unwrap();
    assert!(matches!(again, Forecasted::Exact(_)), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_strong_etag_there_is_no_forecast() {
    for headers in ["", "etag: W/\"1\"\r\n", "etag: 1\r\n", "etag: \"a\"b\"\r\n", "etag: \"\"\r\n"]
    {
        let server = Server::answering(move |_| answer(200, headers, ""));
        let settings = EndpointSettings { revisions: Revisions::Etag, ..open(&server.url()) };
        let host = Host::of(settings);
        let said = host.forecast("put", post("doc"), &[]).await.unwrap();
        assert!(matches!(said, Forecasted::Inexact(_)), "{headers}: {said:?}");
        // What is made by a POST has no state before.
        host.exact("post", post("docs")).await;
    }
}

/// Where an endpoint's counts are full, an effect on something new makes another be forgotten: a plan of two such could be
/// done by half.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_ends_before_an_effect_whose_count_it_makes_be_forgotten() {
    let server = Server::answering(|_| answer(200, "", ""));
    let host = Host::of(open(&server.url()));
    host.effect("post", post("0")).await.unwrap();
    let first = host.exact("post", post("new")).await;
    let earlier = [Planned { call: host.resolve("post", post("new")).unwrap(), forecast: first }];
    let other = async || host.forecast("post", post("other"), &earlier).await.unwrap();
    assert!(matches!(other().await, Forecasted::Exact(_)));
    let file = host.folder.path().join("http/s.json");
    let mut state: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    for n in 1..1024 {
        state["effects"][format!("http/s/{n}")] = json!(n + 1);
    }
    state["number"] = json!(1024);
    std::fs::write(&file, state.to_string()).unwrap();
    let full = other().await;
    assert!(matches!(&full, Forecasted::Inexact(why) if why.contains("last changed")), "{full:?}");
    // What was changed lately is not forgotten.
    let lately = host.forecast("post", post("1023"), &earlier).await.unwrap();
    assert!(matches!(lately, Forecasted::Exact(_)), "{lately:?}");
}
