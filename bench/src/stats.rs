//! Times of many turns, and how two things are measured so that noise hits both: in short blocks, one after
//! the other, until the time is over.
//!
//! The mistake it stops: a ratio of two numbers that were taken under different weather.

use anyhow::Result;
use std::time::{Duration, Instant};

/// Times in nanoseconds, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Times(Vec<f64>);

impl Times {
    /// Takes times as they came.
    pub(crate) fn of(mut nanoseconds: Vec<f64>) -> Self {
        nanoseconds.sort_by(f64::total_cmp);
        Self(nanoseconds)
    }

    /// The nearest rank, in nanoseconds; not a number where nothing was measured.
    pub(crate) fn percentile(&self, of_hundred: usize) -> f64 {
        let rank = (self.0.len() * of_hundred).div_ceil(100).max(1);
        self.0.get(rank - 1).copied().unwrap_or(f64::NAN)
    }

    /// The same in microseconds.
    pub(crate) fn us(&self, of_hundred: usize) -> f64 {
        self.percentile(of_hundred) / 1e3
    }

    pub(crate) fn p50_us(&self) -> f64 {
        self.us(50)
    }

    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }
}

/// One turn of something, timed by itself: it says how many nanoseconds count.
pub(crate) type Turn<'a> = Box<dyn FnMut() -> Result<f64> + 'a>;

/// Times a piece of work.
///
/// # Errors
/// Those of the work.
pub(crate) fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<f64> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_nanos() as f64)
}

/// Measures several things, a block of turns of each by turns, for about as long as given. The first block of each
/// is a warm-up and does not count.
///
/// # Errors
/// The first turn that fails.
pub(crate) fn interleaved(
    turns: &mut [Turn<'_>],
    block: usize,
    time: Duration,
) -> Result<Vec<Times>> {
    let mut all = vec![Vec::new(); turns.len()];
    for turn in turns.iter_mut() {
        for _ in 0..block {
            turn()?;
        }
    }
    let until = Instant::now() + time;
    loop {
        for (turn, times) in turns.iter_mut().zip(all.iter_mut()) {
            for _ in 0..block {
                times.push(turn()?);
            }
        }
        if Instant::now() >= until {
            return Ok(all.into_iter().map(Times::of).collect());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let times = Times::of((1..=100).rev().map(f64::from).collect());
        assert_eq!([50, 90, 99].map(|p| times.percentile(p)), [50.0, 90.0, 99.0]);
        assert_eq!(Times::of(vec![7.0]).percentile(99), 7.0);
        assert!(Times::default().percentile(50).is_nan());
    }

    #[test]
    fn each_has_its_turn_and_the_warm_up_does_not_count() {
        let (mut a, mut b) = (0, 0);
        let mut turns: Vec<Turn<'_>> = vec![
            Box::new(|| {
                a += 1;
                Ok(1.0)
            }),
            Box::new(|| {
                b += 1;
                Ok(2.0)
            }),
        ];
        let all = interleaved(&mut turns, 5, Duration::ZERO).unwrap();
        drop(turns);
        assert_eq!((a, b), (10, 10));
        assert_eq!(all.iter().map(Times::count).collect::<Vec<_>>(), [5, 5]);
    }
}
