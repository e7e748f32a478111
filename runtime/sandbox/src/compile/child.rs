//! Compiling in a child process. A small component can make a compiler use all memory or run for hours;
//! the child limits itself before it reads a byte, and the parent kills it when its time is over.

use crate::{AdmissionError, PluginBytes, bytes::MAX_PLUGIN_BYTES, engine, excerpt};
use rustix::process::{Resource, Rlimit, setrlimit};
use std::{
    ffi::OsString,
    io::{self, Read, Write},
    path::Path,
    process::{Child, Command, ExitCode, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};
use wasmtime::Engine;

/// Wall time of one compilation.
const WALL: Duration = Duration::from_secs(150);
/// CPU seconds of one compilation, over all its threads.
const CPU_SECONDS: u64 = 90;
/// Address space of the child, in bytes.
const ADDRESS_SPACE: u64 = 4 << 30;
/// The largest artifact.
const MAX_ARTIFACT: u64 = 1 << 30;
/// How much of the child's words is kept.
const MAX_WORDS: u64 = 4 << 10;

/// The exit code of a child that says, in words, why it did not compile. A panic or a signal has another.
const SAYS_WHY: i32 = 3;

/// What the compiling child runs: limits itself, reads a component from standard input, writes the
/// artifact to standard output. On failure the reason is on standard error and the code is not 0.
pub fn compile_child() -> ExitCode {
    match limit_and_compile() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // With nobody reading there is nobody to tell.
            let _ = writeln!(io::stderr(), "{message}");
            ExitCode::from(u8::try_from(SAYS_WHY).unwrap_or(1))
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
/// The child cannot be started, says why it did not compile, or does not end well in time.
pub(super) fn compile(
    program: &Path,
    arguments: &[OsString],
    bytes: &[u8],
) -> Result<Vec<u8>, AdmissionError> {
    let watch = Watch::new(WALL);
    watch
        .compile(program, arguments, bytes)
        .map_err(|problem| AdmissionError::Compile(excerpt::sentence(problem)))
}

/// The parent's patience with one child.
struct Watch {
    wall: Duration,
    ends: Instant,
}

impl Watch {
    fn new(wall: Duration) -> Self {
        Self { wall, ends: Instant::now() + wall }
    }

    fn left(&self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }

    fn too_long(&self) -> String {
        format!("the compiling child took longer than {} s", self.wall.as_secs_f32())
    }

    fn compile(
        &self,
        program: &Path,
        arguments: &[OsString],
        bytes: &[u8],
    ) -> Result<Vec<u8>, String> {
        let mut child = Command::new(program)
            .args(arguments)
            // Nothing of the host's environment is the compiler's business.
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| format!("`{}` cannot be started: {e}", program.display()))?;
        let ended = self
            .converse(&mut child, bytes)
            .and_then(|(artifact, words)| Ok((artifact, words, self.status(&mut child)?)));
        if ended.is_err() {
            // It may have ended already; and what is killed ends, so waiting for it is short.
            let _ = child.kill();
            let _ = child.wait();
        }
        let (artifact, words, status) = ended?;
        if status.success() {
            return Ok(artifact);
        }
        let words = words.trim().escape_debug().to_string();
        if status.code() == Some(SAYS_WHY) && !words.is_empty() {
            return Err(words);
        }
        let said = if words.is_empty() { words } else { format!("; it said: {words}") };
        Err(format!(
            "the compiling child ended with {status}; it may use {CPU_SECONDS} s of CPU and {} MiB{said}",
            ADDRESS_SPACE >> 20
        ))
    }

    /// Feeds the child and takes what it says, each stream by a thread of its own: a child that stops
    /// reading must not keep the host from noticing that its time is over.
    fn converse(&self, child: &mut Child, bytes: &[u8]) -> Result<(Vec<u8>, String), String> {
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
            .recv_timeout(self.left())
            .map_err(|_| self.too_long())?
            .map_err(|e| format!("the artifact cannot be read: {e}"))?;
        let words = words_done.recv_timeout(self.left()).map_err(|_| self.too_long())?;
        Ok((artifact, String::from_utf8_lossy(&words.unwrap_or_default()).into_owned()))
    }

    /// How the child ended: one that closes its streams and stays is killed, too.
    fn status(&self, child: &mut Child) -> Result<ExitStatus, String> {
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) if self.left().is_zero() => return Err(self.too_long()),
                Ok(None) => thread::sleep(Duration::from_millis(1)),
                Err(e) => return Err(format!("the compiling child cannot be waited for: {e}")),
            }
        }
    }
}

fn read_to_end(stream: impl Read, max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.take(max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A child that would stay for a minute, watched for a moment; and whether it was ended.
    fn watched(script: &str, bytes: &[u8]) -> String {
        let note = tempfile::NamedTempFile::new().unwrap();
        let script = format!("echo $$ > {}; {script}", note.path().display());
        let watch = Watch::new(Duration::from_millis(500));
        let problem = watch
            .compile(Path::new("/bin/sh"), &["-c".into(), script.into()], bytes)
            .expect_err("a shell is no compiler");
        assert!(watch.ends.elapsed() < Duration::from_secs(5), "{:?}", watch.ends.elapsed());
        let pid = std::fs::read_to_string(note.path()).unwrap();
        let process = Path::new("/proc").join(pid.trim());
        assert!(!pid.is_empty() && !process.exists(), "it was killed and waited for");
        problem
    }

    /// INVARIANT: a compilation ends in time, whatever the child does with its streams.
    #[test]
    fn a_child_that_does_not_end_is_killed_when_its_time_is_over() {
        for silent in [
            "exec sleep 60",
            // It reads nothing: the host's own thread is stuck in writing to it.
            "exec 0<&-; exec sleep 60",
            // It has said all that it will say, and stays.
            "exec 1>&- 2>&-; exec sleep 60",
            "exec 2>&-; exec sleep 60",
            "exec 1>&-; exec sleep 60",
        ] {
            let problem = watched(silent, &vec![0; 1 << 20]);
            assert_eq!(problem, "the compiling child took longer than 0.5 s", "{silent}");
        }
    }

    #[test]
    fn a_child_that_fails_is_quoted() {
        assert_eq!(watched("echo no such instruction >&2; exit 3", b""), "no such instruction");
        let panicked = watched("echo \"thread 'main' panicked at x.rs\" >&2; exit 101", b"");
        assert!(panicked.contains("exit status: 101"), "{panicked}");
        assert!(panicked.contains("; it said: thread \\'main\\' panicked at x.rs"), "{panicked}");
        let killed = watched("kill -9 $$", b"");
        assert!(killed.contains("signal: 9") && killed.contains("90 s of CPU"), "{killed}");
    }
}
