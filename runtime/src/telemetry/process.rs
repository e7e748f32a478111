//! The process itself, under the names that every exporter gives it: memory, open files, start.

use prometheus_client::{metrics::gauge::Gauge, registry::Registry};
use std::{
    sync::atomic::AtomicU64,
    time::{SystemTime, UNIX_EPOCH},
};

/// A gauge of seconds.
type Seconds = Gauge<f64, AtomicU64>;

#[derive(Default)]
pub(super) struct Gauges {
    resident: Gauge,
    files: Gauge,
    start: Seconds,
}

impl Gauges {
    pub(super) fn register(&self, registry: &mut Registry) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.start.set(now.as_secs_f64());
        let registry = registry.sub_registry_with_prefix("process");
        registry.register("resident_memory_bytes", "Memory in use", self.resident.clone());
        registry.register("open_fds", "Open files", self.files.clone());
        registry.register(
            "start_time_seconds",
            "When the process started, seconds since 1970",
            self.start.clone(),
        );
    }

    /// Reads them from the kernel; what cannot be read stays as it was.
    pub(super) fn look(&self) {
        // The second number, in pages (proc_pid_statm(5)).
        let pages = std::fs::read_to_string("/proc/self/statm")
            .ok()
            .and_then(|text| text.split(' ').nth(1).and_then(|pages| pages.parse::<i64>().ok()));
        let page = i64::try_from(rustix::param::page_size()).unwrap_or(4096);
        if let Some(pages) = pages {
            self.resident.set(pages.saturating_mul(page));
        }
        if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
            self.files.set(i64::try_from(files.count()).unwrap_or(i64::MAX));
        }
    }
}
