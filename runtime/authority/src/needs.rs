//! How many people a decision still needs. Requirements only ever add up: joining two never asks for
//! fewer people, or gives more time, than either of them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The people and the time that something needs before it may happen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Needs {
    /// How many different people of each group. The empty name is everybody on the roster.
    pub people: BTreeMap<String, u8>,
    /// How long a request waits for them, in seconds; absent where nothing says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u64>,
}

impl Needs {
    /// No people at all.
    pub fn nobody() -> Self {
        Self::default()
    }

    /// This many people of a group; the empty name is everybody on the roster.
    pub fn people(count: u8, group: impl Into<String>, ttl: Option<u64>) -> Self {
        let people =
            if count == 0 { BTreeMap::new() } else { BTreeMap::from([(group.into(), count)]) };
        Self { people, ttl }
    }

    /// Whether no person is needed.
    pub fn is_nobody(&self) -> bool {
        self.people.values().all(|count| *count == 0)
    }

    /// Both requirements together: the larger count of each group, the shorter time.
    #[must_use]
    pub fn join(mut self, other: &Self) -> Self {
        for (group, count) in &other.people {
            let most = self.people.entry(group.clone()).or_default();
            *most = (*most).max(*count);
        }
        self.ttl = match (self.ttl, other.ttl) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self
    }

    /// `2 people of sre-leads and 1 person of the roster`.
    pub fn sentence(&self) -> String {
        let one = |(group, count): (&String, &u8)| {
            let people = if *count == 1 { "person" } else { "people" };
            let of = if group.is_empty() { "the roster" } else { group };
            format!("{count} {people} of {of}")
        };
        let all: Vec<String> = self.people.iter().filter(|(_, c)| **c > 0).map(one).collect();
        if all.is_empty() { "nobody".to_owned() } else { all.join(" and ") }
    }
}
