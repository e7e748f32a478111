//! The inputs of the corpora that nobody can write by hand, because they are signed, or are the canonical bytes of
//! something: `INTERLOCK_UPDATE_SEEDS=1 cargo test -p interlock-tests --test all seeds` writes them.

use crate::{journal, must, people, statements};
use interlock::{
    authority::{Digest, canonical, request::RequestBody},
    record::{Answer, Asked, End, RecordedCall, Recording},
    sandbox::Limits,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Target, name and bytes of each.
pub fn all() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let mut all = Vec::new();
    for (name, wish) in [("plan", plan()), ("elevation", elevation()), ("epoch", epoch())] {
        all.push(("approval_document", name, request(wish)));
    }
    all.push(("checkpoint", "head", journal::head().into_bytes()));
    all.push(("checkpoint", "key", journal::key().into_bytes()));
    all.push(("dsse", "signed", statements::signed()));
    all.push(("dsse", "other", statements::signed_by_another()));
    all.push(("recording", "run", recording()));
    all.push(("roster", "one", people::SIGNER.as_bytes().to_vec()));
    all.push(("sshsig", "signature", people::SIGNATURE.as_bytes().to_vec()));
    all
}

fn request(wish: Value) -> Vec<u8> {
    let ones = Digest::from_bytes([1; 32]);
    let body = json!({
        "version": 1, "id": "01JD8Z5T3K9QW2M4X6Y8A0B1C2", "deployment": "5f0c9a1e77d24b60b8e1c4d3a2f19e05",
        "host": "prod", "nonce": "0".repeat(32), "created": 1_790_000_000, "expires": 1_790_001_800,
        "asker": {"principal": "Agent::bot", "teams": ["sre"], "operators": ["op@example.com"]},
        "epoch": {"policies": ones, "catalogues": ones, "approvers": ones}, "grants": ones,
        "needs": {"people": {"": 1, "leads": 2}, "ttl": 1800}, "not_counted": ["op@example.com (operates the asker)"],
        "said": "it is late\n\u{202e}END", "wish": wish,
    });
    let body: RequestBody = must(serde_json::from_value(body), "a request");
    must(body.canonical(), "its bytes")
}

fn plugin() -> Value {
    json!({"name": "tidy", "digest": Digest::from_bytes([7; 32]), "publisher": "pub@example.com"})
}

fn plan() -> Value {
    let effect = |step: u64, class: &str, scope: &str| {
        json!({
            "step": step, "interface": "a:b/c@1.0.0", "function": "set", "class": class, "scope": scope,
            "resource": "x/k", "arguments": {"key": "k", "n": 4, "long": "y".repeat(200)},
            "forecast": {
                "verb": "set", "counts": {"stops": 3}, "touches": ["x/k", "x/k/below"], "revision": "r1",
                "result": {"ok": null}, "note": "a note",
            },
        })
    };
    json!({"kind": "plan", "plan": {
        "principal": "Agent::bot", "plugin": plugin(), "tool": "clean", "arguments": {"deep": [1.5, null, "é"]},
        "effects": [effect(1, "change", "self"), effect(2, "destroy", "subtree")],
        "end": {"end": "horizon", "reason": "a read of x/k, which step 1 changes"}, "clock_base": 1, "seed": "0".repeat(64),
    }})
}

fn elevation() -> Value {
    json!({"kind": "elevation", "elevation": {
        "plugin": plugin(), "functions": {"a:b/c@1.0.0": ["set"]}, "resources": ["x/k"], "effects": 3, "seconds": 600,
        "adds": ["a:b/c@1.0.0 set on x/k"],
    }})
}

fn epoch() -> Value {
    let digest = |byte: u8| Digest::from_bytes([byte; 32]);
    let epoch =
        |byte| json!({"policies": digest(byte), "catalogues": digest(1), "approvers": digest(1)});
    json!({"kind": "epoch", "from": epoch(1), "to": epoch(2), "changes": ["- permit (principal, action, resource);", "+"]})
}

fn recording() -> Vec<u8> {
    let asked = |argument: Value, malformed: Option<&str>| Asked {
        interface: must("a:b/c@1.0.0".parse(), "a name"),
        function: "set".into(),
        arguments: vec![argument],
        malformed: malformed.map(str::to_owned),
    };
    let answers = [
        Answer::Result(json!({"ok": [1, 2.5, "x"]})),
        Answer::Denied { code: "withheld".into(), sentence: "it is withheld".into() },
        Answer::Ended { code: "deadline".into(), message: "too late".into(), limit: true },
    ];
    let calls = answers.map(|answer| RecordedCall { asked: asked(json!("k"), None), answer });
    let recording = Recording {
        host: "0.1.0".into(),
        mode: interlock::authority::Mode::Call,
        principal: must("Agent::bot".parse(), "a principal"),
        plugin: "tidy".into(),
        digest: Digest::from_bytes([7; 32]),
        tool: "clean".into(),
        arguments: json!({"x": 1e-7}),
        clock_base: 1,
        seed: "0".repeat(64),
        links: BTreeMap::new(),
        limits: Limits::default(),
        calls: calls.into(),
        end: End {
            outcome: json!({"outcome": "success", "output": {"done": true}}),
            fuel: Some(12),
            log: canonical::digest_bytes("x", b""),
            withheld: 0,
        },
    };
    must(serde_json::to_vec(&recording), "a recording")
}
