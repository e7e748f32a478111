//! Plugins without rustup's target: Debian's Rust packages build the standard library from source.
//!
//! Verified on Debian 12. The packages conflict with Debian's package of rustup, so apt refuses where
//! that is installed; a rustup from <https://rustup.rs> lives in the home folder and is not touched.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::TARGET;
use crate::command::{Show, run};
use crate::ui::Ui;

/// All of these, or the fallback does not work.
pub(crate) const PACKAGES: &[&str] =
    &["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm", "lld-22", "wasi-libc"];

/// `-Zbuild-std`: the packages bring the sources of the standard library, not the compiled target.
/// The packaged compiler may be a little older than the workspace asks for: guests are small, so try.
pub(crate) const BUILD_FLAGS: &[&str] =
    &["--target", TARGET, "-Zbuild-std=std,panic_abort", "--ignore-rust-version"];

/// The outcome of looking for the packages.
pub(crate) enum Found {
    Ready,
    /// Why this way is closed here.
    No(String),
}

/// Debian's cargo and compiler, by full path: `cargo` on the path may be rustup's.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new("/usr/bin/cargo");
    command
        .current_dir(root)
        .env("RUSTC", "/usr/bin/rustc")
        // `-Z` flags are for nightly; the variable allows them on the packaged stable compiler.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", "-Lnative=/usr/lib/wasm32-wasi");
    for name in ["CARGO", "RUSTUP_TOOLCHAIN", "RUSTDOC", "RUSTC_WRAPPER"] {
        command.env_remove(name);
    }
    command
}

/// Looks for the packages, and installs them where apt-get may.
///
/// # Errors
/// When a program that exists cannot be started.
pub(crate) fn find_or_install(ui: &Ui, root: &Path) -> Result<Found> {
    if missing_packages().is_empty() {
        ui.say(&format!("  guest target {TARGET}: building std with Debian's Rust packages"));
        return Ok(Found::Ready);
    }
    if !Path::new("/usr/bin/apt-get").exists() {
        return Ok(Found::No("this is not a Debian-like system (no apt-get)".to_owned()));
    }
    if !is_root() {
        return Ok(Found::No(format!(
            "missing {}, and only root may install them",
            missing_packages().join(", ")
        )));
    }
    ui.say(&format!(
        "  installing Debian packages into this system, as root: {}",
        missing_packages().join(" ")
    ));
    for arguments in [
        ["update", "-q"].as_slice(),
        &[&["install", "-q", "-y", "--no-install-recommends"], PACKAGES].concat(),
    ] {
        let mut command = Command::new("/usr/bin/apt-get");
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        let ran = run(ui, root, "apt-get", &mut command, Show::Progress)?;
        if !ran.success {
            let why = ran.log.iter().rev().find(|line| line.starts_with("E:"));
            let why = why.or(ran.log.last()).map_or("it failed without a word", String::as_str);
            return Ok(Found::No(format!("apt-get {}: {why}", arguments.join(" "))));
        }
    }
    match missing_packages().as_slice() {
        [] => {
            ui.say(&format!("  guest target {TARGET}: building std with Debian's Rust packages"));
            Ok(Found::Ready)
        }
        missing => Ok(Found::No(format!("still missing after apt-get: {}", missing.join(", ")))),
    }
}

fn missing_packages() -> Vec<&'static str> {
    PACKAGES.iter().copied().filter(|package| !is_installed(package)).collect()
}

fn is_installed(package: &str) -> bool {
    Command::new("dpkg-query")
        .args(["-W", "-f=${db:Status-Status}", package])
        .output()
        .is_ok_and(|output| output.status.success() && output.stdout == b"installed")
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
