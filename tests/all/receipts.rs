//! Receipts with the real binary: a call hands one over, anybody verifies it with a key and nothing else, and a
//! changed one is refused by name.

use std::fs;

use anyhow::{Context, Result, ensure};
use interlock_tests::{Deployment, staged_plugin};
use serde_json::Value;

use crate::desk::Desk;
use crate::journeys::{AGENT, OBSERVE};

const REMEDIATE: &str = "interlock:environment/remediate@0.1.0=environment/prod";
const API: &str = r#"{"environment":"prod","service":"api"}"#;

/// The keys that `journal verify` prints: the log's, and the one of statements.
fn keys(deployment: &Deployment) -> Result<[String; 2]> {
    let told = deployment.run(&["journal", "verify", "--json"])?.exit(0)?.json()?;
    let key = |name: &str| {
        let key = told.get(name).and_then(Value::as_str);
        key.map(str::to_owned).context("no key")
    };
    Ok([key("key")?, key("statement_key")?])
}

/// Away from the deployment, where there is no configuration.
fn offline(file: &Value) -> Result<(Deployment, String)> {
    let elsewhere = Deployment::empty()?;
    let path = elsewhere.write("receipt.json", serde_json::to_vec(file)?)?.display().to_string();
    Ok((elsewhere, path))
}

#[test]
fn a_receipt_is_verified_offline_with_the_statement_key_alone() -> Result<()> {
    let deployment = Deployment::with_sample()?;
    deployment
        .install(&staged_plugin("fix_service")?, "fix-service", &[OBSERVE, REMEDIATE])?
        .exit(0)?;
    deployment.run(&["sample", "break"])?.exit(0)?;
    let words = ["call", "fix-service.heal", API, "--as", AGENT, "--json"];
    let answer = deployment.run(&words)?.exit(0)?.json()?;
    let [log, key] = keys(&deployment)?;
    let (elsewhere, receipt) = offline(&answer["receipt"])?;

    let words = ["journal", "verify", &receipt, "--key", &key];
    let said = elsewhere.run(&words)?.exit(0)?;
    said.says(&[
        "verified",
        "oncall-bot",
        "fix-service.heal",
        "rollback-config",
        "restart-service",
        "solo off",
    ])?;
    let told = elsewhere.run(&[&words[..], &["--json"]].concat())?.exit(0)?.json()?;
    let (statement, predicate) = (&told["statement"], &told["statement"]["predicate"]);
    ensure!(statement["_type"] == "https://in-toto.io/Statement/v1", "{statement}");
    ensure!(statement["predicateType"] == "urn:interlock:receipt:v1", "{statement}");
    ensure!(statement["subject"][0]["name"] == "fix-service", "{statement}");
    ensure!(predicate["invocation"] == answer["invocation"], "{predicate}");
    ensure!(predicate["end"] == "done" && predicate["mode"] == "direct", "{predicate}");
    ensure!(predicate["absent"][0] == "interlock:environment/teardown@0.1.0", "{predicate}");
    let effects = predicate["effects"].as_array().context("no effects")?;
    let happened = answer["happened"].as_array().context("nothing happened")?;
    ensure!(effects.len() == happened.len() && !effects.is_empty(), "{predicate}");
    for (effect, happened) in effects.iter().zip(happened) {
        for field in ["step", "interface", "function", "class", "resource", "status"] {
            ensure!(effect[field] == happened[field], "{field}: {effect} {happened}");
        }
    }

    // With the configuration at hand no key is needed, and what was signed later says the same.
    deployment.run(&["journal", "verify", &receipt])?.exit(0)?;
    let id = answer["invocation"].as_str().context("no invocation")?;
    let later = deployment.run(&["journal", "show", id, "--receipt"])?.exit(0)?;
    let later = deployment.write("later.json", &later.stdout)?.display().to_string();
    let told = deployment.run(&["journal", "verify", &later, "--json"])?.exit(0)?.json()?;
    ensure!(told["statement"]["predicate"]["effects"] == predicate["effects"], "{told}");

    // A person is told where it is, and no more.
    let human = deployment.run(&["call", "fix-service.diagnose", API, "--as", AGENT])?.exit(0)?;
    ensure!(human.stderr.contains("journal show") && !human.stdout.contains("payload"), "{human}");

    // Keys of the other role, and of another deployment.
    let words = ["journal", "verify", &receipt, "--key", &log];
    elsewhere.run(&words)?.exit(2)?.says(&["statement key"])?;
    let other = Deployment::init()?;
    let [_, foreign] = keys(&other)?;
    let words = ["journal", "verify", &receipt, "--key", &foreign, "--json"];
    ensure!(elsewhere.run(&words)?.exit(6)?.json()?["code"] == "statement-not-signed");
    elsewhere.run(&["journal", "verify", &receipt])?.exit(2)?;

    // What has no receipt.
    deployment.run(&["journal", "show", "0", "--receipt"])?.exit(2)?.says(&["no invocation"])?;
    Ok(())
}

