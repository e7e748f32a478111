//! A deployment in which everything that a plugin might want is real: services that run, a folder with files, a page, a
//! neighbour's keys, secrets; people who could approve and do not. And the components, installed under one shape.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use interlock_tests::{Deployment, Ran};

use super::attack::{Attack, Content};
use super::client::Host;
use super::make::neighbour;
use super::shape::Shape;
use super::world::{CANARY, Outside};
use crate::desk::Desk;

/// The wall time of one run. Loops last that long, so it is short.
pub(crate) const TIME: Duration = Duration::from_millis(700);
/// The memory of one run, as `interlock init` writes it.
pub(crate) const MEMORY: u64 = 64 << 10;
/// A file that is larger is not put where the running host would read it again and again.
const PINNED: usize = 1 << 20;

const ADD: &str = "(component
  (core module $m (func (export \"add\") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))
  (core instance $c (instantiate $m))
  (func (export \"add\") (param \"a\" u32) (param \"b\" u32) (result u32) (canon lift (core func $c \"add\"))))";

/// The scene.
pub(crate) struct Scene {
    pub(crate) desk: Desk,
    pub(crate) outside: Outside,
    pub(crate) shape: &'static Shape,
    files: tempfile::TempDir,
}

impl Scene {
    pub(crate) fn open(shape: &'static Shape) -> Result<Self> {
        let outside = Outside::open()?;
        let desk = Desk::over(Deployment::with_sample()?, "nothing.nothing", "{}")?;
        let deployment = &desk.deployment;
        deployment
            .configure("time   = \"10s\"", &format!("time   = \"{}ms\"", TIME.as_millis()))?;
        let notes = deployment.path().join("notes");
        for folder in ["granted", "full", "empty"] {
            fs::create_dir_all(notes.join(folder))?;
        }
        fs::write(notes.join("kept.txt"), "kept")?;
        fs::write(notes.join("full/kept.txt"), "kept")?;
        fs::write(notes.join("granted/a"), "granted")?;
        symlink("../secret.txt", notes.join("way-out"))?;
        symlink("../../secret.txt", notes.join("granted/way-out"))?;
        for secret in ["secret.txt", "status.token"] {
            let path = deployment.write(secret, CANARY)?;
            fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        }
        let more = format!(
            "[requests]\nper-principal = {{ count = 1000, per = \"1m\" }}\n\n\
             [files.notes]\npath = \"notes\"\nwrite = true\n\n\
             [secrets.token]\nfile = \"status.token\"\n\n\
             [http.status]\nurl = \"http://127.0.0.1:{}\"\nmethods = [\"GET\", \"POST\", \"DELETE\"]\n\
             paths = [\"incidents\", \"incidents/{{id}}\"]\nquery = {{ state = 8 }}\n\
             credential = {{ header = \"authorization\", secret = \"token\", prefix = \"Bearer \" }}\n\
             plan = true\nprivate = true\n\n[cli]\n",
            outside.page
        );
        deployment.configure("[cli]\n", &more)?;
        let scene = Self { files: tempfile::tempdir()?, desk, outside, shape };
        let add = scene.desk.deployment.write(".interlock/add.wat", ADD)?;
        scene.desk.deployment.install(&add, "well-behaved", &[])?.exit(0)?;
        let keeper = scene.desk.deployment.write(".interlock/keeper.wat", neighbour(CANARY))?;
        let keeps = ["interlock:kv/write@0.1.0=kv"];
        scene.desk.deployment.install(&keeper, "neighbour", &keeps)?.exit(0)?;
        let call = ["call", "neighbour.run", "{}", "--as", crate::journeys::AGENT];
        scene.desk.deployment.run(&call)?.exit(0)?.says(&["1"])?;
        Ok(scene)
    }

    pub(crate) fn deployment(&self) -> &Deployment {
        &self.desk.deployment
    }

    fn write(&self, attack: &Attack) -> Result<PathBuf> {
        let (extension, bytes) = match &attack.content {
            Content::Text(text) => ("wat", text.as_bytes()),
            Content::Bytes(bytes) => ("wasm", bytes.as_slice()),
        };
        let path = self.files.path().join(&attack.name).with_extension(extension);
        fs::write(&path, bytes)?;
        Ok(path)
    }

    /// Installs one as somebody would who grants all that the shape has.
    pub(crate) fn install(&self, attack: &Attack) -> Result<Ran> {
        let path = self.write(attack)?.display().to_string();
        let grants = self.shape.typed();
        let mut words = vec!["plugin", "install", &path, "--name", &attack.name];
        for grant in &grants {
            words.extend(["--grant", grant]);
        }
        if self.shape.preopen {
            words.extend(["--preopen", "notes=/notes"]);
        }
        self.deployment().run(&words)
    }

    pub(crate) fn inspect(&self, attack: &Attack) -> Result<Ran> {
        let path = self.write(attack)?.display().to_string();
        self.deployment().run(&["plugin", "inspect", &path])
    }

    /// Writes the budgets of the shape, and what was refused: into the configuration by hand, past `install`. The
    /// host must not run them either.
    pub(crate) fn pin(&self, refused: &[&Attack]) -> Result<usize> {
        let path = self.deployment().path().join("interlock.toml");
        let mut text = fs::read_to_string(&path)?;
        if let Some(effects) = self.shape.budget {
            let at = "capability = \"interlock:environment/remediate@0.1.0\"\n";
            let budget = format!("{at}budget = {{ effects = {effects}, per = \"20h\" }}\n");
            ensure!(text.contains(at), "nothing has a budget");
            text = text.replace(at, &budget);
        }
        let folder = self.deployment().path().join("plugins");
        fs::create_dir_all(&folder)?;
        let mut names = Vec::new();
        for attack in refused {
            let bytes = match &attack.content {
                Content::Bytes(bytes) => bytes.clone(),
                // What does not assemble is nothing that could be pinned.
                Content::Text(text) => wat::parse_str(text).unwrap_or_default(),
            };
            if bytes.len() <= PINNED {
                fs::write(folder.join(format!("{}.wasm", attack.name)), bytes)?;
                names.push(&attack.name);
            }
        }
        let digests = digests(&folder)?;
        for name in &names {
            let digest = digests.get(&format!("{name}.wasm")).context("no digest")?;
            text.push_str(&format!(
                "\n[[plugin]]\nname = \"{name}\"\nfile = \"plugins/{name}.wasm\"\nsha256 = \"{digest}\"\n"
            ));
            for grant in self.shape.typed() {
                let (capability, resource) = grant.split_once('=').context("no grant")?;
                text.push_str(&format!(
                    "\n[[plugin.grant]]\ncapability = \"{capability}\"\nresources = [\"{resource}\"]\n"
                ));
            }
        }
        fs::write(&path, text)?;
        Ok(names.len())
    }

    pub(crate) fn start(&self) -> Result<Host> {
        Host::start(self.deployment())
    }
}

/// SHA-256 of the files in a folder, by the system's own program: the host is not asked.
fn digests(folder: &std::path::Path) -> Result<BTreeMap<String, String>> {
    let mut command = Command::new("sha256sum");
    command.current_dir(folder).arg("--");
    for entry in fs::read_dir(folder)? {
        command.arg(entry?.file_name());
    }
    let out = command.output().context("could not start `sha256sum`")?;
    ensure!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8(out.stdout)?;
    Ok(text
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(digest, name)| (name.to_owned(), digest.to_owned()))
        .collect())
}
