//! The entities of one decision: who asks with their teams, the resource with its prefixes and the
//! attributes of the nearest configured ancestor. Nothing else is handed to Cedar.

use super::Directory;
use crate::vocabulary::{Principal, Resource};
use cedar_policy::{Entity, EntityId, EntityTypeName, EntityUid, RestrictedExpression};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    str::FromStr,
    sync::LazyLock,
};

/// The types of entities, read once: Cedar makes a parser for each name that it reads, which takes longer than the
/// evaluation that the name is for.
static TYPES: LazyLock<Result<BTreeMap<&str, EntityTypeName>, String>> = LazyLock::new(|| {
    let read =
        |name| Ok((name, EntityTypeName::from_str(name).map_err(|e| format!("{name}: {e}"))?));
    ["Action", "Agent", "Person", "Resource", "Team", "Tool"].into_iter().map(read).collect()
});

pub(super) fn uid(kind: &str, id: &str) -> Result<EntityUid, String> {
    let types = TYPES.as_ref().map_err(Clone::clone)?;
    let ty = types.get(kind).ok_or_else(|| format!("there is no entity type `{kind}`"))?;
    Ok(EntityUid::from_type_name_and_id(ty.clone(), EntityId::new(id)))
}

pub(super) fn principal_uid(principal: &Principal) -> Result<EntityUid, String> {
    match principal {
        Principal::Agent(name) => uid("Agent", name),
        Principal::Person(name) => uid("Person", name),
    }
}

/// Who asks, in their teams.
pub(super) fn principal(
    principal: &Principal,
    directory: &Directory,
) -> Result<Vec<Entity>, String> {
    let mut teams = HashSet::new();
    for team in directory.teams.get(principal).into_iter().flatten() {
        teams.insert(uid("Team", team)?);
    }
    let mut all: Vec<Entity> =
        teams.iter().map(|team| Entity::new_no_attrs(team.clone(), HashSet::new())).collect();
    all.push(Entity::new_no_attrs(principal_uid(principal)?, teams));
    Ok(all)
}

/// A resource, in the one that it lies in. The nearest configured ancestor says its attributes, one by one.
pub(super) fn resource(resource: &Resource, directory: &Directory) -> Result<Entity, String> {
    let mut attributes: BTreeMap<&str, &super::Attribute> = BTreeMap::new();
    if !directory.attributes.is_empty() {
        for above in resource.lineage() {
            for (name, attribute) in directory.attributes.get(&above).into_iter().flatten() {
                attributes.entry(name).or_insert(attribute);
            }
        }
    }
    let values: HashMap<String, RestrictedExpression> =
        attributes.into_iter().map(|(n, a)| (n.to_owned(), a.expression())).collect();
    let own = uid("Resource", &resource.to_string())?;
    let parents = match above(resource) {
        None => HashSet::new(),
        Some(parent) => HashSet::from([uid("Resource", &parent.to_string())?]),
    };
    Entity::new(own, values, parents).map_err(|e| e.to_string())
}

/// What a resource lies in.
pub(super) fn above(resource: &Resource) -> Option<Resource> {
    resource.lineage().nth(1)
}
