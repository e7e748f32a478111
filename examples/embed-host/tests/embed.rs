//! The example is run as the program that it is: it compiles the plugin in its own helper role.

use interlock::{
    Host,
    helper::Helper,
    install::{Install, install},
    sandbox::PluginBytes,
};
use std::process::{Command, Output};

const PROGRAM: &str = env!("CARGO_BIN_EXE_embed-host");

const ADD: &str = r#"(component
  (core module $m (func (export "add") (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1))))
  (core instance $c (instantiate $m))
  (func (export "add") (param "a" u32) (param "b" u32) (result u32)
    (canon lift (core func $c "add"))))"#;

#[test]
fn a_program_of_its_own_calls_a_tool() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("interlock.toml");
    std::fs::create_dir(folder.path().join("policies")).unwrap();
    let policy =
        r#"@id("bot") permit (principal == Agent::"bot", action == Action::"invoke", resource);"#;
    std::fs::write(folder.path().join("policies/bot.cedar"), policy).unwrap();
    std::fs::write(&config, "policies = \"policies\"\n[agents.bot]\n").unwrap();
    let host = Host::from_file(&config).unwrap().helper(Helper::program(PROGRAM)).build().unwrap();
    let plugin = PluginBytes::from_file_bytes(ADD.as_bytes().to_vec()).unwrap();
    let wanted = Install { name: "calc".into(), grants: None, preopens: None };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(install(&host, &plugin, &wanted)).unwrap();

    let run = |tool: &str, json: &str, principal: &str| -> Output {
        let config = config.display().to_string();
        Command::new(PROGRAM).args([&config, tool, json, principal]).output().unwrap()
    };
    let done = run("calc.add", r#"{"a":40,"b":2}"#, "Agent::bot");
    assert_eq!(String::from_utf8_lossy(&done.stdout).trim(), "42", "{done:?}");
    assert!(done.status.success());
    for (tool, json, principal) in [
        ("calc.add", r#"{"a":40,"b":2}"#, "Agent::other"),
        ("calc.add", r#"{"a":-1,"b":2}"#, "Agent::bot"),
        ("calc.sub", "{}", "Agent::bot"),
        ("calc", "{}", "Agent::bot"),
    ] {
        let refused = run(tool, json, principal);
        assert!(!refused.status.success() && refused.stdout.is_empty(), "{refused:?}");
    }
}

/// Without `run_if_asked` in `main` the host would start this test program as itself.
#[test]
fn a_program_that_plays_no_helper_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("interlock.toml");
    std::fs::write(&config, "").unwrap();
    let error = Host::from_file(&config).unwrap().build().err().unwrap().to_string();
    assert!(error.contains("run_if_asked"), "{error}");
}
