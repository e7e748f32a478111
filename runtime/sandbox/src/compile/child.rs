//! Compiling in a child process. A small component can make a compiler use all memory or run for hours;
//! the child limits itself before it reads a byte, and the parent kills it when its time is over.

use crate::{AdmissionError, PluginBytes, bytes::MAX_PLUGIN_BYTES, engine};
use rustix::process::{Resource, Rlimit, setrlimit};
use std::{
    ffi::OsString,
    io::{self, Read, Write},
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};
use wasmtime::Engine;

/// Wall time of one compilation.
const WALL: Duration = Duration::from_secs(60);
/// CPU seconds of one compilation, over all its threads.
const CPU_SECONDS: u64 = 90;
/// Address space of the child, in bytes.
const ADDRESS_SPACE: u64 = 4 << 30;
/// The largest artifact.
const MAX_ARTIFACT: u64 = 1 << 30;
/// How much of the child's words is kept.
const MAX_WORDS: u64 = 4 << 10;

/// The exit code of a child that says, in words, what is wrong with the component. A panic or a signal
/// has another.
const NOT_VALID: i32 = 3;

/// What the compiling child runs: limits itself, reads a component from standard input, writes the
/// artifact to standard output. On failure the reason is on standard error and the code is not 0.
pub fn compile_child() -> ExitCode {
    match limit_and_compile() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // With nobody reading there is nobody to tell.
            let _ = writeln!(io::stderr(), "{message}");
            ExitCode::from(u8::try_from(NOT_VALID).unwrap_or(1))
        }
    }
}

fn limit_and_compile() -> Result<(), String> {
    let limit = |resource, value| {
        setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })
            .map_err(|e| format!("a resource limit cannot be set: {e}"))
    };
    limit(Resource::Cpu, CPU_SECONDS)?;
    limit(Resource::As, ADDRESS_SPACE)?;
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, 0)?;
    // Standard input, output and error are open already; nothing else may be.
    limit(Resource::Nofile, 3)?;

    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .take(MAX_PLUGIN_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| format!("the component cannot be read: {e}"))?;
    let plugin = PluginBytes::from_file_bytes(bytes).map_err(|e| e.to_string())?;
    let engine = Engine::new(&engine::config()).map_err(|e| format!("{e:#}"))?;
    let artifact = engine.precompile_component(plugin.bytes()).map_err(|e| format!("{e:#}"))?;
    let mut out = io::stdout().lock();
    out.write_all(&artifact)
        .and_then(|()| out.flush())
        .map_err(|e| format!("the artifact cannot be written: {e}"))
}

/// Compiles `bytes` in a child.
///
/// # Errors
/// The child cannot be started, says that the component is not valid, or does not end well in time.
pub(super) fn compile(
    program: &Path,
    arguments: &[OsString],
    bytes: &[u8],
) -> Result<Vec<u8>, AdmissionError> {
    let cannot = |what: &str, e: &dyn std::fmt::Display| {
        AdmissionError::Compile(format!("`{}` {what}: {e}", program.display()))
    };
    let mut child = Command::new(program)
        .args(arguments)
        // Nothing of the host's environment is the compiler's business.
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| cannot("cannot be started", &e))?;
    let result = converse(&mut child, bytes);
    if result.is_err() {
        // It may have ended already.
        let _ = child.kill();
    }
    let status = child.wait().map_err(|e| cannot("cannot be waited for", &e))?;
    let (artifact, words) = result.map_err(AdmissionError::Compile)?;
    if status.success() {
        return Ok(artifact);
    }
    let words = words.trim().escape_debug().to_string();
    Err(if status.code() == Some(NOT_VALID) && !words.is_empty() {
        AdmissionError::Malformed(words)
    } else {
        AdmissionError::Compile(format!(
            "the compiling child ended with {status}; it may use {CPU_SECONDS} s of CPU and {} MiB {words}",
            ADDRESS_SPACE >> 20
        ))
    })
}

/// Feeds the child and takes what it says, each stream by a thread of its own: a child that stops
/// reading must not keep the host from noticing that its time is over.
fn converse(child: &mut Child, bytes: &[u8]) -> Result<(Vec<u8>, String), String> {
    let (Some(mut stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err("the compiling child has no pipes".into());
    };
    let input = bytes.to_vec();
    thread::spawn(move || {
        // A child that ends early closes the pipe; its words say why.
        let _ = stdin.write_all(&input);
    });
    let (artifact, artifact_done) = mpsc::channel();
    thread::spawn(move || artifact.send(read_to_end(stdout, MAX_ARTIFACT)));
    let (words, words_done) = mpsc::channel();
    thread::spawn(move || words.send(read_to_end(stderr, MAX_WORDS)));
    let artifact = artifact_done
        .recv_timeout(WALL)
        .map_err(|_| format!("it took longer than {} s", WALL.as_secs()))?
        .map_err(|e| format!("the artifact cannot be read: {e}"))?;
    let words = words_done
        .recv_timeout(Duration::from_secs(5))
        .map_err(|_| "the compiling child does not end".to_owned())?
        .unwrap_or_default();
    Ok((artifact, String::from_utf8_lossy(&words).into_owned()))
}

fn read_to_end(stream: impl Read, max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.take(max).read_to_end(&mut bytes)?;
    Ok(bytes)
}
