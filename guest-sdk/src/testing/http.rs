//! The fake's answers to `interlock:http@0.1.0`, one module for each interface, with the signatures of the generated
//! bindings. An endpoint that the test did not add is one that nobody configured.

use std::collections::BTreeMap;

use super::fake::{Request, World, gate};
use crate::environment::Error as Planted;
use crate::http::{Body, Content, Error, Pair, Response};

/// What a GET of each path gets, by endpoint: a status and a text.
pub(super) type Endpoints = BTreeMap<String, BTreeMap<String, (u16, String)>>;

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

/// One call, as it is recorded: names of the path, then query, headers and body.
fn call<T>(
    (interface, function, effect): (&str, &str, bool),
    (endpoint, path): (&str, &str),
    pairs: [&[Pair]; 2],
    body: Option<&Body>,
    act: impl FnOnce(&mut BTreeMap<String, (u16, String)>) -> T,
) -> Result<T, Error> {
    let segments: Vec<&str> = [endpoint].into_iter().chain(path.split('/')).collect();
    let [query, headers] = pairs;
    let query = query.iter().map(|pair| format!("{}={}", pair.name, pair.value));
    let headers = headers.iter().map(|pair| format!("{}: {}", pair.name, pair.value));
    let body = body.map(|body| body.text.clone());
    let others: Vec<String> = query.chain(headers).chain(body).collect();
    let request =
        Request { interface, function, effect, segments: &segments, path: None, others: &others };
    let acted = gate(&request, |world: &mut World| match world.endpoints.get_mut(endpoint) {
        Some(answers) => Ok(act(answers)),
        None => {
            Err(Planted::Denied(format!("unknown-endpoint: there is no endpoint `{endpoint}`")))
        }
    });
    acted.map_err(ours)
}

pub(crate) mod fetch {
    use super::{Content, Error, Pair, Response, call};
    use crate::http::fetch::INTERFACE;

    fn look(function: &str, to: (&str, &str), pairs: [&[Pair]; 2]) -> Result<Response, Error> {
        call((INTERFACE, function, false), to, pairs, None, |answers| {
            let (status, text) = answers.get(to.1).cloned().unwrap_or((404, String::new()));
            let name = "content-type".to_owned();
            let headers = vec![Pair { name, value: "application/json".to_owned() }];
            Response { status, headers, content: Content::Text(text) }
        })
    }

    pub(crate) fn get(
        endpoint: &str,
        path: &str,
        query: &[Pair],
        headers: &[Pair],
    ) -> Result<Response, Error> {
        look("get", (endpoint, path), [query, headers])
    }

    pub(crate) fn head(
        endpoint: &str,
        path: &str,
        query: &[Pair],
        headers: &[Pair],
    ) -> Result<Response, Error> {
        let got = look("head", (endpoint, path), [query, headers])?;
        Ok(Response { content: Content::Text(String::new()), ..got })
    }
}

pub(crate) mod send {
    use super::{Body, Error, Pair, call};
    use crate::http::send::INTERFACE;

    pub(crate) fn post(
        endpoint: &str,
        path: &str,
        query: &[Pair],
        headers: &[Pair],
        body: Option<&Body>,
    ) -> Result<(), Error> {
        call((INTERFACE, "post", true), (endpoint, path), [query, headers], body, |_| ())
    }

    pub(crate) fn put(
        endpoint: &str,
        path: &str,
        query: &[Pair],
        headers: &[Pair],
        body: Option<&Body>,
    ) -> Result<(), Error> {
        call((INTERFACE, "put", true), (endpoint, path), [query, headers], body, |answers| {
            let text = body.map(|body| body.text.clone()).unwrap_or_default();
            answers.insert(path.to_owned(), (200, text));
        })
    }

    pub(crate) fn patch(
        endpoint: &str,
        path: &str,
        query: &[Pair],
        headers: &[Pair],
        body: Option<&Body>,
    ) -> Result<(), Error> {
        call((INTERFACE, "patch", true), (endpoint, path), [query, headers], body, |_| ())
    }
}

pub(crate) mod remove {
    use super::{Error, Pair, call};
    use crate::http::remove::INTERFACE;

    pub(crate) fn delete(
        endpoint: &str,
        path: &str,
        query: &[Pair],
        headers: &[Pair],
    ) -> Result<(), Error> {
        call((INTERFACE, "delete", true), (endpoint, path), [query, headers], None, |answers| {
            // Scope `subtree`: what is below it goes with it.
            let below = format!("{path}/");
            answers.retain(|known, _| known != path && !known.starts_with(&below));
        })
    }
}
