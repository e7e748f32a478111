//! One point: what is under way, and what happens to it where. Its text is all that is needed to have a
//! failure again.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Result, bail};

use super::scene::Scenario;

/// Which calls are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Those on the journal's files.
    Journal,
    /// Those on the journal's files, and in the provider's folders.
    World,
    /// All of them.
    All,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// SIGKILL, instead of the call.
    Kill,
    /// SIGKILL, and then the disk is found without what was not synced.
    PowerLoss,
    /// The call fails, as on a broken disk.
    Eio,
    /// The call fails, as on a full disk.
    Enospc,
    /// SIGKILL after so many microseconds, wherever that is.
    Moment,
}

/// One point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) scenario: Scenario,
    pub(super) scope: Scope,
    pub(super) call: String,
    /// The how manieth such call of a thread; microseconds for a moment.
    pub(super) n: u32,
    pub(super) kind: Kind,
}

impl Scope {
    pub(super) const ALL: [Self; 3] = [Self::Journal, Self::World, Self::All];

    const fn name(self) -> &'static str {
        match self {
            Self::Journal => "journal",
            Self::World => "world",
            Self::All => "all",
        }
    }
}

impl Kind {
    pub(super) const ALL: [Self; 5] =
        [Self::Kill, Self::PowerLoss, Self::Eio, Self::Enospc, Self::Moment];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::PowerLoss => "power-loss",
            Self::Eio => "eio",
            Self::Enospc => "enospc",
            Self::Moment => "moment",
        }
    }

    /// Whether the process ends there.
    pub(super) const fn kills(self) -> bool {
        matches!(self, Self::Kill | Self::PowerLoss | Self::Moment)
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, scope, call, n, kind } = self;
        write!(f, "{}/{}/{call}/{n}/{}", scenario.name(), scope.name(), kind.name())
    }
}

impl FromStr for Point {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        let [scenario, scope, call, n, kind] = parts.as_slice() else {
            bail!("`{text}` is not a point: scenario/scope/call/number/kind");
        };
        Ok(Self {
            scenario: *Scenario::ALL.iter().find(|s| s.name() == *scenario).context("scenario")?,
            scope: *Scope::ALL.iter().find(|s| s.name() == *scope).context("scope")?,
            call: (*call).to_owned(),
            n: n.parse()?,
            kind: *Kind::ALL.iter().find(|k| k.name() == *kind).context("kind")?,
        })
    }
}

/// A small generator (xorshift64*), so that a choice can be had again.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(super) fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.roll() >> 16).unwrap_or(0) % most.max(1)
    }
}

/// So many points: every position in a random order, and then more of them with moments between.
pub(super) fn choose(
    positions: &[Point],
    longest: &[(Scenario, u32)],
    count: usize,
    seed: u64,
) -> Vec<Point> {
    let mut dice = Dice(seed | 1);
    let moment = |dice: &mut Dice| {
        let any = longest.get(dice.below(longest.len()));
        let (scenario, micros) = any.copied().unwrap_or((Scenario::Changes, 100_000));
        let n = u32::try_from(dice.below(micros as usize)).unwrap_or(0);
        Point { scenario, scope: Scope::All, call: "-".into(), n, kind: Kind::Moment }
    };
    let mut left: Vec<Point> = positions.to_vec();
    let mut chosen = Vec::with_capacity(count);
    while chosen.len() < count {
        // One in eight comes at a moment that no system call marks.
        if left.is_empty() || chosen.len() % 8 == 7 {
            chosen.push(moment(&mut dice));
        } else {
            chosen.push(left.swap_remove(dice.below(left.len())));
        }
        if left.is_empty() {
            left = positions.to_vec();
        }
        if positions.is_empty() {
            left.clear();
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_its_text() {
        for text in ["changes/journal/pwrite64/7/kill", "signs/all/-/1200/moment"] {
            assert_eq!(text.parse::<Point>().unwrap().to_string(), text);
        }
        assert!("changes/journal/7/kill".parse::<Point>().is_err());
    }
}
