//! The rules that a request was made under. A request of other rules is refused by the part that changed:
//! otherwise whoever may edit a policy or the roster could lower what an old approval meant.

use crate::vocabulary::Digest;
use serde::{Deserialize, Serialize};

/// Digests of the rules in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Epoch {
    /// The policies, with teams and resource attributes.
    pub policies: Digest,
    /// The catalogues and their WIT.
    pub catalogues: Digest,
    /// The roster, its people and groups, and who operates whom.
    pub approvers: Digest,
}

/// A part of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EpochPart {
    /// Policies.
    Policies,
    /// Catalogues.
    Catalogues,
    /// Approvers.
    Approvers,
    /// The plugin's own standing grants.
    Grants,
}

impl EpochPart {
    /// The part in words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Policies => "policies",
            Self::Catalogues => "catalogues",
            Self::Approvers => "approvers",
            Self::Grants => "grants",
        }
    }
}

impl Epoch {
    /// The parts in which two epochs differ.
    pub fn differences(&self, other: &Self) -> Vec<EpochPart> {
        // Policies are checked against a schema that is made of the catalogues, and their digest covers it:
        // where both differ, the catalogues are what somebody changed.
        [
            (EpochPart::Catalogues, self.catalogues != other.catalogues),
            (EpochPart::Policies, self.policies != other.policies),
            (EpochPart::Approvers, self.approvers != other.approvers),
        ]
        .into_iter()
        .filter_map(|(part, differs)| differs.then_some(part))
        .collect()
    }
}
