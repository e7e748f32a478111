//! Limits of a run as people write them: sizes such as `64MiB`, times such as `10s`.

use super::raw::RawLimits;
use crate::HostError;
use bytesize::ByteSize;
use interlock_sandbox::Limits;
use jiff::SignedDuration;
use std::time::Duration;
use toml::Spanned;

/// Everything that bounds one run: what the sandbox enforces, and what the gate charges.
#[derive(Debug, Clone)]
pub struct RunLimits {
    /// Memory, time, output, log and fuel.
    pub sandbox: Limits,
    /// Capability calls in one run.
    pub host_calls: u64,
    /// Bytes of arguments and results of all capability calls in one run.
    pub host_bytes: u64,
    /// Bytes that a run which plans may tell the world outside, in paths, queries and headers of its reads.
    pub plan_bytes: u64,
    /// Bytes that are recorded of one run, so that it can be replayed; 0 records nothing.
    pub recording: u64,
}

impl Default for RunLimits {
    fn default() -> Self {
        Self {
            sandbox: Limits::default(),
            host_calls: 10_000,
            host_bytes: 16 << 20,
            plan_bytes: 1 << 10,
            recording: 1 << 20,
        }
    }
}

/// Reads the `[limits]` table over the defaults.
pub(super) fn check(
    raw: &RawLimits,
    error: impl Fn(&Spanned<String>, String) -> HostError,
) -> Result<RunLimits, HostError> {
    let size = |at: &Option<Spanned<String>>, most: u64, otherwise: u64| match at {
        None => Ok(otherwise),
        Some(at) => match at.get_ref().parse::<ByteSize>() {
            Ok(size) if (1..=most).contains(&size.as_u64()) => Ok(size.as_u64()),
            Ok(_) => {
                Err(error(at, format!("must be at least 1 byte and at most {}", ByteSize(most))))
            }
            Err(_) => Err(error(
                at,
                format!("`{}` is not a size; write one such as `64MiB`", at.get_ref()),
            )),
        },
    };
    let mut limits = RunLimits::default();
    let sandbox = &mut limits.sandbox;
    sandbox.memory = size(&raw.memory, 4 << 30, sandbox.memory)?;
    sandbox.output = size(&raw.output, 64 << 20, sandbox.output)?;
    sandbox.log = size(&raw.log, 16 << 20, sandbox.log)?;
    sandbox.fuel = raw.fuel.or(sandbox.fuel);
    if let Some(at) = &raw.time {
        let time =
            at.get_ref().parse::<SignedDuration>().ok().and_then(|d| Duration::try_from(d).ok());
        match time {
            Some(time)
                if (Duration::from_millis(1)..=Duration::from_secs(3600)).contains(&time) =>
            {
                sandbox.time = time;
            }
            Some(_) => return Err(error(at, "must be at least `1ms` and at most `1h`".to_owned())),
            None => {
                return Err(error(
                    at,
                    format!("`{}` is not a time; write one such as `10s`", at.get_ref()),
                ));
            }
        }
    }
    limits.host_bytes = size(&raw.host_bytes, 1 << 30, limits.host_bytes)?;
    limits.plan_bytes = size(&raw.plan_bytes, 1 << 20, limits.plan_bytes)?;
    limits.host_calls = raw.host_calls.unwrap_or(limits.host_calls);
    // The only one that may be nothing.
    limits.recording = match &raw.recording {
        Some(at) if at.get_ref() == "0" => 0,
        at => size(at, 64 << 20, limits.recording)?,
    };
    Ok(limits)
}
