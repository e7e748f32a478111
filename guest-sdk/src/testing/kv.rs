//! The fake's answers to `interlock:kv@0.1.0`, one module for each interface, with the signatures of the generated
//! bindings. It has no bounds; a test plants [`crate::testing::Fake::fail`] where it needs one.

use std::collections::BTreeMap;

use super::fake::{Request, World, gate};
use crate::environment::Error as Planted;
use crate::kv::{Error, Page};

/// What is kept, by key.
pub(super) type Kept = BTreeMap<String, String>;

/// The one door speaks of failures as `environment` does; these are the same ones.
fn ours(error: Planted) -> Error {
    match error {
        Planted::Denied(text) => Error::Denied(text),
        Planted::Conflict(text) => Error::Conflict(text),
        Planted::NotFound(text) | Planted::Invalid(text) | Planted::Failed(text) => {
            Error::Failed(text)
        }
    }
}

fn call<T>(
    (interface, function, effect): (&str, &str, bool),
    key: Option<&str>,
    others: &[String],
    act: impl FnOnce(&mut Kept) -> Result<T, Planted>,
) -> Result<T, Error> {
    let segments: Vec<&str> = key.into_iter().flat_map(|key| key.split('/')).collect();
    let request = Request { interface, function, effect, segments: &segments, path: None, others };
    gate(&request, |world: &mut World| act(&mut world.kept)).map_err(ours)
}

pub(crate) mod read {
    use super::{Error, Kept, Page, call};
    use crate::kv::read::INTERFACE;

    pub(crate) fn get(key: &str) -> Result<Option<String>, Error> {
        call((INTERFACE, "get", false), Some(key), &[], |kept| Ok(kept.get(key).cloned()))
    }

    fn page(kept: &Kept, folder: &str, after: Option<&str>, most: u32) -> Page {
        let found = kept.keys().filter(|key| key.starts_with(folder));
        let mut found = found.filter(|key| after.is_none_or(|after| key.as_str() > after));
        let keys = found.by_ref().take(most as usize).cloned().collect();
        Page { keys, more: found.next().is_some() }
    }

    fn others(after: Option<&str>, most: u32) -> Vec<String> {
        after.map(str::to_owned).into_iter().chain([most.to_string()]).collect()
    }

    pub(crate) fn keys(folder: &str, after: Option<&str>, most: u32) -> Result<Page, Error> {
        call((INTERFACE, "keys", false), Some(folder), &others(after, most), |kept| {
            Ok(page(kept, &format!("{folder}/"), after, most))
        })
    }

    pub(crate) fn all_keys(after: Option<&str>, most: u32) -> Result<Page, Error> {
        call((INTERFACE, "all-keys", false), None, &others(after, most), |kept| {
            Ok(page(kept, "", after, most))
        })
    }
}

pub(crate) mod write {
    use super::{Error, Planted, call};
    use crate::kv::write::INTERFACE;

    pub(crate) fn set(key: &str, value: &str) -> Result<(), Error> {
        call((INTERFACE, "set", true), Some(key), &[value.to_owned()], |kept| {
            kept.insert(key.to_owned(), value.to_owned());
            Ok(())
        })
    }

    pub(crate) fn set_if(key: &str, expected: Option<&str>, value: &str) -> Result<(), Error> {
        let others = [expected.unwrap_or("none").to_owned(), value.to_owned()];
        call((INTERFACE, "set-if", true), Some(key), &others, |kept| {
            if kept.get(key).map(String::as_str) != expected {
                let words = "the key has another value than was expected; look again";
                return Err(Planted::Conflict(words.to_owned()));
            }
            kept.insert(key.to_owned(), value.to_owned());
            Ok(())
        })
    }
}

pub(crate) mod remove {
    use super::{Error, call};
    use crate::kv::remove::INTERFACE;

    pub(crate) fn delete(key: &str) -> Result<bool, Error> {
        call((INTERFACE, "delete", true), Some(key), &[], |kept| Ok(kept.remove(key).is_some()))
    }
}
