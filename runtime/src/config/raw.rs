//! The configuration as it was typed. Every table refuses unknown keys, with the line: a mistyped
//! limit or a key of another version must never be silently ignored.

use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// `interlock.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawConfig {
    pub(super) state: Option<String>,
    pub(super) name: Option<Spanned<String>>,
    pub(super) policies: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) store: RawStore,
    #[serde(default)]
    pub(super) journal: RawJournal,
    #[serde(default)]
    pub(super) approvers: RawApprovers,
    #[serde(default)]
    pub(super) seal: RawSeal,
    #[serde(default)]
    pub(super) requests: RawRequests,
    #[serde(default)]
    pub(super) resources: BTreeMap<Spanned<String>, BTreeMap<String, RawAttribute>>,
    #[serde(default)]
    pub(super) catalogues: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) cli: RawCli,
    #[serde(default)]
    pub(super) environment: RawEnvironment,
    #[serde(default)]
    pub(super) plugin: Vec<RawPlugin>,
    #[serde(default)]
    pub(super) agents: BTreeMap<Spanned<String>, RawAgent>,
    #[serde(default)]
    pub(super) people: BTreeMap<Spanned<String>, RawPerson>,
    #[serde(default)]
    pub(super) limits: RawLimits,
    #[serde(default)]
    pub(super) secrets: BTreeMap<Spanned<String>, RawSecret>,
    #[serde(default)]
    pub(super) files: BTreeMap<Spanned<String>, RawFolder>,
    #[serde(default)]
    pub(super) http: BTreeMap<Spanned<String>, super::http::RawEndpoint>,
    #[serde(default)]
    pub(super) kv: super::kv::RawKv,
    #[serde(default)]
    pub(super) serve: RawServe,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCli {
    pub(super) principal: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEnvironment {
    pub(super) root: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPlugin {
    pub(super) name: Spanned<String>,
    pub(super) file: Spanned<String>,
    pub(super) sha256: Spanned<String>,
    pub(super) publisher: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) preopens: Vec<RawPreopen>,
    #[serde(default)]
    pub(super) grant: Vec<RawGrant>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPreopen {
    pub(super) host: Spanned<String>,
    pub(super) guest: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawGrant {
    pub(super) capability: Spanned<String>,
    pub(super) functions: Option<Spanned<Vec<String>>>,
    pub(super) resources: Vec<Spanned<String>>,
    pub(super) budget: Option<Spanned<RawBudget>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBudget {
    pub(super) effects: u64,
    pub(super) per: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSecret {
    pub(super) file: Option<String>,
    pub(super) env: Option<String>,
    pub(super) command: Option<Spanned<Vec<String>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawFolder {
    pub(super) path: Spanned<String>,
    #[serde(default)]
    pub(super) write: bool,
    pub(super) max_file: Option<Spanned<String>>,
    pub(super) max_total: Option<Spanned<String>>,
    pub(super) max_entries: Option<Spanned<u64>>,
    pub(super) max_depth: Option<Spanned<u64>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStore {
    pub(super) url: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawJournal {
    #[serde(default)]
    pub(super) publish: Vec<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawApprovers {
    pub(super) allowed_signers: Option<Spanned<String>>,
    pub(super) presence: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) solo: bool,
    #[serde(default)]
    pub(super) groups: BTreeMap<Spanned<String>, Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSeal {
    #[serde(default)]
    pub(super) required: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawRequests {
    pub(super) per_principal: Option<Spanned<RawRate>>,
    pub(super) cooling: Option<Spanned<String>>,
    pub(super) ttl: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRate {
    pub(super) count: u64,
    pub(super) per: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum RawAttribute {
    Bool(bool),
    Long(i64),
    Text(String),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAgent {
    #[serde(default)]
    pub(super) teams: Vec<String>,
    #[serde(default)]
    pub(super) operators: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPerson {
    #[serde(default)]
    pub(super) teams: Vec<String>,
    #[serde(default)]
    pub(super) principals: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawServe {
    pub(super) listen: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) hosts: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) origins: Vec<Spanned<String>>,
    pub(super) rate: Option<Spanned<RawRate>>,
    pub(super) concurrent: Option<Spanned<u32>>,
    pub(super) metrics: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawLimits {
    pub(super) memory: Option<Spanned<String>>,
    pub(super) time: Option<Spanned<String>>,
    pub(super) output: Option<Spanned<String>>,
    pub(super) log: Option<Spanned<String>>,
    pub(super) fuel: Option<u64>,
    pub(super) host_calls: Option<u64>,
    pub(super) host_bytes: Option<Spanned<String>>,
    pub(super) plan_bytes: Option<Spanned<String>>,
    pub(super) recording: Option<Spanned<String>>,
}
