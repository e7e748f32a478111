//! How much a run may ask of its host, who is asked at all, and what is left of a run when it is over.

use super::{ALL, code, comes, evict, moody};
use crate::fixture::{Mood, authorized, call, scene, scene_of, scene_until, source};
use interlock::{
    authority::{Catalogue, Digest, Mode, catalogue::CatalogueSource, epoch::Epoch},
    gate::Ended,
    journal::LogSigner,
    record::{Event, EventBody, Journal, Record, Recorder, space},
    response::EffectStatus,
    sandbox::{Gate, GateAnswer, GuestCall},
    seal::Seal,
    store::{Durability, Store},
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

fn stats() -> GuestCall {
    call("look", "stats", &["a"])
}

/// The answer counts like the arguments, and the last byte that is allowed is allowed.
#[tokio::test]
async fn bytes_are_counted_both_ways_and_to_the_last() {
    let answer = r#"{"ok":"fine"}"#.len() as u64;
    let of = |bytes| GuestCall { bytes, ..stats() };
    let full = scene(Mode::Call, ALL, "cache/a");
    assert_eq!(code(&full, of(4096 - answer)).await, "ok");
    assert_eq!(code(&full, of(0)).await, "host-bytes");
    let over = scene(Mode::Call, ALL, "cache/a");
    let GateAnswer::End { code: ended, limit, .. } = over.gate.call(of(4097 - answer)).await else {
        panic!("it goes on");
    };
    assert_eq!((&*ended, limit), ("host-bytes", true));
    assert_eq!(over.cache.count("read"), 1);
    // No count runs over and begins again.
    let most = scene(Mode::Call, ALL, "cache/a");
    for bytes in [u64::MAX, 2] {
        assert_eq!(code(&most, of(bytes)).await, "host-bytes");
    }
    assert_eq!(most.cache.count("read"), 0);
}

/// A run that is denied more than a caller reads: so many reasons, and all in the record.
#[tokio::test]
async fn denials_are_told_once_each_and_not_without_end() {
    let scene = scene_of(authorized(Mode::Call, ALL, "cache/a"), |parts| parts.host_calls = 1000);
    for n in 0..200 {
        let call = GuestCall { bytes: 0, ..call("look", "stats", &[&format!("other-{n}")]) };
        assert_eq!(code(&scene, call.clone()).await, "outside-grant");
        assert_eq!(code(&scene, call).await, "outside-grant");
    }
    let mut log = scene.gate.log();
    assert_eq!(log.denied.len(), 100);
    assert!(log.denied.iter().all(|denied| denied.count == 2));
    assert_eq!(log.transcript.take().0.len(), 200);
}

/// Denials that differ in the interface alone, or in the function alone, are two.
#[tokio::test]
async fn denials_are_counted_together_where_they_are_of_one_function() {
    let scene = scene_of(authorized(Mode::Call, &["look"], "cache/a"), |parts| {
        let CatalogueSource { file, text, wit } = source();
        let more = r#"
            [interface."acme:cache/tune@1.0.0".function.purge]
            class = "change"
            resource = "cache/{cluster}"
            [interface."acme:cache/again@1.0.0"]
            provider = "cache"
            [interface."acme:cache/again@1.0.0".function.purge]
            class = "change"
            resource = "cache/{cluster}"
        "#;
        let purge = "purge: func(cluster: string) -> result<_, string>;";
        let words = wit[0].1.replace("  evict:", &format!("  {purge}\n  evict:"));
        let words = format!("{words}interface again {{ {purge} }}\n");
        let source =
            CatalogueSource { file, text: text + more, wit: vec![(wit[0].0.clone(), words)] };
        parts.catalogue = Catalogue::load(&[source]).unwrap().into();
    });
    let purge = |interface| call(interface, "purge", &["a"]);
    for call in [purge("tune"), purge("again"), evict(), purge("tune"), purge("tune")] {
        assert_eq!(code(&scene, call).await, "function-not-granted");
    }
    let denied = scene.gate.log().denied;
    let told: Vec<_> = denied.iter().map(|d| (d.function.as_str(), d.count)).collect();
    assert_eq!(told, [("purge", 3), ("purge", 1), ("evict", 1)]);
    assert_eq!(denied[0].message, denied[2].message);
}

#[tokio::test]
async fn a_call_that_would_have_no_effect_has_its_answer_and_is_none() {
    for mode in [Mode::Call, Mode::Plan] {
        let scene = moody(mode, Mood::Idle);
        let answer = GateAnswer::Result(json!({"err": {"failed": "no such key"}}));
        assert_eq!(scene.gate.call(evict()).await, answer);
        assert_eq!(*scene.cache.seen.lock().unwrap(), ["forecast"]);
        let log = scene.gate.log();
        assert_eq!((log.effects.len(), log.planned().len()), (0, 0));
    }
}

/// What the record says of a run that plans: each read and each planned effect with its place.
#[tokio::test]
async fn a_run_leaves_word_of_its_reads_and_of_each_effect_that_it_planned() {
    let scene = scene(Mode::Plan, ALL, "cache");
    let calls = [
        stats(),
        call("tune", "evict", &["b", "k"]),
        call("tune", "evict", &["c", "k"]),
        call("look", "stats", &["b"]),
    ];
    let mut codes = Vec::new();
    for call in calls {
        codes.push(code(&scene, call).await);
    }
    assert_eq!(codes, ["ok", "ok", "ok", "horizon"]);
    let (steps, _) = scene.gate.log().transcript.take();
    let told: Vec<Value> = steps
        .iter()
        .map(|step| serde_json::to_value(step).unwrap())
        .map(|step| json!([step["what"], step["function"], step["resource"], step["step"]]))
        .collect();
    let expected = [
        json!(["read", "stats", "cache/a", null]),
        json!(["planned", "evict", "cache/b/key/k", 1]),
        json!(["planned", "evict", "cache/c/key/k", 2]),
    ];
    assert_eq!(told, expected);
}

/// Whose a resource is, is said by the host: it is filled in for the plugin that calls.
#[tokio::test]
async fn class_by_host_a_resource_of_plugins_is_that_of_the_one_that_calls() {
    for (granted, expected) in [("cache/cachebox", "ok"), ("cache/other", "outside-grant")] {
        let scene = scene_of(authorized(Mode::Call, &["look"], granted), |parts| {
            let CatalogueSource { file, text, wit } = source();
            let text = text.replacen("cache/{cluster}", "cache/{@plugin}/{cluster}", 1);
            parts.catalogue =
                Catalogue::load(&[CatalogueSource { file, text, wit }]).unwrap().into();
        });
        assert_eq!(code(&scene, stats()).await, expected);
    }
}

/// What is granted and permitted, and nobody serves it.
#[tokio::test]
async fn fail_closed_a_capability_without_a_provider_has_no_answer() {
    let scene = scene_of(authorized(Mode::Call, ALL, "cache/a"), |parts| {
        let CatalogueSource { file, text, wit } = source();
        let text = text.replace("provider = \"cache\"", "provider = \"gone\"");
        parts.catalogue = Catalogue::load(&[CatalogueSource { file, text, wit }]).unwrap().into();
    });
    assert_eq!(code(&scene, stats()).await, "host-fault");
    assert_eq!(code(&scene, evict()).await, "host-fault");
    assert_eq!(*scene.cache.seen.lock().unwrap(), [""; 0]);
}

/// Rules that cannot be read are in force nowhere: nobody is asked what an effect would do, and reading goes on.
#[tokio::test]
async fn fail_closed_rules_that_were_sealed_and_are_not_those_stop_effects_and_not_reads() {
    let folder = tempfile::tempdir().unwrap();
    let signer = LogSigner::from_seed("example/log", &[7; 32]).unwrap();
    let file = folder.path().join("journal.db");
    let store = Store::open(&file, signer, Durability::Full, Arc::new(|| 1000)).unwrap();
    let journal = Journal::new(store, Vec::new());
    let digest = Digest::from_bytes([1; 32]);
    let epoch = Epoch { policies: digest, catalogues: digest, approvers: digest };
    let scene = scene_of(authorized(Mode::Call, ALL, "cache/a"), |parts| {
        parts.seal = Seal::of(journal.clone(), epoch);
    });
    assert_eq!(code(&scene, evict()).await, "ok");
    let no_rules = Record::of(Event::alone(EventBody::Thaw)).mark(space::EPOCH, "rules");
    journal.write(no_rules).await.unwrap();
    scene.cache.seen.lock().unwrap().clear();
    assert_eq!(code(&scene, evict()).await, "seal-broken");
    assert_eq!(*scene.cache.seen.lock().unwrap(), [""; 0]);
    assert_eq!(code(&scene, stats()).await, "ok");
}

/// Nothing of a provider is held by a call that nobody waits for: past the deadline, or given up.
#[tokio::test]
async fn a_call_that_nobody_waits_for_any_more_is_over() {
    for given_up in [false, true] {
        let scene = moody(Mode::Call, Mood::Hangs);
        let held = Arc::strong_count(&scene.cache);
        let call = scene.gate.call(stats());
        if given_up {
            assert!(tokio::time::timeout(Duration::from_millis(100), call).await.is_err());
        } else {
            assert!(matches!(call.await, GateAnswer::End { limit: true, .. }));
        }
        assert_eq!(scene.cache.count("read"), 1);
        comes("the end of the call", || Arc::strong_count(&scene.cache) == held).await;
    }
}

/// Whoever reads how a run ended reads why it ended, not what came of it.
#[tokio::test]
async fn the_first_end_of_a_run_is_its_end() {
    let scene = moody(Mode::Call, Mood::Vague);
    assert_eq!(code(&scene, evict()).await, "inexact");
    *scene.cache.mood.lock().unwrap() = Mood::Well;
    // Whatever asks on: nothing is read, decided or done for it any more.
    for more in [stats(), evict(), call("look", "nothing", &[])] {
        assert_eq!(code(&scene, more).await, "inexact");
    }
    assert_eq!((scene.cache.count("read"), scene.cache.count("perform")), (0, 0));
    let ended = scene.gate.log().ended;
    assert!(matches!(&ended, Some(Ended::Inexact(why)) if why.contains("it depends")), "{ended:?}");
}

/// Of the effects of a run only the one that is under way is unknown, and its host does not wait for it for ever.
#[tokio::test]
async fn at_most_once_an_effect_under_way_is_told_by_its_name_and_is_waited_for() {
    let scene = scene_until(Mode::Call, ALL, "cache/a", Duration::from_millis(1500));
    assert_eq!(code(&scene, call("tune", "evict", &["a", "first"])).await, "ok");
    *scene.cache.mood.lock().unwrap() = Mood::Slow;
    let GateAnswer::End { code: ended, message, limit } = scene.gate.call(evict()).await else {
        panic!("it goes on");
    };
    assert_eq!((&*ended, limit), ("unknown", false));
    assert!(message.contains("cache/a/key/k"), "{message}");
    let statuses = || -> Vec<EffectStatus> {
        scene.gate.log().effects.iter().map(|effect| effect.status).collect()
    };
    assert_eq!(statuses(), [EffectStatus::Done, EffectStatus::Unknown]);
    assert!(!scene.tasks.drained(Duration::from_millis(50)).await);
    assert_eq!(scene.tasks.under_way(), 1);
    assert!(scene.tasks.drained(Duration::from_secs(30)).await);
    assert_eq!(statuses(), [EffectStatus::Done, EffectStatus::Done]);
    assert_eq!(scene.tasks.under_way(), 0);
}
