//! A plan: the ordered effects that a tool would have, recorded by running it against forecasts. Approving a
//! plan is granting exactly it, so its bytes are canonical and its digest is its name.

use crate::{
    canonical::{self, CanonicalError},
    catalogue::ResolvedCall,
    forecast::{Forecast, Planned},
    vocabulary::{Class, Digest, InterfaceName, Principal, Resource, Scope},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The most effects of one plan: more than a person reads.
pub const MAX_EFFECTS: usize = 50;

const DOMAIN: &str = "interlock-plan/v1";

/// Which plugin, exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PluginRef {
    /// Its configured name.
    pub name: String,
    /// Its identity.
    pub digest: Digest,
    /// Who published it, as the operator asserts: the name of an approver who does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
}

/// One effect of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanEffect {
    /// Its place, from 1.
    pub step: u64,
    /// The interface, with its version.
    pub interface: InterfaceName,
    /// The function.
    pub function: String,
    /// What it does to the world.
    pub class: Class,
    /// Whether it touches its resource alone or all below it.
    pub scope: Scope,
    /// The exact thing it touches.
    pub resource: Resource,
    /// The arguments by the names of the host's WIT.
    pub arguments: Map<String, Value>,
    /// What it would do.
    pub forecast: Forecast,
}

impl PlanEffect {
    /// Numbers the effects of a plan, from 1.
    pub fn number(planned: Vec<Planned>) -> Vec<Self> {
        let one = |(step, planned): (u64, Planned)| {
            let call = &planned.call;
            Self {
                step,
                interface: call.interface().clone(),
                function: call.function().to_owned(),
                class: call.class(),
                scope: call.scope(),
                resource: call.resource().clone(),
                arguments: call.arguments().clone(),
                forecast: planned.forecast,
            }
        };
        (1..).zip(planned).map(one).collect()
    }

    /// Whether a call is exactly this effect: interface with version, function, class, scope, resource
    /// and every argument.
    pub fn is_for(&self, call: &ResolvedCall) -> bool {
        self.interface == *call.interface()
            && self.function == call.function()
            && self.class == call.class()
            && self.scope == call.scope()
            && self.resource == *call.resource()
            && canonical::same(&self.arguments, call.arguments())
    }
}

/// Why a plan has no more effects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "kebab-case")]
pub enum PlanEnd {
    /// The tool ended by itself: the plan is everything it would do.
    Complete,
    /// The plan's horizon: beyond this effect or read nothing can be said exactly.
    Horizon {
        /// Where: the function and resource, and why it is the end.
        reason: String,
    },
}

/// The effects of one run, before it happens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Who asked.
    pub principal: Principal,
    /// The plugin.
    pub plugin: PluginRef,
    /// The tool.
    pub tool: String,
    /// Its arguments.
    pub arguments: Value,
    /// The effects, in order.
    pub effects: Vec<PlanEffect>,
    /// Why there are no more.
    pub end: PlanEnd,
    /// The clock that the run started from, unix milliseconds.
    pub clock_base: u64,
    /// The seed of its random numbers, 64 hexadecimal digits.
    pub seed: String,
}

impl Plan {
    /// The canonical bytes (RFC 8785).
    ///
    /// # Errors
    /// Arguments with a number that readers may read differently.
    pub fn canonical(&self) -> Result<Vec<u8>, CanonicalError> {
        canonical::bytes(self)
    }

    /// The plan's name: SHA-256 over its domain and its canonical bytes.
    ///
    /// # Errors
    /// As [`Plan::canonical`].
    pub fn digest(&self) -> Result<Digest, CanonicalError> {
        canonical::digest(DOMAIN, self)
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// Bytes that are not exactly a plan's canonical bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, CanonicalError> {
        canonical::read("plan", bytes)
    }

    /// Whether something in it destroys.
    pub fn destroys(&self) -> bool {
        self.effects.iter().any(|effect| effect.class == Class::Destroy)
    }

    /// A digest of what is asked for, apart from when and by which random numbers: asking for the same
    /// again, in the same world, gives the same.
    ///
    /// # Errors
    /// As [`Plan::canonical`].
    pub fn sameness(&self) -> Result<Digest, CanonicalError> {
        let asked = json!({
            "principal": self.principal, "plugin": self.plugin, "tool": self.tool,
            "arguments": self.arguments, "effects": self.effects, "end": self.end,
        });
        canonical::digest("interlock-same/v1", &asked)
    }
}
