//! Where a request may go: the corpus, and names that lead inside.

use super::{
    harness::{Host, Told, corpus, open, text},
    server::{Server, answer},
};
use interlock_providers::http::{Endpoint, EndpointSettings, Kind, Place, Private};
use proptest::prelude::*;
use serde_json::json;
use std::sync::Arc;

#[test]
fn each_address_of_the_corpus_is_what_it_is_for() {
    let rows = corpus("addresses");
    assert!(rows.len() >= 100, "{} rows", rows.len());
    for row in &rows {
        let address = text(row, "address").parse().unwrap();
        let kind = Kind::of(address);
        assert_eq!(kind.as_str(), text(row, "kind"), "{row}");
        // Nothing but the public is reached where nobody said otherwise.
        assert_eq!(Private::No.allows(address), kind == Kind::Public, "{row}");
    }
}

#[test]
fn each_url_of_the_corpus_has_one_reading_or_none() {
    let rows = corpus("urls");
    assert!(rows.len() >= 120, "{} rows", rows.len());
    let mut wrong = Vec::new();
    for row in &rows {
        let said = Place::parse(text(row, "url"));
        let holds = match (&said, text(row, "says")) {
            (Ok(place), "ok") => place.authority() == text(row, "authority"),
            (Err(why), says) => why.code() == says,
            (Ok(_), _) => false,
        };
        if !holds {
            wrong.push(format!("{row}: {said:?}"));
        }
        // An endpoint has no other way to a URL.
        let endpoint = Endpoint::new(EndpointSettings::at(text(row, "url")));
        assert!(said.is_ok() || endpoint.is_err_and(|bad| bad.key == "url"), "{row}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

proptest! {
    /// What was read says itself again in the same bytes, but for the parts that may be left out.
    #[test]
    fn a_url_that_was_read_reads_the_same_again(
        url in "https?://[a-c0-9.:@/\\[\\]\\\\%_\u{3002}-]{0,24}",
        any in ".{0,40}",
    ) {
        for text in [url, format!("https://{any}"), any] {
            let Ok(place) = Place::parse(&text) else { continue };
            prop_assert!(text.is_ascii() && !text.contains(['\\', '%', '?', '#']), "{}", text);
            // Behind the first slash it is a letter like another: it parts nobody from a host.
            prop_assert!(!place.authority().contains('@'), "{}", text);
            let (before, _) = text.split_once('@').unwrap_or((&text, ""));
            prop_assert!(before.len() == text.len() || before.matches('/').count() > 2, "{}", text);
            prop_assert_eq!(&Place::parse(&place.to_string()), &Ok(place.clone()));
            let own = if place.tls { 443 } else { 80 };
            let port = [format!(":{own}"), String::new()];
            let host = place.to_string();
            let same = port.iter().any(|port| {
                let authority = place.authority();
                let whole = host.replacen(&authority, &format!("{authority}{port}"), 1);
                text == whole || text == format!("{whole}/")
            });
            prop_assert!(same, "{} is not {}", text, host);
        }
    }
}

#[test]
fn an_address_in_a_url_is_judged_when_the_host_starts() {
    for url in ["http://127.0.0.1", "http://169.254.169.254", "http://[::1]", "http://[fe80::1]"] {
        let bad = Endpoint::new(EndpointSettings::at(url)).unwrap_err();
        assert_eq!((bad.key, bad.code), ("private", "address-refused"), "{url}");
    }
    assert!(Endpoint::new(EndpointSettings::at("http://1.1.1.1")).is_ok());
}

/// Everything but the public, behind a name: whatever a name server says, nobody inside hears of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_leads_inside_leads_nowhere() {
    let inside = Server::answering(|_| answer(200, "", "inside"));
    for row in corpus("addresses").iter().filter(|row| row["kind"] != "public") {
        let resolver = Told::new(&[&[text(row, "address")]]);
        let mut settings = open(&format!("http://name.example:{}", inside.port));
        settings.private = Private::No;
        let host = Host::with(settings, resolver.clone(), false);
        assert_eq!(host.code("get", json!(["s", "a", [], []])).await, "address-refused", "{row}");
        assert_eq!(resolver.asked(), ["name.example"]);
    }
    assert_eq!(inside.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_address_among_good_ones_is_a_reason_to_go_to_none() {
    let good = Server::answering(|_| answer(200, "", "good"));
    let mut settings = open(&format!("http://name.example:{}", good.port));
    settings.private = Private::Listed(vec!["127.0.0.1".parse().unwrap()]);
    for answers in [["127.0.0.1", "127.0.0.2"], ["127.0.0.2", "127.0.0.1"], ["127.0.0.1", "::1"]] {
        let host = Host::with(settings.clone(), Told::new(&[&answers]), false);
        assert_eq!(host.code("get", json!(["s", "a", [], []])).await, "address-refused");
    }
    assert_eq!(good.connections(), 0);
    let host = Host::with(settings, Told::new(&[&["127.0.0.1"]]), false);
    assert_eq!(host.get("a").await["ok"]["content"]["text"], "good");
}

/// DNS rebinding: a name whose answers take turns. Reads and effects ask once each, and go where they looked.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_leads_elsewhere_each_time_never_leads_inside() {
    let good = Server::at(
        "127.0.0.2:0",
        None,
        Arc::new(|c, _| {
            let _gone = c.write_all(answer(200, "", "good").as_bytes());
        }),
    );
    let address = format!("127.0.0.1:{}", good.port);
    let inside = Server::at(
        &address,
        None,
        Arc::new(|c, _| {
            let _gone = c.write_all(answer(200, "", "inside").as_bytes());
        }),
    );
    let resolver = Told::new(&[&["127.0.0.2"], &["127.0.0.1"]]);
    let mut settings = open(&format!("http://name.example:{}", good.port));
    settings.private = Private::Listed(vec!["127.0.0.2".parse().unwrap()]);
    let host = Host::with(settings, resolver.clone(), false);
    for turn in 0..20 {
        let code = host.code("get", json!(["s", "a", [], []])).await;
        assert_eq!(code, if turn % 2 == 0 { "status 200" } else { "address-refused" });
    }
    for _ in 0..10 {
        let arguments = json!(["s", "a", [], [], null]);
        let _either = host.effect("post", arguments).await.unwrap();
    }
    assert_eq!(resolver.asked().len(), 30, "one question for each connection");
    assert_eq!((good.connections(), inside.connections()), (15, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_address_leaves_time_for_the_next() {
    let server = Server::answering(|_| answer(200, "", "second"));
    // Nobody listens on the first.
    let resolver = Told::new(&[&["127.0.0.3", "127.0.0.1"]]);
    let host = Host::with(open(&format!("http://name.example:{}", server.port)), resolver, false);
    assert_eq!(host.get("a").await["ok"]["content"]["text"], "second");
    let nowhere = Host::with(open("http://name.example:1"), Told::new(&[&[]]), false);
    assert_eq!(nowhere.code("get", json!(["s", "a", [], []])).await, "name-not-found");
}
