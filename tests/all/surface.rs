//! What the command line shows and how it ends: bytes on the terminal, output that cannot be written,
//! commands that are told to be pasted, and refusals that leave nothing behind.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use interlock_tests::{Deployment, Ran, interlock, run, staged_plugin};

const AGENT: &str = "Agent::oncall-bot";
const OBSERVE: &str = "interlock:environment/observe@0.1.0=environment/prod";

/// A tool that returns what no terminal should be sent: C1 controls, DEL, a bidirectional override, a tag.
const SAYS: &str = r#"(component
  (core module $m
    (memory (export "memory") 1)
    (data (i32.const 8) "\10\00\00\00\0f\00\00\00")
    (data (i32.const 16) "a\c2\9b31m\7f\e2\80\aez\f3\a0\81\81")
    (func (export "say") (result i32) i32.const 8))
  (core instance $i (instantiate $m))
  (func (export "say") (result string)
    (canon lift (core func $i "say") (memory $i "memory"))))"#;

/// The binary with its standard output somewhere else; the exit code and standard error.
fn with_stdout(folder: &Path, arguments: &[&str], stdout: Stdio) -> Result<(i32, String)> {
    let child = Command::new(interlock()?)
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()?;
    let ended = child.wait_with_output()?;
    let code = ended.status.code().context("ended by a signal")?;
    Ok((code, String::from_utf8_lossy(&ended.stderr).into_owned()))
}

/// A full disk.
fn full() -> Result<Stdio> {
    Ok(File::options().write(true).open("/dev/full")?.into())
}

/// A reader that has gone away.
fn gone() -> Result<Stdio> {
    Ok(std::io::pipe()?.1.into())
}

#[test]
fn a_result_is_shown_without_what_steers_a_terminal_and_is_the_same_value() -> Result<()> {
    let deployment = Deployment::init()?;
    let file = deployment.write("says.wat", SAYS)?;
    deployment.install(&file, "says", &[])?.exit(0)?;
    let value = "a\u{9b}31m\u{7f}\u{202e}z\u{e0041}";
    let plain = deployment.run(&["call", "says.say", "--as", AGENT])?.exit(0)?;
    assert_eq!(plain.json()?, value, "{plain}");
    assert_eq!(plain.stdout.trim(), r#""a\u009b31m\u007f\u202ez\udb40\udc41""#);
    let json = deployment.run(&["call", "says.say", "--as", AGENT, "--json"])?.exit(0)?;
    assert_eq!(json.json()?["result"], value, "{json}");
    assert!(json.stdout.is_ascii(), "{json}");
    Ok(())
}

#[test]
fn output_that_cannot_be_written_is_told_and_never_a_panic() -> Result<()> {
    let deployment = Deployment::init()?;
    deployment.install(&staged_plugin("word_count")?, "word-count", &[])?.exit(0)?;
    let text = r#"{"text":"one two"}"#;
    let done: [&[&str]; 6] = [
        &["completions", "bash"],
        &["--help"],
        &["plugin", "list"],
        &["config", "check", "--json"],
        &["call", "word-count.count", text, "--as", AGENT],
        &["call", "word-count.count", text, "--as", AGENT, "--json"],
    ];
    for arguments in done {
        let (code, words) = with_stdout(deployment.path(), arguments, full()?)?;
        assert_eq!(code, 2, "{arguments:?}: {words}");
        assert!(words.contains("standard output"), "{arguments:?}: {words}");
        assert!(!words.contains("panicked"), "{arguments:?}: {words}");
        let (code, words) = with_stdout(deployment.path(), arguments, gone()?)?;
        assert_eq!(code, 0, "{arguments:?}: {words}");
        assert!(!words.contains("error"), "{arguments:?}: {words}");
    }
    // An ending that is worse than lost output keeps its code.
    let refused = ["call", "word-count.count", text, "--as", "Agent::mallory", "--json"];
    for stdout in [full()?, gone()?] {
        let (code, words) = with_stdout(deployment.path(), &refused, stdout)?;
        assert_eq!(code, 3, "{words}");
    }
    Ok(())
}

#[test]
fn usage_errors_are_json_where_json_was_asked_for() -> Result<()> {
    let folder = Deployment::empty()?;
    let wrong: [&[&str]; 5] = [
        &["frobnicate", "--json"],
        &["--json", "plugin"],
        &["--json"],
        &["call", "--json", "--frob"],
        &["--json", "plugin", "install"],
    ];
    for arguments in wrong {
        let ran = folder.run(arguments)?.exit(2)?;
        let said = ran.json()?;
        assert_eq!(said["status"], "error", "{ran}");
        assert_eq!(said["code"], "usage", "{ran}");
        assert_eq!(said["exit"], 2, "{ran}");
        assert!(said["message"].as_str().is_some_and(|m| !m.is_empty()), "{ran}");
        assert!(!ran.stdout.contains('\u{1b}') && ran.stderr.is_empty(), "{ran}");
    }
    // Help is help, and behind `--` there is no option.
    assert!(folder.run(&["--help", "--json"])?.exit(0)?.stdout.contains("Usage"));
    let word = folder.run(&["freeze", "x", "--", "--json"])?.exit(2)?;
    assert!(word.stdout.is_empty(), "{word}");
    Ok(())
}

/// What a refusal tells to paste, run by a shell in that folder.
fn paste(folder: &Path, refusal: &Ran) -> Result<Ran> {
    let (_, command) = refusal.stderr.split_once("To grant it:  ").context("no command")?;
    let mut script = String::new();
    for line in command.lines() {
        script.push_str(line);
        script.push('\n');
        if !line.ends_with('\\') {
            break;
        }
    }
    let program = interlock()?;
    let ours = program.parent().context("no folder")?.display().to_string();
    let path = format!("{ours}:{}", std::env::var("PATH").unwrap_or_default());
    let ended = Command::new("bash")
        .args(["-c", &script])
        .current_dir(folder)
        .env("PATH", path)
        .stdin(Stdio::null())
        .output()?;
    Ok(Ran {
        command: script,
        code: ended.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&ended.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&ended.stderr).into_owned(),
        time: std::time::Duration::ZERO,
    })
}

