//! Effects: POST, PUT, PATCH and DELETE. What a server will answer cannot be known, so an effect's result is that it
//! was acknowledged and nothing else: then it can be said exactly, before anything is sent. What fails before the
//! first byte is sent is no effect; what fails after it is `unknown`.

use super::{
    answer::refusal,
    counter::Begun,
    endpoint::Revisions,
    exchange::Answer,
    provider::{Inner, Work},
    request::{Request, method},
    trouble::Trouble,
};
use crate::{
    FROZEN, Forecasted, NOT_STARTED, Performed, ProviderFault, StillAllowed, blocking::blocking,
    unbegun::not_begun,
};
use hyper::{
    Method, StatusCode,
    header::{ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH},
};
use interlock_authority::{
    Forecast, PermittedEffect, Planned, Resource, Revision, forecast::MAX_NOTE,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};

/// The longest ETag that is a revision, in bytes.
const LONGEST_ETAG: usize = 128;
const ETAG_LEAD: &str = "etag ";
const ABSENT: &str = "absent";

fn failed(words: &str) -> Value {
    json!({"err": {"failed": words}})
}

fn refused(code: &'static str, result: Value) -> Result<Performed, ProviderFault> {
    Ok(Performed::Refused { code, result })
}

fn conflict(words: &str) -> Value {
    json!({"err": {"conflict": words}})
}

/// The strong ETag of an answer, as a revision.
fn etag(headers: &HeaderMap) -> Option<Revision> {
    let text = headers.get(ETAG)?.to_str().ok()?;
    // A weak one (`W/"…"`) is equal for states that are not.
    let strong = text.len() <= LONGEST_ETAG && text.len() > 2;
    let inner = text.strip_prefix('"')?.strip_suffix('"').filter(|inner| !inner.contains('"'))?;
    (strong && inner.bytes().all(|b| b.is_ascii_graphic()))
        .then(|| Revision::new(format!("{ETAG_LEAD}{text}")))
}

/// The condition under which an effect is to happen, for the server to check.
fn condition(expected: &Revision) -> Option<(HeaderName, HeaderValue)> {
    match expected.as_str().strip_prefix(ETAG_LEAD) {
        Some(etag) => HeaderValue::from_str(etag).ok().map(|value| (IF_MATCH, value)),
        None if expected.as_str() == ABSENT => Some((IF_NONE_MATCH, HeaderValue::from_static("*"))),
        None => None,
    }
}

