//! What a provider says an effect would do. A forecast is exact or it is not given: a guess shown to a
//! person who then signs is worse than no forecast.

use crate::{catalogue::ResolvedCall, vocabulary::Resource};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The longest note a provider may add, in characters.
pub const MAX_NOTE: usize = 400;

/// An opaque value of a resource, never reused, that advances with every effect on it or below it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(String);

impl Revision {
    /// Wraps a provider's value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }
    /// The value. Compare it only with values of the same resource.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What an effect would do, said by its provider, changing nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// One word for people: `restart`, `delete`.
    pub verb: String,
    /// How much, by plain words: `{"stops": 3, "starts": 3, "deletes files": 41}`.
    pub counts: BTreeMap<String, u64>,
    /// Every resource that changes, exactly; the call's own resource included.
    pub touches: Vec<Resource>,
    /// The revision of the call's resource now, in the real world.
    pub revision: Revision,
    /// Exactly what the guest would get: the JSON form of the WIT result.
    pub result: Value,
    /// Free words of the provider, at most [`MAX_NOTE`] characters; shown as the provider's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Forecast {
    /// The forecast with its note cut to [`MAX_NOTE`] characters.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.note = self.note.map(|note| note.chars().take(MAX_NOTE).collect());
        self
    }
}

/// One effect of a plan: the call and what it would do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Planned {
    /// The call, resolved by the host.
    pub call: ResolvedCall,
    /// What it would do.
    pub forecast: Forecast,
}

impl Planned {
    /// Whether this effect changes, or may change, something that a call on `resource` would see.
    pub fn overlaps(&self, resource: &Resource) -> bool {
        self.call.resource().overlaps(resource)
            || self.forecast.touches.iter().any(|touched| touched.overlaps(resource))
    }
}
