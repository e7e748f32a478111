//! Grants: which functions of which interface, on which resources, how often. Whatever a grant does not
//! name is not granted, and an empty list names nothing.

use crate::{
    AuthorityError,
    budget::Budget,
    catalogue::Catalogue,
    vocabulary::{InterfaceName, Resource},
};
use serde::Serialize;
use std::collections::BTreeSet;

/// One grant of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Grant {
    /// The interface, exactly.
    pub interface: InterfaceName,
    /// The functions; `None` grants all of the interface, an empty set none.
    pub functions: Option<BTreeSet<String>>,
    /// The resources, each with all below it. Empty grants none.
    pub resources: Vec<Resource>,
    /// How many effects in how much time; absent where nothing bounds them but the limits of each run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// What people signed for it; absent for a standing grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elevation: Option<Elevated>,
}

/// Where the authority of a grant for a while comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Elevated {
    /// The request that people signed.
    pub request: String,
    /// When it ends, unix seconds.
    pub until: u64,
}

impl Grant {
    /// A standing grant without a budget.
    pub const fn standing(
        interface: InterfaceName,
        functions: Option<BTreeSet<String>>,
        resources: Vec<Resource>,
    ) -> Self {
        Self { interface, functions, resources, budget: None, elevation: None }
    }

    /// Whether the grant names this function of this interface.
    pub fn names(&self, interface: &InterfaceName, function: &str) -> bool {
        self.interface == *interface && self.functions.as_ref().is_none_or(|f| f.contains(function))
    }

    /// Whether the grant covers this call on this resource.
    pub fn covers(&self, interface: &InterfaceName, function: &str, resource: &Resource) -> bool {
        // INVARIANT FAIL-CLOSED: `any` over an empty list is false.
        self.names(interface, function) && self.resources.iter().any(|r| resource.is_within(r))
    }

    /// Checks that a catalogue describes what the grant names.
    ///
    /// # Errors
    /// An interface or a function that does not exist, with what does.
    pub fn check(&self, catalogue: &Catalogue) -> Result<(), AuthorityError> {
        let Some(interface) = catalogue.interface(&self.interface) else {
            return Err(AuthorityError::UnknownInterface {
                interface: self.interface.to_string(),
                known: catalogue.interfaces().map(|i| i.name.clone()).collect(),
            });
        };
        let unknown =
            self.functions.iter().flatten().find(|f| !interface.functions.contains_key(*f));
        match unknown {
            None => Ok(()),
            Some(function) => Err(AuthorityError::UnknownFunction {
                interface: self.interface.clone(),
                function: function.clone(),
                known: interface.functions.keys().cloned().collect(),
            }),
        }
    }
}
