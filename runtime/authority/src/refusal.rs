//! Every way in which the authority says no, as exhaustive enums with stable codes: a new way to
//! refuse breaks the build of whoever must explain it. None of these types is `non_exhaustive`.

use crate::policy::PolicyDenial;
use crate::vocabulary::{Class, InterfaceName, Principal, Resource};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why an invocation is refused before one instruction of the plugin runs.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Refusal {
    /// Nobody configured this principal.
    #[error("the principal `{principal}` is not configured")]
    UnknownPrincipal {
        /// Who asked.
        principal: Principal,
    },
    /// The plugin imports an interface that no grant names.
    #[error("`{plugin}` imports `{interface}`, which it was not granted")]
    NotGranted {
        /// The plugin's configured name.
        plugin: String,
        /// The interface.
        interface: InterfaceName,
    },
    /// The plugin imports an interface or function that no catalogue describes.
    #[error("`{plugin}` imports `{import}`, which no catalogue describes")]
    Uncatalogued {
        /// The plugin's configured name.
        plugin: String,
        /// The interface, or `interface#function`.
        import: String,
    },
    /// The tool declares that it uses an interface that its plugin does not import.
    #[error("tool `{tool}` declares `uses = {uses}`, which its plugin does not import")]
    UsesNotImported {
        /// The tool.
        tool: String,
        /// What it declared.
        uses: String,
    },
    /// No policy lets this principal invoke the tool.
    #[error("{denial}")]
    Policy {
        /// Why; the operator's record names the policies.
        denial: PolicyDenial,
    },
}

impl Refusal {
    /// A code that never changes its meaning.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownPrincipal { .. } => "unknown-principal",
            Self::NotGranted { .. } => "not-granted",
            Self::Uncatalogued { .. } => "uncatalogued",
            Self::UsesNotImported { .. } => "uses-not-imported",
            Self::Policy { denial } => denial.code(),
        }
    }
}

/// Why a function of a granted interface is not live in one invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Withheld {
    /// No grant of the plugin names this function.
    FunctionNotGranted,
    /// The tool declared that it does not use this interface.
    ToolDoesNotUse,
    /// The effect needs people, and nobody approved it.
    NeedsApproval,
    /// The plugin is being described: nothing is live.
    Describing,
}

impl Withheld {
    /// A code that never changes its meaning.
    pub const fn code(self) -> &'static str {
        match self {
            Self::FunctionNotGranted => "function-not-granted",
            Self::ToolDoesNotUse => "tool-does-not-use",
            Self::NeedsApproval => "needs-approval",
            Self::Describing => "describing",
        }
    }
    /// One sentence for the plugin and the agent.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::FunctionNotGranted => "the plugin was not granted this function",
            Self::ToolDoesNotUse => "the tool declared that it does not use this interface",
            Self::NeedsApproval => "this effect needs the approval of people",
            Self::Describing => "nothing can be called while a plugin is described",
        }
    }
}

/// Why one capability call is denied. The guest learns the code and the sentence, nothing more.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Denial {
    /// The function is withheld in this invocation.
    #[error("{}", .reason.sentence())]
    Withheld {
        /// Why.
        reason: Withheld,
    },
    /// The resource lies outside every grant of this function.
    #[error("`{resource}` is outside what the plugin was granted for this function")]
    OutsideGrant {
        /// The resource of the call.
        resource: Resource,
    },
    /// The effect would touch a resource outside every grant of this function.
    #[error("the effect would touch `{resource}`, which is outside what the plugin was granted")]
    TouchesOutsideGrant {
        /// The first such resource.
        resource: Resource,
    },
    /// An argument does not make a resource.
    #[error("argument `{argument}` is not one segment of a resource: {problem}")]
    BadResource {
        /// The argument's name in the host's WIT.
        argument: String,
        /// What is wrong with it.
        problem: String,
    },
    /// An argument is outside what the catalogue allows.
    #[error("argument `{argument}` {problem}")]
    ArgumentOutOfRange {
        /// The argument's name in the host's WIT.
        argument: String,
        /// What the catalogue allows.
        problem: String,
    },
    /// The call does not fit the host's WIT; admission should have refused the plugin.
    #[error("the call of `{function}` does not fit the host's WIT: {problem}")]
    Malformed {
        /// The function.
        function: String,
        /// What does not fit.
        problem: String,
    },
    /// The policies do not allow it.
    #[error("{denial}")]
    Policy {
        /// Why; the operator's record names the policies.
        denial: PolicyDenial,
    },
    /// A budget has no room left in its window.
    #[error("the budget for this is used up: {used} of {most} effects in its window")]
    OverBudget {
        /// Effects in the window.
        used: u64,
        /// The most that the window takes.
        most: u64,
    },
    /// The rules of this host are not those in force.
    #[error(
        "effects wait: the rules of this host were changed, and people have not accepted that yet"
    )]
    Sealed,
    /// What the operator said of this resource does not allow it.
    #[error("{problem}")]
    Resource {
        /// Which rule; a stable code of the provider that serves the resource.
        rule: &'static str,
        /// One sentence.
        problem: String,
    },
    /// An operator stopped all effects.
    #[error("effects of class `{class}` are frozen by an operator")]
    Frozen {
        /// The class of the call.
        class: Class,
    },
}

impl From<PolicyDenial> for Denial {
    fn from(denial: PolicyDenial) -> Self {
        Self::Policy { denial }
    }
}

impl Denial {
    /// A code that never changes its meaning.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Withheld { reason } => reason.code(),
            Self::OutsideGrant { .. } => "outside-grant",
            Self::TouchesOutsideGrant { .. } => "touches-outside-grant",
            Self::BadResource { .. } => "bad-resource",
            Self::ArgumentOutOfRange { .. } => "argument-out-of-range",
            Self::Malformed { .. } => "malformed-call",
            Self::Policy { denial } => denial.code(),
            Self::OverBudget { .. } => "over-budget",
            Self::Sealed => "seal-broken",
            Self::Resource { rule, .. } => rule,
            Self::Frozen { .. } => "frozen",
        }
    }
    /// `code: sentence`, the text of a `denied` case in WIT.
    pub fn for_guest(&self) -> String {
        format!("{}: {self}", self.code())
    }
}
