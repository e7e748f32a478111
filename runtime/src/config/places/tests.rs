//! One row for each key that names a file or a folder: a folder of plugins that holds it is refused, by that key.

use super::leads_to;
use crate::{
    Config,
    folders::{check_folder, check_folders, check_preopens},
    host::load_catalogue,
};
use std::{collections::BTreeSet, fs, os::unix::fs::symlink, path::Path};

/// The key, and the folder (below a temporary one) that holds what it names.
const ROWS: [(&str, &str); 17] = [
    ("interlock.toml", "conf"),
    ("plugins/", "conf/plugins"),
    ("state", "state"),
    ("store.url", "store"),
    ("journal.publish", "outside"),
    ("policies", "policies"),
    ("a file of policies", "more-policies"),
    ("approvers.allowed_signers", "approvers"),
    ("environment.root", "environments"),
    ("catalogues", "catalogues"),
    ("wit", "wit"),
    ("plugin.file", "bytes"),
    ("secrets.file", "secrets"),
    ("http.authorities", "authorities"),
    ("the programs of a catalogue", "programs"),
    ("the directory of a program", "directory"),
    ("the program of the host", "(where this test is)"),
];
/// Those that are found inside of words.
const WORDS: [(&str, &str); 8] = [
    ("secrets.command", "secret-programs"),
    ("secrets.command", "secret-arguments"),
    ("the arguments of a program", "arguments"),
    // Seen from the directory, and the folder before a word that an argument is part of.
    ("the arguments of a program", "directory/scripts"),
    ("the arguments of a program", "chosen"),
    ("the environment of a program", "environment"),
    ("the programs of a service", "service-programs"),
    ("the programs of a service", "service-arguments"),
];

const CATALOGUE: &str = r#"wit = "../wit/box.wit"
[interface."acme:box/look@1.0.0"]
provider = { exec = "box" }
[interface."acme:box/look@1.0.0".function.bare]
class = "read"
resource = "box/a"
argv = ["BASE/programs/box", "--rc=BASE/arguments/rc", "scripts/run.sh", "--with=BASE/chosen/{name}.sh", "x{name}/"]
environment = { PATH = "/usr/bin:BASE/environment" }
directory = "BASE/directory"
"#;

const CONFIG: &str = r#"
state = "../state"
policies = "../policies"
catalogues = ["../catalogues/box.toml"]
[store]
url = "sqlite:../store/journal.db"
[journal]
publish = ["../outside"]
[approvers]
allowed_signers = "../approvers/allowed_signers"
[environment]
root = "../environments"
[secrets.file]
file = "../secrets/not-there-yet"
[secrets.command]
command = ["BASE/secret-programs/pass", "BASE/secret-arguments/script"]
[http.api]
url = "https://api.example.com"
methods = []
paths = []
authorities = "../authorities/ours.pem"
[[plugin]]
name = "p"
file = "../bytes/p.wasm"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
[files.x]
path = "FOLDER"
"#;

struct Scene(tempfile::TempDir);

impl Scene {
    fn new() -> Self {
        let scene = Self(tempfile::tempdir().unwrap());
        for (_, folder) in ROWS.iter().chain(&WORDS) {
            fs::create_dir_all(scene.base().join(folder)).unwrap();
        }
        let text = CATALOGUE.replace("BASE", &scene.base().display().to_string());
        fs::write(scene.base().join("catalogues/box.toml"), text).unwrap();
        let service = scene.base().join("environments/prod/services/api");
        fs::create_dir_all(&service).unwrap();
        let definition =
            "command = [\"BASE/service-programs/sh\", \"BASE/service-arguments/x\", \"{config}\"]";
        let definition = definition.replace("BASE", &scene.base().display().to_string());
        fs::write(service.join("service.toml"), definition).unwrap();
        // One that starts nothing keeps no other from being seen.
        let broken = scene.base().join("environments/prod/services/a");
        fs::create_dir_all(&broken).unwrap();
        fs::write(broken.join("service.toml"), "command = 3").unwrap();
        let wit =
            "package acme:box@1.0.0;\ninterface look { bare: func(name: string) -> string; }\n";
        fs::write(scene.base().join("wit/box.wit"), wit).unwrap();
        fs::write(scene.base().join("approvers/allowed_signers"), "").unwrap();
        fs::write(scene.base().join("more-policies/more.cedar"), "").unwrap();
        let link = scene.base().join("policies/more.cedar");
        symlink("../more-policies/more.cedar", link).unwrap();
        scene
    }

