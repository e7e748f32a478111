//! What a question is asked among: the actions that it can see, who asks, and all that its resource lies in. It is a
//! function of the policy set, which never changes while it lives, and of these three, so it is put together once for
//! all that lies beside each other: Cedar finds the ancestors of everything that it is handed anew.

use super::{Actions, Directory, world};
use crate::vocabulary::{Principal, Resource};
use cedar_policy::{Entities, EntityUid};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// The most that are kept; then all are forgotten.
const MOST: usize = 256;

/// An action, who asks, and what the resource lies in.
type Among = (EntityUid, Principal, Option<Resource>);

/// Entities by what they are of.
#[derive(Debug, Default)]
pub(super) struct Surroundings(Mutex<HashMap<Among, Entities>>);

impl Surroundings {
    /// The entities of a question, all but its resource.
    pub(super) fn of(
        &self,
        actions: &Actions,
        directory: &Directory,
        among: Among,
    ) -> Result<Entities, String> {
        let kept = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entities) = kept().get(&among) {
            return Ok(entities.clone());
        }
        let (action, principal, parent) = &among;
        let mut entities = world::principal(principal, directory)?;
        for above in parent.iter().flat_map(Resource::lineage) {
            entities.push(world::resource(&above, directory)?);
        }
        let actions = actions.around(action).clone();
        let entities = actions.add_entities(entities, None).map_err(|e| e.to_string())?;
        let mut kept = kept();
        if kept.len() >= MOST {
            kept.clear();
        }
        kept.insert(among, entities.clone());
        Ok(entities)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{catalogue::Catalogue, policy::Attribute};
    use std::collections::{BTreeMap, BTreeSet};

    /// One by one comes to what all at once comes to, the first time and from what was kept.
    #[test]
    fn what_is_kept_is_what_would_be_made() {
        let actions = Actions::of(&Catalogue::default(), std::iter::empty()).unwrap();
        let bot: Principal = "Agent::bot".parse().unwrap();
        let named = |attributes: &[(&str, bool)]| {
            let value =
                |(name, value): &(&str, bool)| ((*name).to_owned(), Attribute::Bool(*value));
            attributes.iter().map(value).collect::<BTreeMap<_, _>>()
        };
        let directory = Directory {
            teams: [(bot.clone(), BTreeSet::from(["night".to_owned()]))].into(),
            attributes: [
                ("a".parse().unwrap(), named(&[("critical", true), ("far", true)])),
                ("a/b".parse().unwrap(), named(&[("critical", false)])),
            ]
            .into(),
            ..Directory::default()
        };
        let surroundings = Surroundings::default();
        let action = world::uid("Action", "elevate").unwrap();
        for _ in 0..2 {
            for text in ["a", "a/b", "a/b/c", "a/b/d", "a/x/y/z", "q"] {
                let resource: Resource = text.parse().unwrap();
                let among = (action.clone(), bot.clone(), world::above(&resource));
                let leaf = world::resource(&resource, &directory).unwrap();
                let step = surroundings.of(&actions, &directory, among).unwrap();
                let step = step.add_entities([leaf], None).unwrap();
                let mut all = world::principal(&bot, &directory).unwrap();
                let chain = resource.lineage().map(|r| world::resource(&r, &directory).unwrap());
                all.extend(chain);
                let once = actions.around(&action).clone().add_entities(all, None).unwrap();
                assert_eq!(step, once, "{text}");
            }
        }
        let critical = |text: &str| {
            let entity = world::resource(&text.parse().unwrap(), &directory).unwrap();
            ["critical", "far"]
                .map(|name| entity.attr(name).map(|value| format!("{:?}", value.unwrap())))
        };
        assert_ne!(critical("a/b/c")[0], critical("a/x")[0], "the nearest says it");
        assert_eq!(critical("a/b/c")[1], critical("a/x")[1], "one attribute by another's nearest");
        assert_eq!(critical("q"), [None, None]);
    }
}