impl Work<'_> {
    /// Whether the server's own revisions are asked for. What a POST makes has none yet.
    fn tagged(&self) -> bool {
        self.endpoint().revisions == Revisions::Etag && self.request.method != Method::POST
    }

    /// Whether something is sent before there is an effect.
    pub(super) fn looks(&self) -> bool {
        self.request.method.is_safe() || self.tagged()
    }

    pub(super) async fn forecast(
        &self,
        inner: Arc<Inner>,
        earlier: &[Planned],
    ) -> Result<Forecasted, ProviderFault> {
        let resource = self.call.resource();
        for before in earlier.iter().filter(|planned| planned.overlaps(resource)) {
            // Its state after that is the server's to make; and what was taken away from above is gone. What an ETag
            // tells of the effect before is no count, with which this one is compared.
            let other_kind = self.endpoint().revisions == Revisions::Etag
                && method(&before.call) != Some(Method::POST);
            if self.tagged() || other_kind || !before.call.resource().is_within(resource) {
                let near = before.call.resource();
                let why = format!(
                    "an earlier effect of the plan, `{}`, changes `{near}`",
                    before.call.function()
                );
                return Ok(Forecasted::Inexact(why));
            }
        }
        let revision = if self.tagged() {
            match self.look().await? {
                Ok(revision) => revision,
                Err(other) => return Ok(other),
            }
        } else {
            if self.moves(inner.clone(), earlier).await? {
                let why = "the plan has effects on so many resources of the endpoint that it is no longer known when this one was last changed";
                return Ok(Forecasted::Inexact(why.to_owned()));
            }
            match self.counted(inner).await? {
                Some(revision) => revision,
                None => {
                    let why = "another effect at the endpoint is still under way";
                    return Ok(Forecasted::NoEffect(conflict(why)));
                }
            }
        };
        let body = self.request.body.as_ref();
        let bytes = body.map(|(_, bytes)| ("bytes of body".to_owned(), bytes.len() as u64));
        let forecast = Forecast {
            verb: self.request.method.as_str().to_ascii_lowercase(),
            counts: bytes.into_iter().collect(),
            touches: vec![resource.clone()],
            revision,
            result: json!({"ok": null}),
            note: Some(self.note()),
        };
        Ok(Forecasted::Exact(forecast.bounded()))
    }

    /// What people read beside the arguments: where it goes, and a body that is too long to be shown there.
    fn note(&self) -> String {
        let place = &self.endpoint().place;
        let scheme = if place.tls { "https" } else { "http" };
        let Request { method, target, body, .. } = &self.request;
        let mut note = format!(
            "{method} {scheme}://{}{target} (what else the server does then is not known; it is done when the server acknowledges it)",
            place.authority()
        );
        if let Some((_, bytes)) = body {
            note.push_str(", body: ");
            note.push_str(&String::from_utf8_lossy(bytes));
        }
        note.chars().take(MAX_NOTE).collect()
    }

    /// Whether the earlier effects of a plan move the count of this resource though they are not near it.
    async fn moves(&self, inner: Arc<Inner>, earlier: &[Planned]) -> Result<bool, ProviderFault> {
        let resource = self.call.resource().clone();
        let endpoint = |of: &Resource| of.segments().get(..2).map(<[String]>::to_vec);
        let here = |planned: &&Planned| {
            method(&planned.call).is_some()
                && endpoint(planned.call.resource()) == endpoint(&resource)
        };
        let near = |planned: &Planned| planned.overlaps(&resource);
        if earlier.is_empty() || earlier.iter().any(near) {
            return Ok(false);
        }
        let earlier: Vec<Resource> =
            earlier.iter().filter(here).map(|planned| planned.call.resource().clone()).collect();
        blocking(move || inner.counters.moves(&resource, &earlier)).await
    }

    async fn counted(&self, inner: Arc<Inner>) -> Result<Option<Revision>, ProviderFault> {
        let resource = self.call.resource().clone();
        blocking(move || inner.counters.revision(&resource)).await
    }

    /// Asks the server for the state of the resource; the inner error is another forecast.
    async fn look(&self) -> Result<Result<Revision, Forecasted>, ProviderFault> {
        let request = Request { method: Method::GET, body: None, ..self.request.clone() };
        let inexact = |why: String| Ok(Err(Forecasted::Inexact(why)));
        let asked = match self.open().await {
            Ok(open) => self.exchange(open, &request, None).await,
            Err(trouble) => Err(trouble),
        };
        let (answer, redaction) = match asked {
            Ok(answered) => answered,
            Err(trouble @ (Trouble::Address(_) | Trouble::InTheClear)) => {
                let (rule, problem) = (trouble.code(), trouble.to_string());
                return Err(ProviderFault::Denied { rule, problem });
            }
            Err(trouble) => return inexact(trouble.told()),
        };
        match answer.status {
            StatusCode::OK => match etag(&answer.headers) {
                Some(revision) if redaction.text(revision.as_str()) == revision.as_str() => {
                    Ok(Ok(revision))
                }
                _ => inexact("the server told no strong ETag".to_owned()),
            },
            StatusCode::NOT_FOUND if self.request.method == Method::PUT => {
                Ok(Ok(Revision::new(ABSENT)))
            }
            StatusCode::NOT_FOUND | StatusCode::GONE => {
                let words = refusal(&answer, &redaction);
                Ok(Err(Forecasted::NoEffect(failed(&words))))
            }
            status => {
                inexact(format!("the server answered {} when it was looked at", status.as_u16()))
            }
        }
    }

    pub(super) async fn perform(
        &self,
        inner: Arc<Inner>,
        effect: &PermittedEffect,
        still_allowed: &StillAllowed,
    ) -> Result<Performed, ProviderFault> {
        // Until the first byte is sent nothing has happened, whatever went wrong.
        let open = match self.open().await {
            Ok(open) => open,
            Err(trouble @ (Trouble::Address(_) | Trouble::InTheClear)) => {
                return refused(NOT_STARTED, json!({"err": {"denied": trouble.told()}}));
            }
            Err(trouble) => return refused(NOT_STARTED, failed(&trouble.told())),
        };
        let condition = condition(effect.expected());
        let expected = condition.is_none().then(|| effect.expected().clone());
        let (resource, still_allowed) = (self.call.resource().clone(), still_allowed.clone());
        let counting = move || inner.counters.begin(&resource, expected.as_ref(), &*still_allowed);
        let revisions = match blocking(counting).await {
            Ok(Begun::Yes(revisions)) => revisions,
            Ok(Begun::Stale) => {
                let why = "this host had another effect there since it was looked at";
                return refused("stale", conflict(why));
            }
            Ok(Begun::Busy) => {
                let why = "another effect at the endpoint is still under way";
                return refused("busy", conflict(why));
            }
            Ok(Begun::Stopped(why)) => {
                return refused(FROZEN, json!({"err": {"denied": format!("{FROZEN}: {why}")}}));
            }
            Err(fault) => {
                let words = not_begun(self.call.resource(), &fault);
                return refused(NOT_STARTED, failed(&format!("not-counted: {words}")));
            }
        };
        match self.exchange(open, &self.request, condition).await {
            Ok((answer, redaction)) => {
                self.ended(&answer, &refusal(&answer, &redaction), revisions)
            }
            // INVARIANT AT-MOST-ONCE: it may have arrived, and nobody knows what became of it.
            Err(trouble) => Err(self.lost(&trouble.told())),
        }
    }

    fn lost(&self, problem: &str) -> ProviderFault {
        ProviderFault::Process {
            what: format!("the {} to `{}`", self.request.method, self.call.resource()),
            problem: problem.to_owned(),
        }
    }

    fn ended(
        &self,
        answer: &Answer,
        words: &str,
        mut revisions: BTreeMap<Resource, Revision>,
    ) -> Result<Performed, ProviderFault> {
        if self.tagged() {
            // What the server says of the new state; where it says nothing, no later ticket can expect it.
            revisions.clear();
            if let Some(revision) = etag(&answer.headers) {
                revisions.insert(self.call.resource().clone(), revision);
            }
        }
        match answer.status {
            status if status.is_success() => {
                Ok(Performed::Done { result: json!({"ok": null}), revisions })
            }
            StatusCode::PRECONDITION_FAILED if self.tagged() => refused(
                "stale",
                conflict("the server has it in another state than it was looked at in"),
            ),
            // Whoever stands before the server does not know whether it did it.
            StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => Err(self.lost(words)),
            _ => Ok(Performed::Failed { result: failed(words), revisions }),
        }
    }
}
