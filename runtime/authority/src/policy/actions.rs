//! The actions that one decision can see. A deployment has an action for each function of each catalogue, and Cedar
//! looks at every entity that it is handed; a decision can only ask about the action of its request, those that a
//! policy names, and the groups that these are in.

use super::{schema, world};
use crate::{catalogue::Catalogue, vocabulary::Class};
use cedar_policy::{Entities, Entity, EntityUid, Policy};
use std::collections::{HashMap, HashSet};

/// The action entities of these catalogues: those of their schema, without a parser for it.
///
/// # Errors
/// Never in practice: no action is there twice, and none is in itself.
fn entities(catalogue: &Catalogue) -> Result<Entities, String> {
    let uid = |name: &str| world::uid("Action", name);
    let alone = |name: &str| Ok(Entity::new_no_attrs(uid(name)?, HashSet::new()));
    let mut all: Vec<Entity> =
        schema::ALONE.iter().map(|name| alone(name)).collect::<Result<_, String>>()?;
    for class in [Class::Read, Class::Change, Class::Destroy] {
        all.push(alone(class.as_str())?);
    }
    for interface in catalogue.interfaces() {
        let own = interface.name.as_str();
        all.push(alone(own)?);
        for (name, function) in &interface.functions {
            let groups = HashSet::from([uid(function.class.as_str())?, uid(own)?]);
            let action = uid(&schema::action(&interface.name, name))?;
            all.push(Entity::new_no_attrs(action, groups));
        }
    }
    Entities::from_entities(all, None).map_err(|e| e.to_string())
}

/// The action entities of a schema, by decision.
#[derive(Debug)]
pub(super) struct Actions {
    all: Entities,
    around: HashMap<EntityUid, Entities>,
}

impl Actions {
    /// Of the catalogues' action entities, for decisions by these policies.
    ///
    /// # Errors
    /// Never in practice: they are parts of a set that holds.
    pub(super) fn of<'a>(
        catalogue: &Catalogue,
        policies: impl Iterator<Item = &'a Policy>,
    ) -> Result<Self, String> {
        let all = entities(catalogue)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{catalogue::CatalogueSource, policy::Directory};
    use cedar_policy::Schema;

    const WIT: &str = "package acme:box@1.0.0; interface box { look: func(at: string) -> string; put: func(at: string) -> result<_, string>; } interface raze { raze: func(at: string) -> result<_, string>; }";

    fn catalogue() -> Catalogue {
        let interface = |name: &str, functions: &[(&str, &str)]| {
            let table = format!("interface.\"acme:box/{name}@1.0.0\"");
            let functions: String = functions
                .iter()
                .map(|(function, class)| {
                    format!("[{table}.function.{function}]\nclass = \"{class}\"\nresource = \"box/{{at}}\"\n")
                })
                .collect();
            format!("[{table}]\nprovider = \"box\"\n{functions}")
        };
        let text = format!(
            "wit = \"box.wit\"\n{}{}",
            interface("box", &[("look", "read"), ("put", "change")]),
            interface("raze", &[("raze", "destroy")]),
        );
        let wit = vec![("box.wit".into(), WIT.into())];
        Catalogue::load(&[CatalogueSource { file: "box.toml".into(), text, wit }]).unwrap()
    }

    #[test]
    fn the_actions_of_a_decision_are_those_of_the_schema_with_their_groups() {
        for catalogue in [Catalogue::load(&[]).unwrap(), catalogue()] {
            let text = schema::text(&catalogue, &Directory::default());
            let (schema, _) = Schema::from_cedarschema_str(&text).unwrap();
            assert_eq!(entities(&catalogue).unwrap(), schema.action_entities().unwrap());
        }
    }
}
