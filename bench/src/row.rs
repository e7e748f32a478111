//! One row: what was measured, its floor in the same run, its bound, and whether it is met. A row that could not
//! be measured says why, and is neither met nor missed.
//!
//! The mistake it stops: a number that reads as good because nobody said what it should be.

use crate::stats::Times;
use serde_json::{Value, json};

/// What a number is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Micros,
    Millis,
    MiB,
    PerSecond,
    Count,
}

impl Unit {
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Micros => "µs",
            Self::Millis => "ms",
            Self::MiB => "MiB",
            Self::PerSecond => "/s",
            Self::Count => "",
        }
    }
}

/// What must hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bound {
    /// Value ÷ floor is at most this.
    Ratio(f64),
    /// Value ÷ floor is at least this: a rate.
    RatioAtLeast(f64),
    /// Value − floor is at most this.
    Above(f64),
    /// The value is at most this.
    AtMost(f64),
    /// None: told, and judged by nobody.
    Told,
}

/// The spread of a latency, in the row's unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
}

/// One row.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// A stable name, for scripts.
    pub(crate) name: &'static str,
    /// The line of the design that it belongs to, in its words; empty for what is told beside them.
    pub(crate) what: &'static str,
    pub(crate) unit: Unit,
    pub(crate) value: Option<f64>,
    pub(crate) floor: Option<f64>,
    /// What the floor is.
    pub(crate) floor_is: &'static str,
    pub(crate) bound: Bound,
    pub(crate) spread: Option<Spread>,
    pub(crate) note: String,
}

impl Row {
    pub(crate) fn new(name: &'static str, what: &'static str, unit: Unit, bound: Bound) -> Self {
        Self {
            name,
            what,
            unit,
            value: None,
            floor: None,
            floor_is: "",
            bound,
            spread: None,
            note: String::new(),
        }
    }

    /// With a value.
    pub(crate) fn value(mut self, value: f64) -> Self {
        // What is no number was not measured.
        self.value = value.is_finite().then_some(value);
        self
    }

    /// With the median of times, and their spread.
    pub(crate) fn times(mut self, times: &Times) -> Self {
        let scale = match self.unit {
            Unit::Millis => 1e6,
            _ => 1e3,
        };
        let [p50, p90, p99] = [50, 90, 99].map(|p| times.percentile(p) / scale);
        if p50.is_finite() {
            self.spread = Some(Spread { p50, p90, p99 });
        }
        self.value(p50)
    }

    /// With a floor.
    pub(crate) fn floor(mut self, is: &'static str, floor: f64) -> Self {
        self.floor = floor.is_finite().then_some(floor);
        self.floor_is = is;
        self
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// Not measured, and why.
    pub(crate) fn not_measured(mut self, why: impl std::fmt::Display) -> Self {
        (self.value, self.floor, self.spread) = (None, None, None);
        self.note = format!("not measured: {why}");
        self
    }

    /// Value ÷ floor.
    pub(crate) fn ratio(&self) -> Option<f64> {
        match (self.value, self.floor) {
            (Some(value), Some(floor)) if floor > 0.0 => Some(value / floor),
            _ => None,
        }
    }

    /// Whether the bound is met; nothing where there is none, or nothing was measured.
    pub(crate) fn met(&self) -> Option<bool> {
        let value = self.value?;
        match self.bound {
            Bound::Ratio(most) => Some(self.ratio()? <= most),
            Bound::RatioAtLeast(least) => Some(self.ratio()? >= least),
            Bound::Above(most) => Some(value - self.floor? <= most),
            Bound::AtMost(most) => Some(value <= most),
            Bound::Told => None,
        }
    }

    /// The bound in words.
    pub(crate) fn bound_text(&self) -> String {
        let unit = self.unit.text();
        match self.bound {
            Bound::Ratio(most) => format!("≤ {most} × floor"),
            Bound::RatioAtLeast(least) => format!("≥ {least} × floor"),
            Bound::Above(most) => format!("≤ {most} {unit} above floor"),
            Bound::AtMost(most) => format!("≤ {most} {unit}").trim_end().to_owned(),
            Bound::Told => "—".to_owned(),
        }
    }

    /// As `--json` has it. Floor and ratio are null where a bound is absolute.
    pub(crate) fn json(&self) -> Value {
        let spread = self.spread.map(|s| json!({"p50": s.p50, "p90": s.p90, "p99": s.p99}));
        json!({
            "name": self.name,
            "what": self.what,
            "unit": self.unit.text(),
            "value": self.value,
            "floor": self.floor,
            "floor_is": (!self.floor_is.is_empty()).then_some(self.floor_is),
            "ratio": self.ratio(),
            "bound": (self.bound != Bound::Told).then(|| self.bound_text()),
            "met": self.met(),
            "spread": spread,
            "note": self.note,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(bound: Bound) -> Row {
        Row::new("a", "b", Unit::Micros, bound).value(15.0).floor("f", 10.0)
    }

    #[test]
    fn a_bound_is_met_or_missed_and_a_row_without_a_number_is_neither() {
        let met = |bound| row(bound).met();
        assert_eq!(met(Bound::Ratio(1.5)), Some(true));
        assert_eq!(met(Bound::Ratio(1.4)), Some(false));
        assert_eq!(met(Bound::RatioAtLeast(1.6)), Some(false));
        assert_eq!(met(Bound::Above(5.0)), Some(true));
        assert_eq!(met(Bound::Above(4.9)), Some(false));
        assert_eq!(met(Bound::AtMost(14.0)), Some(false));
        assert_eq!(met(Bound::Told), None);
        let unmeasured = row(Bound::AtMost(99.0)).not_measured("no disk");
        assert_eq!((unmeasured.met(), unmeasured.value), (None, None));
        assert!(unmeasured.note.contains("not measured: no disk"));
        assert_eq!(row(Bound::AtMost(99.0)).value(f64::NAN).met(), None);
    }
}