    fn base(&self) -> &Path {
        self.0.path()
    }

    fn config(&self, folder: &Path) -> Config {
        let text = CONFIG.replace("BASE", &self.base().display().to_string());
        let text = text.replace("FOLDER", &folder.display().to_string());
        Config::parse(&self.base().join("conf/interlock.toml"), &text).unwrap()
    }

    /// What is said of a folder that plugins are to reach.
    fn said(&self, folder: &Path) -> Option<String> {
        let config = self.config(folder);
        let catalogue = load_catalogue(&config, Vec::new()).unwrap();
        check_folders(&config, &catalogue).err().map(|error| error.to_string())
    }
}

#[test]
fn no_folder_of_plugins_holds_what_any_key_names() {
    let scene = Scene::new();
    let apart = scene.base().join("apart");
    fs::create_dir(&apart).unwrap();
    assert_eq!(scene.said(&apart), None);
    let program = std::env::current_exe().unwrap();
    for (key, folder) in ROWS.iter().chain(&WORDS) {
        let folder = match *key {
            "the program of the host" => program.parent().unwrap().to_owned(),
            _ => scene.base().join(folder),
        };
        let said = scene.said(&folder).unwrap_or_else(|| panic!("`{key}` may be in a folder"));
        let own = ["state", "environment.root"].contains(key) && said.contains("own state");
        assert!(own || said.contains(&format!("(`{key}`)")), "{key}: {said}");
    }
    // Whoever adds a key to one side adds it to the other.
    let config = scene.config(&apart);
    let catalogue = load_catalogue(&config, Vec::new()).unwrap();
    let known: BTreeSet<&str> = ROWS.iter().chain(&WORDS).map(|(key, _)| *key).collect();
    let named: BTreeSet<&str> = config.places(Some(&catalogue)).iter().map(|p| p.key).collect();
    assert_eq!(known, named);
}

#[test]
fn a_folder_may_lie_where_a_program_runs_and_not_in_what_the_host_reads() {
    let scene = Scene::new();
    for (folder, said) in [
        ("directory/apart", None),
        ("policies/apart", Some("(`policies`)")),
        ("outside/apart", Some("(`journal.publish`)")),
    ] {
        let folder = scene.base().join(folder);
        fs::create_dir(&folder).unwrap();
        let found = scene.said(&folder);
        assert_eq!(found.is_some(), said.is_some(), "{found:?}");
        assert!(found.unwrap_or_default().contains(said.unwrap_or_default()));
    }
    // Without its catalogues a host does not start, and `doctor` still tells what it can.
    let config = scene.config(&scene.base().join("secrets"));
    assert!(check_folder(&config, &config.places(None), "x").is_err());
}

#[test]
fn nothing_is_hidden_behind_a_link_or_by_not_being_there() {
    let scene = Scene::new();
    let (base, notes) = (scene.base(), scene.base().join("notes"));
    fs::create_dir(&notes).unwrap();
    assert_eq!(scene.said(&notes), None);
    // The link lies apart, and leads to what a plugin could make.
    let secret = base.join("secrets/not-there-yet");
    symlink("../notes/made-later", &secret).unwrap();
    assert!(scene.said(&notes).unwrap().contains("(`secrets.file`)"));
    fs::remove_file(&secret).unwrap();
    // The other way round: what it leads to is apart, the link is the plugin's.
    symlink("../elsewhere", notes.join("link")).unwrap();
    symlink("../notes/link", &secret).unwrap();
    assert!(scene.said(&notes).unwrap().contains("(`secrets.file`)"));
    fs::write(base.join("elsewhere"), "there").unwrap();
    assert!(scene.said(&notes).unwrap().contains("(`secrets.file`)"));
    // A link to itself ends.
    fs::remove_file(&secret).unwrap();
    symlink("not-there-yet", &secret).unwrap();
    assert!(leads_to(&secret).iter().all(|path| path.ends_with("secrets/not-there-yet")));
    assert_eq!(scene.said(&notes), None);
}

#[test]
fn no_preopen_shows_a_secret() {
    let scene = Scene::new();
    let apart = scene.base().join("apart");
    fs::create_dir(&apart).unwrap();
    let config = scene.config(&apart);
    let mut plugin = config.plugins["p"].clone();
    for (folder, shown) in [("apart", true), ("wit", true), ("secrets", false), ("store", false)] {
        plugin.preopens = vec![(scene.base().join(folder), "/x".to_owned())];
        assert_eq!(check_preopens(&config, &plugin).is_ok(), shown, "{folder}");
    }
}
