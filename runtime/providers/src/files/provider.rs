//! The three roles over the folders of a configuration. Its work blocks (files, locks), so each call runs on
//! the blocking pool; an effect that was begun goes on to its end even if whoever asked stops waiting.

use super::{
    answer::{Problem, ok},
    beneath::Root,
    effect::Expected,
    model::{Model, Operation, Outcome},
    path::Below,
    revision::{Marks, marks_of, revision},
    settings::{FolderLimits, FolderSettings},
};
use crate::{
    Forecasted, Forecaster, Performed, Performer, ProviderFault, Reader, StillAllowed,
    blocking::blocking,
};
use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use interlock_authority::{
    Forecast, Permitted, PermittedEffect, Planned, Resource, catalogue::ResolvedCall,
};
use serde_json::Value;
use std::{collections::BTreeMap, path::Path, sync::Arc};

const PACKAGE: &str = "interlock:files";

/// Folders that an operator named.
#[derive(Debug, Clone)]
pub struct FilesProvider {
    places: Arc<BTreeMap<String, Place>>,
}

/// One folder.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) root: Root,
    pub(super) limits: FolderLimits,
    pub(super) marks: Marks,
    write: bool,
}

/// An effect that was asked for.
struct Wish {
    folder: String,
    path: String,
    operation: Result<Operation, Problem>,
}

impl FilesProvider {
    /// Opens the folders, and keeps them open: later changes of their paths do not matter. `state` is a
    /// folder of the provider's own; it is made when it is needed.
    ///
    /// # Errors
    /// A folder that is missing or is none.
    pub fn open(
        folders: &BTreeMap<String, FolderSettings>,
        state: &Path,
    ) -> Result<Self, ProviderFault> {
        let open = |(name, settings): (&String, &FolderSettings)| {
            let place = Place {
                root: Root::open(&settings.path)?,
                limits: settings.limits,
                marks: marks_of(state, name),
                write: settings.write,
            };
            Ok::<_, ProviderFault>((name.clone(), place))
        };
        let places = folders.iter().map(open).collect::<Result<_, _>>()?;
        Ok(Self { places: Arc::new(places) })
    }

    /// Opens each name from the one before, as where the kernel has no `openat2`.
    #[cfg(test)]
    pub(super) fn by_names(&self) {
        self.places.values().for_each(|place| place.root.by_names());
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&BTreeMap<String, Place>) -> Result<T, ProviderFault> + Send + 'static,
    ) -> Result<T, ProviderFault> {
        let places = self.places.clone();
        blocking(move || work(&places)).await
    }
}

fn not_served(call: &ResolvedCall) -> ProviderFault {
    ProviderFault::not_served(super::PROVIDER, call)
}

/// A string argument. The WIT and admission make sure that it is there.
fn text<'c>(call: &'c ResolvedCall, name: &str) -> Result<&'c str, ProviderFault> {
    call.text(name).ok_or_else(|| not_served(call))
}

fn place<'p>(places: &'p BTreeMap<String, Place>, name: &str) -> Result<&'p Place, Problem> {
    places.get(name).ok_or_else(|| Problem::NotFound(format!("there is no folder `{name}`")))
}

/// What an effect asks for; `None` for calls of other packages and for reads.
fn wish(call: &ResolvedCall) -> Result<Option<Wish>, ProviderFault> {
    if call.interface().package() != PACKAGE {
        return Ok(None);
    }
    let content = || Ok::<_, ProviderFault>(text(call, "content")?.as_bytes().to_vec());
    let operation = match (call.interface().interface(), call.function()) {
        ("write", "write-text") => Ok(Operation::Write(content()?)),
        ("write", "append-text") => Ok(Operation::Append(content()?)),
        ("write", "write-bytes") => STANDARD
            .decode(text(call, "content")?)
            .map(Operation::Write)
            .map_err(|_| Problem::Invalid("`content` is not base64".to_owned())),
        ("write", "make-folder") => Ok(Operation::MakeFolder),
        ("remove", "delete-file") => Ok(Operation::DeleteFile),
        ("remove", "delete-folder") => Ok(Operation::DeleteFolder),
        _ => return Ok(None),
    };
    let (folder, path) = (text(call, "folder")?.to_owned(), text(call, "path")?.to_owned());
    Ok(Some(Wish { folder, path, operation }))
}

