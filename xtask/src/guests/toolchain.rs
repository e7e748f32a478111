//! Finds a compiler for plugins: the rustup target, else Debian's packages, else exact commands.
//!
//! The mistake it stops: a newcomer who meets "can't find crate for `core`" and has to guess.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use super::{TARGET, debian};
use crate::command::{Show, cargo, run, words};
use crate::ui::Ui;

/// Who compiles plugins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Toolchain {
    /// The toolchain that runs this xtask has the target's standard library.
    Own,
    /// Debian's Rust packages, which build the standard library from source.
    Debian,
}

impl Toolchain {
    /// A cargo that can compile for the guest target.
    pub(crate) fn cargo(self, root: &Path) -> Command {
        match self {
            Self::Own => cargo(root),
            Self::Debian => debian::cargo(root),
        }
    }

    /// What `cargo build` needs to be told besides the manifest.
    pub(crate) fn build_flags(self) -> &'static [&'static str] {
        match self {
            Self::Own => &["--target", TARGET],
            Self::Debian => debian::BUILD_FLAGS,
        }
    }
}

/// Finds the guest toolchain, or installs it; says each step in one line.
///
/// # Errors
/// When neither way is open here; the message has the commands to run.
pub(crate) fn find_or_install(ui: &Ui, root: &Path) -> Result<Toolchain> {
    if own_target_present(root) {
        ui.say(&format!("  guest target {TARGET}: present in this toolchain"));
        return Ok(Toolchain::Own);
    }
    let rustup_says = match add_with_rustup(ui, root)? {
        Added::Yes => return Ok(Toolchain::Own),
        Added::No(why) => why,
    };
    let debian_says = match debian::find_or_install(ui, root)? {
        debian::Found::Ready => return Ok(Toolchain::Debian),
        debian::Found::No(why) => why,
    };
    bail!(
        "no compiler for {TARGET} here\n\n  rustup: {rustup_says}\n  Debian packages: {debian_says}\n\n\
         Run one of these, then the same command again:\n\n  rustup target add {TARGET}\n  \
         apt-get update && apt-get install --no-install-recommends {}",
        debian::PACKAGES.join(" ")
    )
}

/// Whether the compiler in use has the target's standard library on disk.
fn own_target_present(root: &Path) -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let asked = Command::new(rustc)
        .current_dir(root)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output();
    let Ok(output) = asked else { return false };
    // rustc prints the folder of a target that is not installed too, so look inside.
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    output.status.success() && holds_std(&folder)
}

fn holds_std(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|entries| {
        entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
    })
}

enum Added {
    Yes,
    No(String),
}

fn add_with_rustup(ui: &Ui, root: &Path) -> Result<Added> {
    let present = Command::new("rustup").arg("--version").output();
    if !present.is_ok_and(|output| output.status.success()) {
        return Ok(Added::No("not installed (https://rustup.rs)".to_owned()));
    }
    let mut command = Command::new("rustup");
    // rustup's own settings (RUSTUP_HOME, RUSTUP_TOOLCHAIN, RUSTUP_DIST_SERVER, …) pass through.
    command.current_dir(root).args(["target", "add", TARGET]);
    ui.say(&format!("  guest target {TARGET}: not there; running `{}`", words(&command)));
    let ran = run(ui, root, "rustup target add", &mut command, Show::Progress)?;
    if !ran.success {
        let why = ran.log.iter().rev().find(|line| line.contains("error"));
        let why = why.or(ran.log.last()).map_or("it failed without a word", String::as_str);
        return Ok(Added::No(why.trim().to_owned()));
    }
    if !own_target_present(root) {
        return Ok(Added::No(
            "it reported success, yet the compiler in use has no such target (is RUSTC set to a \
             compiler outside rustup?)"
                .to_owned(),
        ));
    }
    ui.say(&format!("  guest target {TARGET}: installed by rustup"));
    Ok(Added::Yes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_std_is_no_target() {
        let folder = std::env::temp_dir().join(format!("xtask-target-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        assert!(!holds_std(&folder.join("absent")));
        assert!(!holds_std(&folder));
        std::fs::write(folder.join("libstd-1234.rlib"), "").unwrap();
        assert!(holds_std(&folder));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn each_toolchain_names_the_target() {
        for toolchain in [Toolchain::Own, Toolchain::Debian] {
            assert!(toolchain.build_flags().contains(&TARGET), "{toolchain:?}");
        }
    }
}
