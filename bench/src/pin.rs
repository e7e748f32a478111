//! Processes and threads on one core. On a virtual machine waking another core costs tens of microseconds, more
//! than what is measured; what is pinned says so in its row.

use anyhow::{Context, Result};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Holds the calling thread, and what it starts meanwhile, on one core; dropping it gives the cores back.
#[derive(Debug)]
pub(crate) struct OneCore(CpuSet);

impl OneCore {
    /// The last core that this process may use: the first is where interrupts go.
    ///
    /// # Errors
    /// When the system does not let us.
    pub(crate) fn hold() -> Result<Self> {
        let before = sched_getaffinity(None).context("cannot read which cores may be used")?;
        let last = (0..CpuSet::MAX_CPU).rev().find(|cpu| before.is_set(*cpu));
        let mut one = CpuSet::new();
        one.set(last.context("no core may be used")?);
        sched_setaffinity(None, &one).context("cannot hold a core")?;
        Ok(Self(before))
    }
}

impl Drop for OneCore {
    fn drop(&mut self) {
        // It was in force before.
        let _ = sched_setaffinity(None, &self.0);
    }
}