impl Wish {
    /// The place and what is to be done there, or what the guest is told.
    fn at<'p>(
        &self,
        places: &'p BTreeMap<String, Place>,
    ) -> Result<(&'p Place, Below, Operation), Problem> {
        let place = place(places, &self.folder)?;
        if !place.write {
            let why = format!("read-only: nothing is written in `{}`", self.folder);
            return Err(Problem::Denied(why));
        }
        let path = Below::parse(&self.path, place.limits.depth)?;
        Ok((place, path, self.operation.clone()?))
    }
}

fn read(places: &BTreeMap<String, Place>, call: &ResolvedCall) -> Result<Value, ProviderFault> {
    let place = match place(places, text(call, "folder")?) {
        Ok(place) => place,
        Err(problem) => return Ok(problem.answer()),
    };
    let path = match call.function() {
        "list-root" => Ok(Below::default()),
        _ => Below::parse(text(call, "path")?, place.limits.depth),
    };
    let path = match path {
        Ok(path) => path,
        Err(problem) => return Ok(problem.answer()),
    };
    let answer = match call.function() {
        "list-root" | "list-folder" => place.list(&path, call.text("after")),
        "stat" => place.stat(&path),
        "read-text" => place.read_text(&path),
        "read-bytes" => {
            let offset = text(call, "offset")?.parse().map_err(|_| not_served(call))?;
            let length = call.number("length").ok_or_else(|| not_served(call))?;
            place.read_bytes(&path, offset, length)
        }
        _ => return Err(not_served(call)),
    };
    Ok(answer.unwrap_or_else(Problem::answer))
}

fn forecast(
    places: &BTreeMap<String, Place>,
    resource: Resource,
    before: &[Wish],
    wanted: &Wish,
) -> Result<Forecasted, ProviderFault> {
    let (place, path, operation) = match wanted.at(places) {
        Ok(at) => at,
        Err(problem) => return Ok(Forecasted::NoEffect(problem.answer())),
    };
    // Before the model looks: what moves between the two is then seen as a revision that moved.
    let revision = match revision(&place.root, &place.marks, &path)? {
        Ok(revision) => revision,
        Err(problem) => return Ok(Forecasted::NoEffect(problem.answer())),
    };
    let mut model = Model::new(&place.root, place.limits);
    for earlier in before.iter().filter(|earlier| earlier.folder == wanted.folder) {
        if let Ok((_, path, operation)) = earlier.at(places) {
            model.apply(&path, &operation);
        }
    }
    Ok(match model.apply(&path, &operation) {
        Outcome::Answer(answer) => Forecasted::NoEffect(answer),
        Outcome::Effect { verb, counts } => Forecasted::Exact(Forecast {
            verb: verb.to_owned(),
            counts,
            touches: vec![resource],
            revision,
            result: ok(Value::Null),
            note: None,
        }),
    })
}

#[async_trait]
impl Reader for FilesProvider {
    async fn read(&self, call: &Permitted) -> Result<Value, ProviderFault> {
        let call = call.call().clone();
        if call.interface().package() != PACKAGE || call.interface().interface() != "read" {
            return Err(not_served(&call));
        }
        self.blocking(move |places| read(places, &call)).await
    }
}

#[async_trait]
impl Forecaster for FilesProvider {
    async fn forecast(
        &self,
        call: &Permitted,
        earlier: &[Planned],
    ) -> Result<Forecasted, ProviderFault> {
        let call = call.call();
        let Some(wanted) = wish(call)? else { return Err(not_served(call)) };
        let mut before = Vec::new();
        for planned in earlier {
            // Effects of other providers change nothing here.
            before.extend(wish(&planned.call)?);
        }
        let resource = call.resource().clone();
        self.blocking(move |places| forecast(places, resource, &before, &wanted)).await
    }
}

#[async_trait]
impl Performer for FilesProvider {
    async fn perform(
        &self,
        effect: &PermittedEffect,
        still_allowed: &StillAllowed,
    ) -> Result<Performed, ProviderFault> {
        let still_allowed = still_allowed.clone();
        let resource = effect.call().resource().clone();
        let (forecast, revision) = (effect.forecast().clone(), effect.expected().clone());
        let Some(wanted) = wish(effect.call())? else { return Err(not_served(effect.call())) };
        self.blocking(move |places| {
            let (place, path, operation) = match wanted.at(places) {
                Ok(at) => at,
                Err(problem) => {
                    return Ok(Performed::Refused { code: "stale", result: problem.answer() });
                }
            };
            let expected =
                Expected { resource: &resource, revision: &revision, forecast: &forecast };
            place.perform(&path, &operation, &expected, &*still_allowed)
        })
        .await
    }
}
