//! Ordinary mistakes. Each must be answered with the exit code of the contract, name the thing, and
//! change nothing.

use std::path::Path;

use anyhow::Result;
use interlock_tests::{Deployment, staged_plugin};

const AGENT: &str = "Agent::oncall-bot";

/// A deployment with one plugin that reaches nothing.
fn with_word_count() -> Result<Deployment> {
    let deployment = Deployment::init()?;
    deployment.install(&staged_plugin("word_count")?, "word-count", &[])?.exit(0)?;
    Ok(deployment)
}

fn configuration(deployment: &Deployment) -> Result<Vec<u8>> {
    Ok(std::fs::read(deployment.path().join("interlock.toml"))?)
}

#[test]
fn wrong_arguments_are_named_and_nothing_runs() -> Result<()> {
    let deployment = with_word_count()?;
    let cases: [(&str, &[&str]); 6] = [
        (r#"{"text": 7}"#, &["text"]),
        (r"{}", &["text"]),
        (r#"{"text": "a", "txet": "b"}"#, &["txet"]),
        (r#"["text"]"#, &[]),
        (r#"{"text": "a""#, &["JSON"]),
        (r#"{"text": "a", "text": "b"}"#, &["text"]),
    ];
    for (arguments, words) in cases {
        deployment
            .run(&["call", "word-count.count", arguments, "--as", AGENT])?
            .exit(2)?
            .says(words)?;
    }
    Ok(())
}

#[test]
fn names_that_nobody_has_are_answered_with_those_that_exist() -> Result<()> {
    let deployment = with_word_count()?;
    let call =
        |tool: &str, who: &str| deployment.run(&["call", tool, r#"{"text":"a"}"#, "--as", who]);
    call("word-count.cuont", AGENT)?.exit(2)?.says(&["`cuont`", "count"])?;
    call("wrod-count.count", AGENT)?.exit(2)?.says(&["`wrod-count`", "word-count"])?;
    call("word-count", AGENT)?.exit(2)?;
    // FAIL-CLOSED: who is not in the configuration may do nothing.
    call("word-count.count", "Agent::mallory")?.exit(3)?.says(&["mallory"])?;
    call("word-count.count", "not::a::principal")?;
    Ok(())
}

#[test]
fn a_segment_that_is_none_is_refused_before_anything_is_touched() -> Result<()> {
    let deployment = Deployment::with_sample()?;
    let grants = [
        "interlock:environment/observe@0.1.0=environment/prod",
        "interlock:environment/remediate@0.1.0=environment/prod",
    ];
    deployment.install(&staged_plugin("fix_service")?, "fix-service", &grants)?.exit(0)?;
    let before = deployment.sample()?;
    for service in ["db/x", "..", ".", "", "a b", "../../etc", "%2e%2e", "api\\n", "-api"] {
        let arguments = format!(r#"{{"environment":"prod","service":"{service}"}}"#);
        let ran = deployment.run(&["call", "fix-service.heal", &arguments, "--as", AGENT])?;
        assert!([1, 3].contains(&ran.code), "`{service}`: {ran}");
        assert!(
            ran.stderr.contains("bad-resource") || ran.stdout.contains("bad-resource"),
            "{ran}"
        );
    }
    assert!(deployment.sample()? == before);
    Ok(())
}

#[test]
fn a_grant_that_means_nothing_is_an_error() -> Result<()> {
    let deployment = Deployment::init()?;
    let rules = configuration(&deployment)?;
    let plugin = staged_plugin("fix_service")?;
    let cases: [(&str, &str); 6] = [
        ("interlock:environment/observe@0.1.0", "resource"),
        ("interlock:environment/observe@0.1.0=", "resource"),
        ("interlock:environment/obsreve@0.1.0=environment/prod", "obsreve"),
        ("interlock:environment/observe@0.9.0=environment/prod", "0.9.0"),
        ("interlock:environment/observe@0.1.0#look=environment/prod", "look"),
        ("interlock:environment/observe@0.1.0=environment/../prod", ".."),
    ];
    for (grant, word) in cases {
        deployment.install(&plugin, "fix-service", &[grant])?.exit(2)?.says(&[word])?;
        assert!(configuration(&deployment)? == rules, "`{grant}` changed interlock.toml");
    }
    Ok(())
}

#[test]
fn an_unknown_key_is_named_with_its_line() -> Result<()> {
    let deployment = Deployment::init()?;
    deployment.configure("memory = \"64MiB\"", "memroy = \"64MiB\"")?;
    deployment.run(&["config", "check"])?.exit(2)?.says(&["memroy", "interlock.toml"])?;
    deployment.run(&["plugin", "list"])?.exit(2)?.says(&["memroy"])?;
    Ok(())
}

#[test]
fn fail_closed_without_a_configuration_nothing_is_called() -> Result<()> {
    let deployment = Deployment::empty()?;
    deployment
        .run(&["call", "word-count.count", "{}", "--as", AGENT])?
        .exit(2)?
        .says(&["interlock.toml", "interlock init"])?;
    assert!(deployment.files()?.is_empty(), "a failed call has left files");
    Ok(())
}

#[test]
fn init_does_not_write_over_a_deployment() -> Result<()> {
    let deployment = Deployment::init()?;
    let before = deployment.files()?;
    deployment.run(&["init"])?.exit(2)?.says(&["interlock.toml"])?;
    assert!(deployment.files()? == before);
    Ok(())
}

/// A plugin whose bytes are not the installed ones is an integrity failure, not a new version.
#[test]
fn swapped_bytes_are_never_run() -> Result<()> {
    let deployment = with_word_count()?;
    let pinned = find(deployment.path(), "wasm")?;
    std::fs::write(&pinned, std::fs::read(staged_plugin("overreach")?)?)?;
    deployment
        .run(&["call", "word-count.count", r#"{"text":"a"}"#, "--as", AGENT])?
        .exit(6)?
        .says(&["word-count"])?;
    Ok(())
}

/// The one file with this extension in the deployment.
fn find(folder: &Path, extension: &str) -> Result<std::path::PathBuf> {
    let mut open = vec![folder.to_owned()];
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|other| other == extension) {
                found.push(path);
            }
        }
    }
    anyhow::ensure!(found.len() == 1, "expected one .{extension} file, found {found:?}");
    found.pop().ok_or_else(|| anyhow::anyhow!("unreachable"))
}

#[test]
fn usage_errors_are_exit_2() -> Result<()> {
    let deployment = Deployment::empty()?;
    for arguments in [&["frobnicate"][..], &["plugin"], &["plugin", "install"], &["call"]] {
        deployment.run(arguments)?.exit(2)?;
    }
    Ok(())
}

/// A catalogue is held to its WIT when the host starts, and each mistake has its line.
#[test]
fn a_catalogue_that_does_not_fit_is_named_with_its_line() -> Result<()> {
    let deployment = Deployment::init()?;
    let good = "wit = \"cache.wit\"\n[interface.\"acme:cache/look@1.0.0\"]\nprovider = \"environment\"\n\
                [interface.\"acme:cache/look@1.0.0\".function.stats]\nclass = \"read\"\n\
                resource = \"cache/{cluster}\"\n";
    deployment.write(
        "cache.wit",
        "package acme:cache@1.0.0;\ninterface look { stats: func(cluster: string) -> string; }\n",
    )?;
    deployment.configure("[cli]", "catalogues = [\"cache.toml\"]\n\n[cli]")?;
    let check = |text: &str| {
        deployment.write("cache.toml", text)?;
        deployment.run(&["config", "check"])
    };
    check(good)?.exit(0)?;
    for (from, to, place, words) in [
        ("class =", "clas =", "cache.toml:5", "clas"),
        ("\"read\"", "\"look\"", "cache.toml:5", "look"),
        ("function.stats", "function.stat", "cache.toml:4", "it has stats"),
        ("{cluster}", "{cluser}", "cache.toml:6", "it has cluster"),
        ("look@1.0.0", "look@1.0.1", "cache.toml:2", "the WIT has no"),
        ("\"environment\"", "\"nobody\"", "nobody", "environment"),
    ] {
        let ran = check(&good.replace(from, to))?.exit(2)?.says(&[place, words])?;
        assert!(ran.stdout.is_empty(), "{ran}");
        deployment.run(&["plugin", "list"])?.exit(0)?;
    }
    Ok(())
}
