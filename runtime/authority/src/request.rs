//! What people are asked to sign: a plan, an elevation, or a change of the rules, with who asks, who must
//! agree, until when, for which deployment, and under which rules. Every field is in the canonical bytes,
//! and the document that people read is made from nothing else.

use crate::{
    canonical::{self, CanonicalError},
    epoch::Epoch,
    needs::Needs,
    plan::{Plan, PluginRef},
    vocabulary::{Class, Digest, InterfaceName, Principal, Resource},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

const DOMAIN: &str = "interlock-request/v1";

/// Who asks, and who answers for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asker {
    /// Who asks.
    pub principal: Principal,
    /// Their teams.
    pub teams: Vec<String>,
    /// The people who operate the asking agent, by the names on the roster.
    pub operators: Vec<String>,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Wish {
    /// Exactly the effects of a plan, once.
    Plan {
        /// The plan.
        plan: Box<Plan>,
    },
    /// More standing authority for a while.
    Elevation {
        /// What is added.
        elevation: Elevation,
    },
    /// Other rules.
    Epoch {
        /// The rules in force.
        from: Epoch,
        /// The rules to come.
        to: Epoch,
        /// What differs, line by line, as the host compared them.
        changes: Vec<String>,
    },
}

/// Functions × resources × count × time, beyond what a plugin was granted. Never of class `destroy`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Elevation {
    /// Whose invocations it holds for.
    pub plugin: PluginRef,
    /// The functions, by interface.
    pub functions: BTreeMap<InterfaceName, BTreeSet<String>>,
    /// The resources, each with all below it.
    pub resources: Vec<Resource>,
    /// How many effects in all.
    pub effects: u64,
    /// How long, in seconds, from when it comes into force.
    pub seconds: u64,
    /// What it adds to the standing grants, one line each.
    pub adds: Vec<String>,
}

/// A request, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestBody {
    /// The form of this body: 1.
    pub version: u8,
    /// A ULID.
    pub id: String,
    /// The deployment, 32 hexadecimal digits: a signature for one holds in no other.
    pub deployment: String,
    /// What people call the host.
    pub host: String,
    /// Who asks.
    pub asker: Asker,
    /// What for.
    pub wish: Wish,
    /// Who must agree.
    pub needs: Needs,
    /// Who on the roster does not count, and why, one line each.
    pub not_counted: Vec<String>,
    /// When it was made, unix seconds.
    pub created: u64,
    /// When it ends, unix seconds.
    pub expires: u64,
    /// 128 random bits, 32 hexadecimal digits.
    pub nonce: String,
    /// The rules it was made under.
    pub epoch: Epoch,
    /// The digest of the plugin's standing grants.
    pub grants: Digest,
    /// What the asker says, unchecked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
}

impl RequestBody {
    /// The canonical bytes (RFC 8785).
    ///
    /// # Errors
    /// As [`Plan::canonical`].
    pub fn canonical(&self) -> Result<Vec<u8>, CanonicalError> {
        canonical::bytes(self)
    }

    /// The digest that the document shows.
    ///
    /// # Errors
    /// As [`Plan::canonical`].
    pub fn digest(&self) -> Result<Digest, CanonicalError> {
        canonical::digest(DOMAIN, self)
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// Bytes that are not exactly a request's canonical bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, CanonicalError> {
        canonical::read("request", bytes)
    }

    /// The plan that is asked for, where it is one.
    pub fn plan(&self) -> Option<&Plan> {
        match &self.wish {
            Wish::Plan { plan } => Some(plan),
            Wish::Elevation { .. } | Wish::Epoch { .. } => None,
        }
    }

    /// The plugin that it is about.
    pub fn plugin(&self) -> Option<&PluginRef> {
        match &self.wish {
            Wish::Plan { plan } => Some(&plan.plugin),
            Wish::Elevation { elevation } => Some(&elevation.plugin),
            Wish::Epoch { .. } => None,
        }
    }

    /// Whether it asks for more authority for a while.
    pub const fn is_elevation(&self) -> bool {
        matches!(self.wish, Wish::Elevation { .. })
    }

    /// Whether agreeing lets something be destroyed.
    pub fn destroys(&self) -> bool {
        self.plan().is_some_and(Plan::destroys)
    }

    /// Whether whoever agrees must prove a touch where the roster demands one: for whatever destroys, and
    /// for other rules, which could drop that demand.
    pub fn demands_touch(&self) -> bool {
        self.destroys() || matches!(self.wish, Wish::Epoch { .. })
    }
}

impl Wish {
    /// What a person types to sign it: the most dangerous resource.
    pub fn challenge(&self) -> String {
        match self {
            Self::Plan { plan } => plan
                .effects
                .iter()
                .max_by_key(|effect| (effect.class, std::cmp::Reverse(effect.step)))
                .map_or_else(|| "nothing".to_owned(), |effect| effect.resource.to_string()),
            Self::Elevation { elevation } => elevation
                .resources
                .first()
                .map_or_else(|| "nothing".to_owned(), ToString::to_string),
            Self::Epoch { .. } => "rules".to_owned(),
        }
    }

    /// `1 destroy on environment/prod`, or `2 changes, the first on environment/prod/service/api`.
    pub fn summary(&self) -> String {
        match self {
            Self::Plan { plan } => {
                let count = |class| plan.effects.iter().filter(|e| e.class == class).count();
                let (destroys, changes) = (count(Class::Destroy), count(Class::Change));
                let many = |n: usize, one: &str| match n {
                    0 => None,
                    1 => Some(format!("1 {one}")),
                    n => Some(format!("{n} {one}s")),
                };
                let parts: Vec<String> = [many(destroys, "destroy"), many(changes, "change")]
                    .into_iter()
                    .flatten()
                    .collect();
                format!("{} on {}", parts.join(" and "), self.challenge())
            }
            Self::Elevation { elevation } => {
                format!("an elevation of `{}`", elevation.plugin.name)
            }
            Self::Epoch { .. } => "a change of the rules".to_owned(),
        }
    }
}
