//! The fake's answers to `interlock:files@0.1.0`, one module for each interface, with the signatures of the
//! generated bindings.

use std::collections::BTreeMap;

use super::fake::{Request, World, gate};
use crate::environment;
use crate::files::Error;

/// What is below one folder, by path: a file's text, or nothing for a folder.
pub(super) type Below = BTreeMap<String, Option<String>>;

/// What the fake's door refuses, in the words of this capability.
impl From<environment::Error> for Error {
    fn from(error: environment::Error) -> Self {
        match error {
            environment::Error::Denied(text) => Self::Denied(text),
            environment::Error::NotFound(text) => Self::NotFound(text),
            environment::Error::Invalid(text) => Self::Invalid(text),
            environment::Error::Conflict(text) => Self::Conflict(text),
            environment::Error::Failed(text) => Self::Failed(text),
        }
    }
}

fn below<'w>(world: &'w mut World, folder: &str) -> Result<&'w mut Below, Error> {
    let missing = || Error::NotFound(format!("there is no folder `{folder}`"));
    world.files.get_mut(folder).ok_or_else(missing)
}

fn missing(path: &str) -> Error {
    Error::NotFound(format!("there is no `{path}`"))
}

/// The folder that a path is in is there.
fn parent_is_there(below: &Below, path: &str) -> Result<(), Error> {
    match path.rsplit_once('/').map(|(parent, _)| (parent, below.get(parent))) {
        None | Some((_, Some(None))) => Ok(()),
        Some((parent, None)) => Err(missing(parent)),
        Some((parent, Some(Some(_)))) => Err(Error::Invalid(format!("`{parent}` is no folder"))),
    }
}

pub(crate) mod read {
    use super::{Below, Error, Request, below, gate, missing};
    use crate::files::read::INTERFACE;
    use crate::files::{Entry, Info, Kind, Listing};

    fn look<'a>(function: &'a str, folder: &'a [&'a str], path: Option<&'a str>) -> Request<'a> {
        Request {
            interface: INTERFACE,
            function,
            effect: false,
            segments: folder,
            path,
            others: &[],
        }
    }

    fn listing(below: &Below, lead: &str, after: Option<&str>) -> Listing {
        let entry = |(path, node): (&String, &Option<String>)| {
            let name = path.strip_prefix(lead).filter(|name| !name.contains('/'))?;
            let (kind, size) = match node {
                Some(text) => (Kind::File, text.len() as u64),
                None => (Kind::Folder, 0),
            };
            Some(Entry { name: name.to_owned(), kind, size })
        };
        let mut entries: Vec<Entry> = below.iter().filter_map(entry).collect();
        entries.retain(|entry| after.is_none_or(|after| entry.name.as_str() > after));
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        let more = entries.len() > 500;
        entries.truncate(500);
        Listing { entries, more }
    }

    pub(crate) fn list_root(folder: &str, after: Option<&str>) -> Result<Listing, Error> {
        gate(&look("list-root", &[folder], None), |world| {
            Ok(listing(below(world, folder)?, "", after))
        })
    }

    pub(crate) fn list_folder(
        folder: &str,
        path: &str,
        after: Option<&str>,
    ) -> Result<Listing, Error> {
        gate(&look("list-folder", &[folder], Some(path)), |world| {
            let below = below(world, folder)?;
            match below.get(path) {
                Some(None) => Ok(listing(below, &format!("{path}/"), after)),
                Some(Some(_)) => Err(Error::Invalid(format!("`{path}` is no folder"))),
                None => Err(missing(path)),
            }
        })
    }

    pub(crate) fn stat(folder: &str, path: &str) -> Result<Info, Error> {
        gate(&look("stat", &[folder], Some(path)), |world| {
            let node = below(world, folder)?.get(path).ok_or_else(|| missing(path))?;
            let kind = if node.is_some() { Kind::File } else { Kind::Folder };
            let size = node.as_ref().map_or(0, |text| text.len() as u64);
            Ok(Info { kind, size, modified: 0 })
        })
    }

    pub(crate) fn read_text(folder: &str, path: &str) -> Result<String, Error> {
        gate(&look("read-text", &[folder], Some(path)), |world| {
            match below(world, folder)?.get(path) {
                Some(Some(text)) => Ok(text.clone()),
                Some(None) => Err(Error::Invalid(format!("`{path}` is no regular file"))),
                None => Err(missing(path)),
            }
        })
    }
}

pub(crate) mod write {
    use super::{Error, Request, below, gate, parent_is_there};
    use crate::files::write::INTERFACE;

    fn change<'a>(
        function: &'a str,
        folder: &'a [&'a str],
        path: &'a str,
        others: &'a [String],
    ) -> Request<'a> {
        let path = Some(path);
        Request { interface: INTERFACE, function, effect: true, segments: folder, path, others }
    }

    fn put(
        function: &str,
        folder: &str,
        path: &str,
        content: &str,
        keep: bool,
    ) -> Result<(), Error> {
        let others = [format!("{content:?}")];
        gate(&change(function, &[folder], path, &others), |world| {
            let below = below(world, folder)?;
            parent_is_there(below, path)?;
            let node = below.entry(path.to_owned()).or_insert_with(|| Some(String::new()));
            let Some(text) = node else {
                return Err(Error::Invalid(format!("`{path}` is a folder")));
            };
            if !keep {
                text.clear();
            }
            text.push_str(content);
            Ok(())
        })
    }

    pub(crate) fn write_text(folder: &str, path: &str, content: &str) -> Result<(), Error> {
        put("write-text", folder, path, content, false)
    }

    pub(crate) fn append_text(folder: &str, path: &str, content: &str) -> Result<(), Error> {
        put("append-text", folder, path, content, true)
    }

    pub(crate) fn make_folder(folder: &str, path: &str) -> Result<(), Error> {
        gate(&change("make-folder", &[folder], path, &[]), |world| {
            let below = below(world, folder)?;
            parent_is_there(below, path)?;
            match below.entry(path.to_owned()).or_insert(None) {
                None => Ok(()),
                Some(_) => Err(Error::Invalid(format!("`{path}` is a file"))),
            }
        })
    }
}

pub(crate) mod remove {
    use super::{Error, Request, below, gate, missing};
    use crate::files::remove::INTERFACE;

    fn destroy<'a>(function: &'a str, folder: &'a [&'a str], path: &'a str) -> Request<'a> {
        let path = Some(path);
        Request {
            interface: INTERFACE,
            function,
            effect: true,
            segments: folder,
            path,
            others: &[],
        }
    }

    pub(crate) fn delete_file(folder: &str, path: &str) -> Result<(), Error> {
        gate(&destroy("delete-file", &[folder], path), |world| {
            let below = below(world, folder)?;
            match below.get(path) {
                Some(Some(_)) => {
                    below.remove(path);
                    Ok(())
                }
                Some(None) => Err(Error::Invalid(format!("`{path}` is a folder"))),
                None => Err(missing(path)),
            }
        })
    }

    pub(crate) fn delete_folder(folder: &str, path: &str) -> Result<(), Error> {
        gate(&destroy("delete-folder", &[folder], path), |world| {
            let below = below(world, folder)?;
            let lead = format!("{path}/");
            match below.get(path) {
                Some(None) if below.keys().any(|p| p.starts_with(&lead)) => {
                    Err(Error::Invalid(format!("`{path}` is not empty")))
                }
                Some(None) => {
                    below.remove(path);
                    Ok(())
                }
                Some(Some(_)) => Err(Error::Invalid(format!("`{path}` is a file"))),
                None => Err(missing(path)),
            }
        })
    }
}
