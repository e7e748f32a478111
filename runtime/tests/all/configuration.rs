//! What a configuration may say, and the line of each mistake.

use interlock::Config;
use std::{path::Path, time::Duration};

const GOOD: &str = r#"
[cli]
principal = "Person::amira"
[environment]
root = "environments"
[people.amira]
principals = ["amira@example.com"]
[agents.oncall-bot]
teams = ["sre-agents"]
operators = ["jonas@example.com"]
[limits]
memory = "32MiB"
time = "1500ms"
host-calls = 7
[[plugin]]
name = "fix-service"
file = "plugins/fix.wasm"
sha256 = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
preopens = [{ host = "notes", guest = "/notes" }]
[[plugin.grant]]
capability = "interlock:environment/observe@0.1.0"
resources = ["environment/prod"]
[[plugin.grant]]
capability = "interlock:environment/remediate@0.1.0"
functions = ["restart-service"]
resources = ["environment/prod"]
"#;

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(Path::new("etc/interlock.toml"), text).map_err(|e| e.to_string())
}

#[test]
fn a_whole_configuration() {
    let config = parse(GOOD).unwrap();
    assert_eq!(config.cli_principal, Some("Person::amira".parse().unwrap()));
    assert_eq!(config.state, Path::new("etc/.interlock"));
    assert_eq!(config.environment_root, Path::new("etc/environments"));
    assert_eq!(config.principals.len(), 2);
    assert_eq!(config.limits.sandbox.memory, 32 << 20);
    assert_eq!(config.limits.sandbox.time, Duration::from_millis(1500));
    assert_eq!(config.limits.host_calls, 7);
    assert_eq!(config.limits.recording, 1 << 20);
    let none = GOOD.replace("host-calls = 7", "recording = \"0\"");
    assert_eq!(parse(&none).unwrap().limits.recording, 0);
    let plugin = config.plugins.get("fix-service").unwrap();
    assert_eq!(plugin.file, Path::new("etc/plugins/fix.wasm"));
    assert_eq!(plugin.grants.len(), 2);
    assert_eq!(plugin.preopens, [("etc/notes".into(), "/notes".to_owned())]);
}

#[test]
fn fail_closed_an_empty_configuration_lets_nobody_ask() {
    let config = parse("").unwrap();
    assert!(config.principals.is_empty() && config.plugins.is_empty());
    assert_eq!(config.cli_principal, None);
}

#[test]
fn each_mistake_names_its_line() {
    let cases = [
        ("[limits]", "[limit]", 11, "limit"),
        ("memory = \"32MiB\"", "memory = \"32 MiBs\"", 12, "64MiB"),
        ("memory = \"32MiB\"", "memory = \"0\"", 12, "at least 1 byte"),
        ("time = \"1500ms\"", "time = \"soon\"", 13, "10s"),
        ("time = \"1500ms\"", "time = \"2h\"", 13, "at most"),
        ("time = \"1500ms\"", "time = \"-1s\"", 13, "10s"),
        ("host-calls = 7", "host-calls = -7", 14, "invalid value"),
        ("Person::amira", "amira", 3, "Person::name"),
        ("Person::amira", "Agent::amira", 3, "[agents.amira]"),
        ("principals = [\"amira@example.com\"]", "principals = [\"\"]", 6, "empty"),
        ("[agents.oncall-bot]", "[agents.\"on call\"]", 8, "letter or digit"),
        ("name = \"fix-service\"", "name = \"Fix\"", 16, "lower-case"),
        ("name = \"fix-service\"", "name = \"fix\u{2011}service\"", 16, "lower-case"),
        ("sha256 = \"aaaa", "sha256 = \"Xaaa", 18, "hexadecimal"),
        ("\"/notes\"", "\"notes\"", 19, "absolute"),
        ("\"/notes\"", "\"/notes/../etc\"", 19, "plain segments"),
        ("\"/notes\"", "\"/\"", 19, "plain segments"),
        (
            "guest = \"/notes\" }",
            "guest = \"/notes\" }, { host = \"x\", guest = \"/notes\" }",
            19,
            "another folder",
        ),
        ("observe@0.1.0", "observe", 21, "exact version"),
        (
            "resources = [\"environment/prod\"]",
            "resources = [\"environment/*\"]",
            22,
            "not a resource",
        ),
        ("resources = [\"environment/prod\"]", "resource = [\"environment/prod\"]", 22, "resource"),
        (
            "resources = [\"environment/prod\"]",
            "resources = [\"environment/prod\"]\nbudget = { effects = 3 }",
            23,
            "per",
        ),
        (
            "resources = [\"environment/prod\"]",
            "resources = [\"environment/prod\"]\nbudget = { effects = 3, per = \"soon\" }",
            23,
            "30m",
        ),
        ("[cli]", "policies = \"nowhere\"\n[cli]", 2, "cannot be read"),
        ("[limits]", "[seal]\nrequired = 1\n[limits]", 12, "invalid type"),
        ("[limits]", "[store]\nurl = \"postgres:x\"\n[limits]", 12, "sqlite:"),
        ("[limits]", "[journal]\npublish = [\".interlock/x\"]\n[limits]", 12, "outside"),
        ("[limits]", "[approvers]\npresence = \"on\"\n[limits]", 12, "destroy"),
        ("[limits]", "[approvers]\nallowed_signers = \"nowhere\"\n[limits]", 12, "nowhere"),
        ("[limits]", "[requests]\nttl = \"soon\"\n[limits]", 12, "30m"),
        ("[limits]", "[resources.\"a/*\"]\nx = 1\n[limits]", 11, "not a resource"),
    ];
    for (from, to, line, words) in cases {
        assert!(GOOD.contains(from), "{from}");
        let message = parse(&GOOD.replacen(from, to, 1)).unwrap_err();
        let place = format!("etc/interlock.toml:{line}: ");
        assert!(message.starts_with(&place), "{to}: {message}");
        assert!(message.contains(words), "{to}: {message}");
    }
}

#[test]
fn a_plugin_has_one_entry() {
    let twice = format!(
        "{GOOD}\n[[plugin]]\nname = \"fix-service\"\nfile = \"x\"\nsha256 = \"{}\"",
        "b".repeat(64)
    );
    let message = parse(&twice).unwrap_err();
    assert!(message.contains("another plugin has this name"), "{message}");
}

#[test]
fn a_missing_file_says_what_to_do() {
    let missing = Path::new("/nonexistent/interlock.toml");
    let message = Config::load(missing).unwrap_err().to_string();
    assert!(message.contains("interlock init"), "{message}");
}