#[test]
fn the_command_of_a_refusal_can_be_pasted() -> Result<()> {
    let deployment = Deployment::init()?;
    let file = deployment.path().join("it's $(a) \u{1b}[31m plugin.wasm");
    fs::copy(staged_plugin("fix_service")?, &file)?;
    let refusal = deployment.install(&file, "fix-service", &[OBSERVE])?.exit(3)?;
    assert!(!refusal.stderr.contains('\u{1b}'), "{refusal}");
    assert!(refusal.stderr.contains("remediate@0.1.0#"), "{refusal}");
    assert!(!refusal.stderr.contains("NAME"), "{refusal}");
    paste(deployment.path(), &refusal)?.exit(0)?;
    let list = deployment.run(&["plugin", "list", "--json"])?.exit(0)?.json()?;
    let grants = list[0]["grants"].as_array().context("no grants")?;
    assert_eq!(grants.len(), 2, "{list}");
    assert!(grants.iter().all(|g| g["resources"][0] == "environment/prod"), "{list}");

    // The standing grants are in the command of an update that needs more, from another folder too.
    fs::create_dir(deployment.path().join("sub dir"))?;
    let below = deployment.path().join("sub dir");
    let overreach = staged_plugin("overreach")?;
    let words: [&str; 7] = [
        "plugin",
        "install",
        overreach.to_str().context("not UTF-8")?,
        "--name",
        "fix-service",
        "--config",
        "../interlock.toml",
    ];
    let refusal = run(&below, &words, "")?.exit(3)?.says(&["teardown", "observe@0.1.0="])?;
    paste(&below, &refusal)?.exit(0)?;
    Ok(())
}

/// A grant that was taken out of the configuration by hand: the call says how to give it back.
#[test]
fn the_command_of_a_refused_call_can_be_pasted() -> Result<()> {
    let deployment = Deployment::init()?;
    let remediate = "interlock:environment/remediate@0.1.0=environment/prod";
    deployment
        .install(&staged_plugin("fix_service")?, "fix-service", &[remediate, OBSERVE])?
        .exit(0)?;
    let entry = "[[plugin.grant]]\ncapability = \"interlock:environment/observe@0.1.0\"\nresources = [\"environment/prod\"]\n";
    deployment.configure(entry, "")?;
    let api = r#"{"environment":"prod","service":"api"}"#;
    for word in ["call", "plan"] {
        let refusal = deployment.run(&[word, "fix-service.diagnose", api, "--as", AGENT])?;
        refusal.exit(3)?.says(&[
            "To grant it:",
            "observe@0.1.0#",
            "remediate@0.1.0=environment",
        ])?;
    }
    let refusal = deployment.run(&["call", "fix-service.diagnose", api, "--as", AGENT])?.exit(3)?;
    paste(deployment.path(), &refusal)?.exit(0)?;
    let ran = deployment.run(&["call", "fix-service.diagnose", api, "--as", AGENT])?;
    assert!(ran.code != 3, "{ran}");
    Ok(())
}