#[test]
fn a_changed_receipt_is_refused_by_name() -> Result<()> {
    let deployment = Deployment::with_sample()?;
    deployment
        .install(&staged_plugin("fix_service")?, "fix-service", &[OBSERVE, REMEDIATE])?
        .exit(0)?;
    let words = ["call", "fix-service.heal", API, "--as", AGENT, "--json"];
    let receipt = deployment.run(&words)?.exit(0)?.json()?["receipt"].clone();
    let [_, key] = keys(&deployment)?;
    let elsewhere = Deployment::empty()?;
    let refused = |bytes: &[u8], code: &str| -> Result<()> {
        let file = elsewhere.write("receipt.json", bytes)?.display().to_string();
        let ran = elsewhere.run(&["journal", "verify", &file, "--key", &key, "--json"])?;
        let told = ran.exit(6)?.json()?;
        ensure!(told["code"] == code, "expected `{code}`: {told}");
        let message = told["message"].as_str().unwrap_or_default();
        ensure!(message.contains("not to be believed"), "{message}");
        Ok(())
    };
    let edited = |field: &str, value: Value| {
        let mut edited = receipt.clone();
        edited[field] = value;
        edited.to_string().into_bytes()
    };
    let payload = receipt["payload"].as_str().context("no payload")?;
    let swapped = payload.replacen('A', "B", 1);
    ensure!(swapped != payload);
    refused(&edited("payload", swapped.into()), "statement-not-signed")?;
    refused(&edited("payload", "%".into()), "not-an-envelope")?;
    refused(&edited("payloadType", "application/json".into()), "other-statement")?;
    refused(&edited("signatures", Value::Array(Vec::new())), "not-an-envelope")?;
    refused(&edited("more", Value::Null), "not-an-envelope")?;
    let whole = receipt.to_string();
    refused(whole.get(..whole.len() / 2).unwrap_or_default().as_bytes(), "not-an-envelope")?;

    // Neither a receipt nor an export.
    let file = elsewhere.write("x", "-----BEGIN SSH SIGNATURE-----\n")?.display().to_string();
    let [log, _] = keys(&deployment)?;
    let ran = elsewhere.run(&["journal", "verify", &file, "--key", &log, "--json"])?;
    ensure!(ran.exit(6)?.json()?["code"] == "export-broken");
    Ok(())
}

#[test]
fn journal_tells_whether_an_export_bears_a_receipt_out() -> Result<()> {
    let desk = Desk::rebuild()?;
    let deployment = &desk.deployment;
    let early = deployment.path().join("early.tar").display().to_string();
    let request = desk.approved()?;
    deployment.run(&["journal", "export", &early])?.exit(0)?;
    let answer = desk.call(&["--request", &request])?.exit(0)?.json()?;
    let export = deployment.path().join("export.tar").display().to_string();
    deployment.run(&["journal", "export", &export])?.exit(0)?;
    let [log, key] = keys(deployment)?;
    let (elsewhere, receipt) = offline(&answer["receipt"])?;

    // The log's key alone: the log names the key of statements.
    let words = ["journal", "verify", &export, "--receipt", &receipt, "--key", &log];
    let said = elsewhere.run(&words)?.exit(0)?;
    said.says(&["verified", "say the same", "destroy", &request, "amira", "li@", "SHA256:"])?;
    let told = elsewhere.run(&[&words[..], &["--json"]].concat())?.exit(0)?.json()?;
    ensure!(told["statement_key"] == key.as_str(), "{told}");
    let predicate = &told["statement"]["predicate"];
    ensure!(predicate["mode"] == "applied", "{predicate}");
    ensure!(predicate["approval"]["request"] == request.as_str(), "{predicate}");
    ensure!(predicate["approval"]["people"][1]["presence"].is_null(), "{predicate}");
    ensure!(predicate["effects"][0]["class"] == "destroy", "{predicate}");
    // Both keys, and the configuration.
    elsewhere.run(&[&words[..], &["--key", &key]].concat())?.exit(0)?;
    deployment.run(&["journal", "verify", &export, "--receipt", &receipt])?.exit(0)?;

    // An export from before, an export of another log, and one of which a bit was flipped.
    let code = |words: &[&str]| -> Result<Value> {
        let ran = elsewhere.run(&[words, &["--json"]].concat())?;
        Ok(ran.exit(6)?.json()?["code"].clone())
    };
    let with = |export: &str, log: &str| {
        code(&["journal", "verify", export, "--receipt", &receipt, "--key", log])
    };
    ensure!(with(&early, &log)? == "export-broken");
    let other = Deployment::init()?;
    let [foreign, _] = keys(&other)?;
    ensure!(with(&export, &foreign)? == "export-broken");
    let mut bytes = fs::read(&export)?;
    let middle = bytes.len() / 2;
    *bytes.get_mut(middle).context("an empty export")? ^= 1;
    let flipped = elsewhere.write("flipped.tar", bytes)?.display().to_string();
    ensure!(with(&flipped, &log)? == "export-broken");
    Ok(())
}
