//! How much one principal may ask: so many requests in a time, evenly refilled. Without it one agent in a
//! loop has the machine, and the others wait.

use std::time::{Duration, Instant};

/// Requests that may still be made.
#[derive(Debug)]
pub(super) struct Bucket {
    most: f64,
    per_second: f64,
    left: f64,
    filled: Instant,
}

impl Bucket {
    pub(super) fn new(most: u64, seconds: u64, now: Instant) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a rate near 2^53 is no limit anyway")]
        let (most, seconds) = (most as f64, seconds.max(1) as f64);
        Self { most, per_second: most / seconds, left: most, filled: now }
    }

    /// Takes one.
    ///
    /// # Errors
    /// How long until there is one.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.left = passed.mul_add(self.per_second, self.left).min(self.most);
        self.filled = now;
        if self.left >= 1.0 {
            self.left -= 1.0;
            Ok(())
        } else {
            Err(Duration::from_secs_f64((1.0 - self.left) / self.per_second))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(3, 3, start);
        assert!((0..3).all(|_| bucket.take(start).is_ok()));
        let wait = bucket.take(start).unwrap_err();
        assert!(wait <= Duration::from_secs(1) && wait > Duration::from_millis(900), "{wait:?}");
        assert!(bucket.take(start + Duration::from_secs(1)).is_ok());
        assert!(bucket.take(start + Duration::from_secs(1)).is_err());
        // Rest is not saved up beyond the rate.
        let later = start + Duration::from_secs(1000);
        assert_eq!((0..10).filter(|_| bucket.take(later).is_ok()).count(), 3);
    }
}