#[test]
fn a_refusal_with_nothing_to_go_by_leaves_the_name_open() -> Result<()> {
    let deployment = Deployment::init()?;
    deployment
        .install(&staged_plugin("fix_service")?, "fix-service", &[])?
        .exit(3)?
        .says(&["environment/NAME", "in the place of NAME"])?;
    Ok(())
}

#[test]
fn init_leaves_nothing_behind_where_it_refuses() -> Result<()> {
    let folder = Deployment::empty()?;
    fs::create_dir_all(folder.path().join("environments/prod"))?;
    folder.write("environments/prod/real", "somebody's own")?;
    let before = folder.files()?;
    folder.run(&["init"])?.exit(2)?.says(&["interlock init --no-sample"])?;
    assert!(folder.files()? == before);
    assert!(!folder.path().join(".interlock").exists());
    folder.run(&["init", "--no-sample"])?.exit(0)?;
    assert_eq!(fs::read(folder.path().join("environments/prod/real"))?, b"somebody's own");
    // What is told to be typed next names the folder, whatever it is called.
    folder.run(&["init", "new/it's one"])?.exit(0)?.says(&[r"cd 'new/it'\''s one'"])?;
    Ok(())
}

#[test]
fn a_configuration_that_was_named_must_be_there() -> Result<()> {
    let folder = Deployment::empty()?;
    let plugin = staged_plugin("word_count")?;
    let plugin = plugin.to_str().context("not UTF-8")?;
    folder.run(&["plugin", "inspect", plugin])?.exit(0)?;
    folder
        .run(&["--config", "missing.toml", "plugin", "inspect", plugin])?
        .exit(2)?
        .says(&["missing.toml"])?;
    folder
        .run(&["plugin", "inspect", plugin, "--config", "interlock.toml"])?
        .exit(2)?
        .says(&["interlock.toml"])?;
    Ok(())
}

#[test]
fn a_grant_of_no_function_is_a_usage_error() -> Result<()> {
    let deployment = Deployment::init()?;
    for functions in ["#", "#,", "#logs,,"] {
        let grant = format!("interlock:environment/observe@0.1.0{functions}=environment/prod");
        deployment
            .install(&staged_plugin("fix_service")?, "fix-service", &[&grant])?
            .exit(2)?
            .says(&["name of a function"])?;
    }
    Ok(())
}

#[test]
fn a_preopen_means_the_folder_of_whoever_typed_it() -> Result<()> {
    let deployment = Deployment::init()?;
    let below = deployment.path().join("sub");
    fs::create_dir_all(below.join("notes"))?;
    fs::create_dir_all(deployment.path().join("other"))?;
    let outside = Deployment::empty()?;
    let plugin = staged_plugin("word_count")?;
    let plugin = plugin.to_str().context("not UTF-8")?;
    let install = |preopen: &str| {
        let words = ["plugin", "install", plugin, "--name", "word-count", "--preopen", preopen];
        run(&below, &[&words[..], &["--config", "../interlock.toml"]].concat(), "")
    };
    let stored = |host: &str| -> Result<()> {
        let text = fs::read_to_string(deployment.path().join("interlock.toml"))?;
        anyhow::ensure!(text.contains(&format!("host = \"{host}\"")), "no `{host}` in\n{text}");
        Ok(())
    };
    install("notes=/notes")?.exit(0)?;
    stored("sub/notes")?;
    install("../other=/notes")?.exit(0)?;
    stored("other")?;
    let absolute = outside.path().to_str().context("not UTF-8")?;
    install(&format!("{absolute}=/notes"))?.exit(0)?;
    stored(absolute)?;
    for wrong in ["notes", "=/notes", "notes=notes", "notes=/../etc", "missing=/notes"] {
        let ran = install(wrong)?.exit(2)?.says(&[&format!("--preopen {wrong}")])?;
        assert!(!ran.stderr.contains("interlock.toml:"), "{ran}");
    }
    stored(absolute)
}

