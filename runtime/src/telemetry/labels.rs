//! What tells numbers of one kind apart. Each value is configured by the operator or a code of ours, never what
//! an agent typed: labels that agents choose would fill the memory of whoever keeps the numbers.

use interlock_authority::Principal;
use prometheus_client::encoding::EncodeLabelSet;

/// `Agent::name`, as `--as` takes it: without quotes, which a query would have to escape.
pub(super) fn principal(principal: &Principal) -> String {
    let kind = match principal {
        Principal::Agent(_) => "Agent",
        Principal::Person(_) => "Person",
    };
    format!("{kind}::{}", principal.name())
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct CallLabels {
    pub(super) principal: String,
    pub(super) plugin: String,
    pub(super) tool: String,
    pub(super) outcome: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ToolLabels {
    pub(super) plugin: String,
    pub(super) tool: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct EffectLabels {
    pub(super) interface: String,
    pub(super) function: String,
    pub(super) status: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ResponseLabels {
    pub(super) route: &'static str,
    pub(super) status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct LoadLabels {
    pub(super) result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct VersionLabels {
    pub(super) version: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct CodeLabels {
    pub(super) code: &'static str,
}
