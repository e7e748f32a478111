//! What a capability function does to the world, and how much of it. Both are fixed per function in
//! the host's catalogue, so that nothing a plugin or an agent says can change them.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What a capability function does to the world. Ordered by danger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Looks, and changes nothing.
    Read,
    /// Changes something that can be put back.
    Change,
    /// Takes something away.
    Destroy,
}

impl Class {
    /// Whether a call of this class is an *effect*: `change` or `destroy`.
    pub const fn is_effect(self) -> bool {
        !matches!(self, Self::Read)
    }
    /// The word of the vocabulary, in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Change => "change",
            Self::Destroy => "destroy",
        }
    }
    /// The scope of a function whose catalogue entry names none.
    pub const fn default_scope(self) -> Scope {
        match self {
            Self::Read | Self::Change => Scope::Itself,
            Self::Destroy => Scope::Subtree,
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Whether a call touches its resource alone or all below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// The resource alone.
    #[serde(rename = "self")]
    Itself,
    /// The resource and everything below it.
    Subtree,
}
