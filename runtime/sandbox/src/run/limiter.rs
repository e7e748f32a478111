//! Memory and tables of one run, counted over all its instances. Growth past the bound traps instead
//! of returning -1, so that no plugin lives on in a state its author never tested.

use super::Stop;
use crate::{Limits, report::LimitKind};
use wasmtime::ResourceLimiter;

/// Counts what a store allocates.
pub(crate) struct Limiter {
    memory: Budget,
    tables: Budget,
    instances: u32,
    memories: u32,
    table_count: u32,
}

struct Budget {
    used: u64,
    cap: u64,
}

impl Budget {
    fn grow(&mut self, current: usize, desired: usize) -> bool {
        let more = (desired as u64).saturating_sub(current as u64);
        match self.used.checked_add(more) {
            Some(used) if used <= self.cap => {
                self.used = used;
                true
            }
            _ => false,
        }
    }
}

impl Limiter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            memory: Budget { used: 0, cap: limits.memory },
            tables: Budget { used: 0, cap: limits.table_elements },
            instances: limits.instances,
            memories: limits.memories,
            table_count: limits.tables,
        }
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if self.memory.grow(current, desired) {
            return Ok(true);
        }
        let message = format!(
            "the plugin wants {desired} bytes in one memory; all its memories may have {} together",
            self.memory.cap
        );
        Err(Stop::Limit { limit: LimitKind::Memory, message }.into())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if self.tables.grow(current, desired) {
            return Ok(true);
        }
        let message = format!(
            "the plugin wants {desired} elements in one table; all its tables may have {} together",
            self.tables.cap
        );
        Err(Stop::Limit { limit: LimitKind::Table, message }.into())
    }

    fn instances(&self) -> usize {
        self.instances as usize
    }
    fn memories(&self) -> usize {
        self.memories as usize
    }
    fn tables(&self) -> usize {
        self.table_count as usize
    }
}
