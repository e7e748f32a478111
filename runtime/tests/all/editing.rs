//! Editing a configuration keeps what people wrote in it.

use interlock::{
    authority::Digest,
    config::edit::{
        PluginEntry, SecretKey, secret_key, with_plugin, without_plugin, write_atomically,
    },
    install::parse_grant,
};
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

const FILE: &str = "interlock.toml";

fn entry(name: &str, grants: Option<&[&str]>) -> PluginEntry {
    PluginEntry {
        name: name.to_owned(),
        file: format!("plugins/{name}.wasm"),
        digest: Digest::from_bytes([1; 32]),
        grants: grants.map(|all| all.iter().map(|g| parse_grant(g).unwrap()).collect()),
        preopens: None,
    }
}

#[test]
fn comments_and_order_survive() {
    let before = "# ours\n[cli]\nprincipal = \"Person::a\" # who\n\n# last\n[people.a]\n";
    let grant = "interlock:environment/observe@0.1.0#logs,service-status=environment/prod";
    let added = with_plugin(Path::new(FILE), before, &entry("one", Some(&[grant]))).unwrap();
    assert!(added.starts_with(before), "{added}");
    assert!(added.contains("functions = [\"logs\", \"service-status\"]"), "{added}");
    let two = with_plugin(Path::new(FILE), &added, &entry("two", None)).unwrap();
    let back = without_plugin(Path::new(FILE), &two, "two").unwrap().unwrap();
    assert_eq!(back, added);
    assert_eq!(without_plugin(Path::new(FILE), &back, "two").unwrap(), None);
}

#[test]
fn an_update_keeps_grants_that_it_does_not_name() {
    let grant = "interlock:environment/observe@0.1.0=environment/prod";
    let first = with_plugin(Path::new(FILE), "", &entry("one", Some(&[grant]))).unwrap();
    let mut update = entry("one", None);
    update.digest = Digest::from_bytes([2; 32]);
    let second = with_plugin(Path::new(FILE), &first, &update).unwrap();
    assert!(second.contains("environment/prod") && second.contains(&"02".repeat(32)), "{second}");
    let none = with_plugin(Path::new(FILE), &second, &entry("one", Some(&[]))).unwrap();
    assert!(!none.contains("grant"), "{none}");
}

#[test]
fn a_file_that_is_not_toml_is_left_alone() {
    assert!(with_plugin(Path::new(FILE), "[cli", &entry("one", None)).is_err());
    let message = with_plugin(Path::new(FILE), "plugin = 3", &entry("one", None)).unwrap_err();
    assert!(message.to_string().contains("[[plugin]]"), "{message}");
}

#[test]
fn grants_on_the_command_line_need_a_resource() {
    for bad in [
        "interlock:environment/observe@0.1.0",
        "interlock:environment/observe@0.1.0=",
        "interlock:environment/observe=environment/prod",
        "interlock:environment/observe@0.1.0=environment/*",
        "interlock:environment/observe@0.1.0=environment/../x",
        "=environment/prod",
    ] {
        assert!(parse_grant(bad).is_err(), "{bad}");
    }
    // FAIL-CLOSED: `#` with no function behind it grants no function.
    let none = parse_grant("interlock:environment/observe@0.1.0#=environment/prod").unwrap();
    assert_eq!(none.functions, Some([].into()));
}

#[test]
fn files_are_written_whole_and_keep_their_mode() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x");
    write_atomically(&file, b"one", 0o640).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    write_atomically(&file, b"two", 0o644).unwrap();
    assert_eq!(fs::read(&file).unwrap(), b"two");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(write_atomically(&folder.path().join("no/such/x"), b"", 0o600).is_err());
}

#[test]
fn a_key_is_private_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(SecretKey::Artifact.file());
    let read = || secret_key(folder.path(), SecretKey::Artifact);
    let key = read().unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(read().unwrap(), key);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(read().unwrap_err().to_string().contains("chmod 600"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&file, b"short").unwrap();
    assert!(read().is_err());
}
