//! The actions that one decision can see. A deployment has an action for each function of each catalogue, and Cedar
//! looks at every entity that it is handed; a decision can only ask about the action of its request, those that a
//! policy names, and the groups that these are in.

use cedar_policy::{Entities, EntityUid, Policy};
use std::collections::{HashMap, HashSet};

/// The action entities of a schema, by decision.
#[derive(Debug)]
pub(super) struct Actions {
    all: Entities,
    around: HashMap<EntityUid, Entities>,
}

impl Actions {
    /// Of a schema's action entities, for decisions by these policies.
    ///
    /// # Errors
    /// Never in practice: they are parts of a set that holds.
    pub(super) fn of<'a>(
        all: Entities,
        policies: impl Iterator<Item = &'a Policy>,
    ) -> Result<Self, String> {
        // A policy may ask about an action that is not the one of the request: what it says must not depend on
        // which that is.
        let named: HashSet<EntityUid> = policies
            .flat_map(Policy::entity_literals)
            .filter(|uid| all.get(uid).is_some())
            .collect();
        let around = |uid: &EntityUid| {
            let seen = named.iter().chain([uid]);
            let with_groups: HashSet<&EntityUid> = seen
                .flat_map(|uid| all.ancestors(uid).into_iter().flatten().chain([uid]))
                .collect();
            let entities = with_groups.into_iter().filter_map(|uid| all.get(uid).cloned());
            Entities::from_entities(entities, None).map_err(|e| e.to_string())
        };
        let each = all.iter().map(|action| Ok((action.uid(), around(&action.uid())?)));
        let around = each.collect::<Result<_, String>>()?;
        Ok(Self { all, around })
    }

    /// What a decision on this action can see. All of them, for one that no schema has.
    pub(super) fn around(&self, action: &EntityUid) -> &Entities {
        self.around.get(action).unwrap_or(&self.all)
    }
}
