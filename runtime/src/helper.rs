//! The hidden roles of the host's program. Compiling a plugin, owning a service process and playing a
//! sample service each happen in a process of their own; the host starts its own program again, in one
//! of these roles. A program that embeds the host calls [`run_if_asked`] first.

use crate::HostError;
use interlock_providers::environment;
use std::{
    ffi::OsString,
    path::PathBuf,
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
};

/// What the first argument says when the program is started as a helper. The word is long and odd on
/// purpose: no argument of a real command can be it.
const MARK: &str = "__interlock-helper";

static READY: AtomicBool = AtomicBool::new(false);

/// Plays a helper's role and ends the process, if it was started for one; else returns at once.
///
/// Call it first in `main`, before a runtime or a thread exists: the roles set limits on their own
/// process.
pub fn run_if_asked() {
    READY.store(true, Ordering::Release);
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_none_or(|first| first != MARK) {
        return;
    }
    let role = arguments.next().unwrap_or_default();
    let rest: Vec<OsString> = arguments.collect();
    let code = match role.to_str() {
        Some("compile") => interlock_sandbox::compile_child(),
        Some("runner") => environment::runner_main(rest),
        Some("sample-service") => environment::sample::service_main(rest),
        _ => ExitCode::from(2),
    };
    // `ExitCode` cannot be turned into a number on stable; ending `main` early is what is wanted.
    std::process::exit(if code == ExitCode::SUCCESS { 0 } else { 1 });
}

/// A program that can play the helper's roles.
#[derive(Debug, Clone)]
pub struct Helper {
    program: PathBuf,
}

impl Helper {
    /// This very program, which must have called [`run_if_asked`].
    ///
    /// # Errors
    /// When it has not: starting it again would run it as itself.
    pub fn this_program() -> Result<Self, HostError> {
        if !READY.load(Ordering::Acquire) {
            return Err(HostError::NoHelper);
        }
        let program = std::env::current_exe()
            .map_err(HostError::io("cannot find the path of this program"))?;
        Ok(Self { program })
    }

    /// Another program that calls [`run_if_asked`], such as the `interlock` binary.
    pub fn program(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into() }
    }

    /// The program and the arguments that start one role.
    pub fn role(&self, role: &str) -> (PathBuf, Vec<OsString>) {
        (self.program.clone(), vec![MARK.into(), role.into()])
    }
}
