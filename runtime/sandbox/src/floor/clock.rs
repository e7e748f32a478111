//! Clocks that two runs of one plan read alike: they start at a recorded base and advance by a fixed
//! step per read, plus the time that the plugin slept. A real clock would tell a plan from its
//! application, and one plugin about another.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use wasmtime::component::{HasData, Resource, ResourceTable};
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
use wasmtime_wasi_io::poll::{DynPollable, Pollable, subscribe};

/// How far each read moves both clocks: 1 µs.
const STEP: u64 = 1_000;

/// Selects the clock in a store.
pub(crate) struct VirtualClock;

impl HasData for VirtualClock {
    type Data<'a> = ClockView<'a>;
}

/// The two clocks of one run.
pub(crate) struct Clock {
    /// Wall time at the start, since the Unix epoch.
    base: Duration,
    /// Nanoseconds that have passed for the plugin.
    elapsed: Arc<AtomicU64>,
    /// When the run ends in any case.
    deadline: tokio::time::Instant,
}

impl Clock {
    pub(crate) fn new(base: Duration, deadline: tokio::time::Instant) -> Self {
        Self { base, elapsed: Arc::default(), deadline }
    }
    fn read(&self) -> u64 {
        self.elapsed.fetch_add(STEP, Ordering::Relaxed).saturating_add(STEP)
    }
}

/// The clock with the table that its pollables live in.
pub(crate) struct ClockView<'a> {
    pub(crate) clock: &'a Clock,
    pub(crate) table: &'a mut ResourceTable,
}

impl ClockView<'_> {
    fn sleep(&mut self, nanos: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let now = tokio::time::Instant::now();
        // A wait that cannot be represented is longer than the run.
        let until = now.checked_add(Duration::from_nanos(nanos));
        let sleep = Sleep {
            until: until.filter(|until| *until < self.clock.deadline),
            deadline: self.clock.deadline,
            target: self.clock.elapsed.load(Ordering::Relaxed).saturating_add(nanos),
            elapsed: self.clock.elapsed.clone(),
            yielded: false,
        };
        let sleep = self.table.push(sleep)?;
        subscribe(self.table, sleep)
    }
}

impl wall_clock::Host for ClockView<'_> {
    fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        let now = self.clock.base.saturating_add(Duration::from_nanos(self.clock.read()));
        Ok(wall_clock::Datetime { seconds: now.as_secs(), nanoseconds: now.subsec_nanos() })
    }
    fn resolution(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        Ok(wall_clock::Datetime { seconds: 0, nanoseconds: 1_000 })
    }
}

impl monotonic_clock::Host for ClockView<'_> {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.clock.read())
    }
    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(STEP)
    }
    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let now = self.clock.elapsed.load(Ordering::Relaxed);
        self.sleep(when.saturating_sub(now))
    }
    fn subscribe_duration(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.sleep(when)
    }
}

/// One subscription. It sleeps in real time, so that a plugin can wait for the world, and then moves
/// the plugin's clock.
struct Sleep {
    /// `None`: not before the run's deadline, which ends the run.
    until: Option<tokio::time::Instant>,
    deadline: tokio::time::Instant,
    target: u64,
    elapsed: Arc<AtomicU64>,
    yielded: bool,
}

#[wasmtime_wasi::async_trait]
impl Pollable for Sleep {
    async fn ready(&mut self) {
        match self.until {
            Some(until) => {
                if !self.yielded {
                    // A busy loop over polls of zero length must let others run.
                    self.yielded = true;
                    tokio::task::yield_now().await;
                }
                tokio::time::sleep_until(until).await;
            }
            None => {
                tokio::time::sleep_until(self.deadline).await;
                // The run's timeout is due now and drops this future with its store.
                std::future::pending::<()>().await;
            }
        }
        self.elapsed.fetch_max(self.target, Ordering::Relaxed);
    }
}