/// At deadlines before, in and after the effect, with nobody to hear of it: the process may end, the
/// effect may not be left without its outcome.
#[test]
fn intent_before_effect_a_call_ends_only_when_outcomes_are_written() -> Result<()> {
    let deployment = Deployment::with_sample()?;
    let remediate = "interlock:environment/remediate@0.1.0=environment/prod";
    deployment
        .install(&staged_plugin("fix_service")?, "fix-service", &[OBSERVE, remediate])?
        .exit(0)?;
    let api = r#"{"environment":"prod","service":"api"}"#;
    let mut time = "time   = \"10s\"".to_owned();
    for limit in ["30ms", "100ms", "300ms", "10s"] {
        deployment.run(&["sample", "break"])?.exit(0)?;
        let new = format!("time   = \"{limit}\"");
        deployment.configure(&time, &new)?;
        time = new;
        let call = ["call", "fix-service.heal", api, "--as", AGENT];
        let (code, words) = with_stdout(deployment.path(), &call, full()?)?;
        assert!([1, 2, 5].contains(&code) && !words.contains("panicked"), "{limit}: {words}");
    }
    let record = deployment.run(&["journal", "list", "--last", "1000", "--json"])?.exit(0)?;
    let mut open = std::collections::BTreeSet::new();
    let mut effects = 0;
    for leaf in record.json()?.as_array().context("no list")? {
        let event = &leaf["event"];
        let key = format!("{} {}", event["invocation"], event["step"]);
        match leaf["kind"].as_str() {
            Some("intent") => {
                effects += 1;
                open.insert(key);
            }
            Some("outcome") => assert!(open.remove(&key), "{leaf}"),
            _ => {}
        }
    }
    assert!(effects > 0, "no call came as far as an effect:\n{record}");
    assert!(open.is_empty(), "{open:?}:\n{record}");
    Ok(())
}

#[test]
fn freeze_and_thaw_say_which_way_the_switch_stands() -> Result<()> {
    let deployment = Deployment::init()?;
    let state = deployment.path().join(".interlock");
    let (journal, switch) = (state.join("journal.db"), state.join("frozen"));
    deployment.run(&["thaw"])?.exit(0)?.says(&["were not frozen"])?;
    let aside = state.join("aside");
    fs::rename(&journal, &aside)?;
    // Lost, or no journal at all: it can be stopped all the same.
    deployment.run(&["freeze"])?.exit(5)?.says(&["effects ARE stopped", "journal.db"])?;
    fs::remove_file(&switch)?;
    fs::create_dir(&journal)?;
    deployment.run(&["freeze"])?.exit(5)?.says(&["effects ARE stopped", "journal.db"])?;
    assert!(switch.exists());
    deployment.run(&["thaw"])?.exit(5)?.says(&["still stopped"])?;
    assert!(switch.exists(), "effects must not start again unrecorded");
    fs::remove_dir(&journal)?;
    fs::rename(&aside, &journal)?;
    deployment.run(&["thaw"])?.exit(0)?;
    assert!(!switch.exists());

    // A switch that cannot be taken away: the journal must end with what is true.
    fs::create_dir(&switch)?;
    let ran = deployment.run(&["thaw", "--json"])?.exit(5)?;
    assert_eq!(ran.json()?["code"], "still-frozen", "{ran}");
    let last = deployment.run(&["journal", "list", "--last", "1", "--json"])?.exit(0)?;
    assert_eq!(last.json()?[0]["kind"], "freeze", "{last}");
    Ok(())
}

/// A host that runs goes on when somebody breaks its configuration: it can be stopped all the same.
#[test]
fn effects_can_be_frozen_though_the_configuration_is_broken() -> Result<()> {
    let deployment = Deployment::init()?;
    let good = fs::read_to_string(deployment.path().join("interlock.toml"))?;
    let broken = [good.replace("memory", "memmory"), "[cli".to_owned(), String::from("\u{0}")];
    for text in broken {
        deployment.write("interlock.toml", &text)?;
        let ran = deployment.run(&["freeze"])?.exit(0)?;
        ran.says(&["does not load", "All effects are stopped"])?;
        deployment.write("interlock.toml", &good)?;
        deployment.run(&["--json", "thaw"])?.exit(0)?.says(&["\"was_frozen\": true"])?;
    }
    // Without a state folder there is nothing to stop, and the mistake is told.
    let elsewhere = deployment.path().join("nowhere.toml");
    let named = elsewhere.display().to_string();
    fs::create_dir(deployment.path().join("empty"))?;
    let missing = deployment.path().join("empty/interlock.toml").display().to_string();
    deployment.run(&["--config", &missing, "freeze"])?.exit(2)?;
    // Beside a state folder, though, a wrong name still stops effects.
    deployment.run(&["--config", &named, "freeze"])?.exit(0)?;
    Ok(())
}

/// The switch needs a place to stand, and says what it came too late for.
#[test]
fn a_freeze_makes_its_place_and_names_what_had_started() -> Result<()> {
    let deployment = Deployment::init()?;
    fs::remove_dir_all(deployment.path().join(".interlock"))?;
    deployment.run(&["freeze"])?.exit(0)?;
    assert!(deployment.path().join(".interlock/frozen").exists());
    crate::doctor::left_open(&deployment)?;
    let words = ["Already started", "restart-service on environment/prod/service/api"];
    deployment.run(&["freeze"])?.exit(0)?.says(&words)?;
    Ok(())
}
