//! The real binary, killed at any moment, on a disk that fails or forgets: what happened is never more than
//! what was approved and written down before, and nothing of it happens again.
//!
//! `cargo xtask crash` does this ten thousand times. Each point is a position in the run (the Nth call of a
//! kind that a thread makes) and what comes there: SIGKILL, SIGKILL and a power loss, EIO, ENOSPC; or SIGKILL
//! at a moment that no call marks.

mod check;
mod look;
mod point;
mod power;
mod scene;
mod trace;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use check::{Came, check};
use point::{Kind, Point, Scope, choose};
use scene::{Place, Scenario};

const POINTS: &str = "INTERLOCK_CRASH_POINTS";
const SEED: &str = "INTERLOCK_CRASH_SEED";
const POINT: &str = "INTERLOCK_CRASH_POINT";
/// As many as this machine's tests can have in a minute.
const FEW: usize = 200;
const WORKERS: usize = 2;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn intent_before_effect_and_at_most_once_hold_wherever_the_host_is_killed() -> Result<()> {
    let seed = number(SEED, 1);
    let traced = trace::is_possible();
    if !traced {
        println!(
            "ATTENTION: `strace` is not here or may not trace: only random moments are tried,"
        );
        println!("           no failing disk and no power loss.");
    }
    let folder = tempfile::tempdir()?;
    let points = match std::env::var(POINT) {
        Ok(text) => vec![text.parse()?],
        Err(_) => {
            let count = usize::try_from(number(POINTS, FEW as u64))?;
            let (positions, longest) = survey(traced, folder.path())?;
            println!("{} positions of {} scenarios", positions.len(), Scenario::ALL.len());
            choose(&positions, &longest, count, seed)
        }
    };
    let campaign = Campaign { points, seed, next: AtomicUsize::new(0), sums: Mutex::default() };
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|worker| {
                let log = folder.path().join(format!("{worker}.strace"));
                let campaign = &campaign;
                scope.spawn(move || campaign.work(&log))
            })
            .collect();
        workers.into_iter().try_for_each(|worker| {
            worker.join().map_err(|_| anyhow::anyhow!("a worker panicked"))?
        })
    })?;
    let campaign = campaign.tell(begun);
    // An injection that never comes proves nothing.
    for (kind, sum) in campaign {
        ensure!(sum.points < 20 || sum.reached * 2 > sum.points, "{kind} seldom came: {sum:?}");
    }
    Ok(())
}

/// How long each scenario takes undisturbed, in microseconds.
type Longest = Vec<(Scenario, u32)>;

/// Runs each scenario undisturbed: which calls it makes, and how long it takes, in microseconds.
fn survey(traced: bool, folder: &Path) -> Result<(Vec<Point>, Longest)> {
    let (mut positions, mut longest) = (Vec::new(), Vec::new());
    for scenario in Scenario::ALL {
        let place = Place::make(scenario)?;
        let begun = Instant::now();
        let ran = interlock_tests::run(place.path(), &place.words(), "")?.exit(0)?;
        longest.push((scenario, u32::try_from(begun.elapsed().as_micros())?));
        drop(ran);
        for scope in Scope::ALL.into_iter().filter(|_| traced) {
            place.restore()?;
            let (ran, calls) =
                trace::run(place.path(), &place.words(), scope, None, &folder.join("survey"))?;
            ran.exit(0)?;
            ensure!(!calls.is_empty(), "{} makes no call", scenario.name());
            for (call, most) in trace::positions(&calls) {
                for n in 1..=most {
                    for kind in kinds(scope, &call) {
                        let call = call.clone();
                        positions.push(Point { scenario, scope, call, n, kind: *kind });
                    }
                }
            }
        }
    }
    Ok((positions, longest))
}

/// What is worth a point: opening a library fails in as many places as there are libraries.
fn kinds(scope: Scope, call: &str) -> &'static [Kind] {
    match (scope, call) {
        (Scope::All, "openat") => &[],
        (_, "openat") => &[Kind::Kill, Kind::Eio],
        // The runtime's threads wake each other by writing to what no disk is behind.
        (Scope::All, "write") => &[Kind::Kill],
        (Scope::All, _) => &[Kind::Kill, Kind::Eio, Kind::Enospc],
        _ => &[Kind::Kill, Kind::PowerLoss, Kind::Eio, Kind::Enospc],
    }
}

struct Campaign {
    points: Vec<Point>,
    seed: u64,
    next: AtomicUsize,
    sums: Mutex<BTreeMap<(Scenario, &'static str), Sum>>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Sum {
    points: u64,
    reached: u64,
    lost: u64,
    effects: u64,
    intents: u64,
    unknown: u64,
}

impl Campaign {
    fn work(&self, log: &Path) -> Result<()> {
        let mut places: BTreeMap<Scenario, Place> = BTreeMap::new();
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(point) = self.points.get(index) else { return Ok(()) };
            if !places.get(&point.scenario).is_some_and(Place::is_fresh) {
                places.insert(point.scenario, Place::make(point.scenario)?);
            }
            let place = places.get(&point.scenario).context("no place")?;
            let seed = self.seed.wrapping_add(index as u64);
            let came = check(place, point, seed, log).inspect_err(|_| {
                // Nobody need begin another one.
                self.next.store(self.points.len(), Ordering::Relaxed);
            });
            let came = came.with_context(|| {
                format!("again: {SEED}={seed} {POINT}={point} cargo test -p interlock-tests --test all crashes::")
            })?;
            self.count(point, came);
            if (index + 1).is_multiple_of(500) {
                println!("{} of {} points", index + 1, self.points.len());
            }
        }
    }

    fn count(&self, point: &Point, came: Came) {
        let mut sums = self.sums.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let sum = sums.entry((point.scenario, point.kind.name())).or_default();
        sum.points += 1;
        sum.reached += u64::from(came.reached);
        sum.lost += u64::from(came.lost);
        sum.effects += came.effects;
        sum.intents += came.intents;
        sum.unknown += came.unknown;
    }

    /// Tells what came of it; gives the sums by what came.
    fn tell(&self, begun: Instant) -> BTreeMap<&'static str, Sum> {
        let sums = self.sums.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        println!("scenario  what comes   points  reached  lost  effects ≤ intents  unknown ends");
        let (mut all, mut kinds) = (Sum::default(), BTreeMap::<_, Sum>::new());
        for ((scenario, kind), sum) in sums.iter() {
            println!(
                "{:<9} {kind:<11} {:>7} {:>8} {:>5} {:>8}   {:>7} {:>13}",
                scenario.name(),
                sum.points,
                sum.reached,
                sum.lost,
                sum.effects,
                sum.intents,
                sum.unknown
            );
            let of_kind = kinds.entry(*kind).or_default();
            of_kind.points += sum.points;
            of_kind.reached += sum.reached;
            all.points += sum.points;
            all.reached += sum.reached;
            all.effects += sum.effects;
            all.intents += sum.intents;
        }
        println!(
            "{} points, {} of them reached; {} effects, {} intents; seed {}; {:.0} s; no violation",
            all.points,
            all.reached,
            all.effects,
            all.intents,
            self.seed,
            begun.elapsed().as_secs_f64()
        );
        kinds
    }
}
