//! What the configuration says of principals and resources, as policies see it.

use crate::vocabulary::{Principal, Resource};
use cedar_policy::RestrictedExpression;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// A value that the configuration gives a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Attribute {
    /// Yes or no.
    Bool(bool),
    /// A number.
    Long(i64),
    /// A text.
    Text(String),
}

impl Attribute {
    pub(super) fn expression(&self) -> RestrictedExpression {
        match self {
            Self::Bool(b) => RestrictedExpression::new_bool(*b),
            Self::Long(n) => RestrictedExpression::new_long(*n),
            Self::Text(text) => RestrictedExpression::new_string(text.clone()),
        }
    }
}

/// What the configuration says of principals and resources.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directory {
    /// The teams of each principal.
    pub teams: BTreeMap<Principal, BTreeSet<String>>,
    /// Attributes of resources; each holds for all below, until one nearer says otherwise.
    pub attributes: BTreeMap<Resource, BTreeMap<String, Attribute>>,
    /// The groups of approvers that exist.
    pub groups: BTreeSet<String>,
}
