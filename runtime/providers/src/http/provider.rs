//! The three roles over the endpoints of a host. A read is one exchange; whoever stops waiting for it ends it.

use super::{
    answer::response,
    connect::{Reached, Resolver, Stream},
    counter::Counters,
    endpoint::Endpoint,
    exchange::{Answer, exchange, message},
    request::{Request, denied, method},
    trouble::Trouble,
};
use crate::{
    Forecasted, Forecaster, Performed, Performer, ProviderFault, Reader, StillAllowed, Told,
    secrets::{Redaction, Secrets},
};
use async_trait::async_trait;
use hyper::header::{HeaderName, HeaderValue};
use interlock_authority::{Permitted, PermittedEffect, Planned, catalogue::ResolvedCall};
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path, sync::Arc};
use tokio::time::Instant;

const PACKAGE: &str = "interlock:http";

/// The endpoints of a host.
#[derive(Clone)]
pub struct HttpProvider {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    endpoints: BTreeMap<String, Reached>,
    secrets: Secrets,
    resolver: Arc<dyn Resolver>,
    pub(super) counters: Counters,
}

/// One call at its work: what it asks of which endpoint.
pub(super) struct Work<'a> {
    inner: &'a Inner,
    pub(super) reached: &'a Reached,
    pub(super) call: &'a ResolvedCall,
    pub(super) request: Request,
}

/// A connection with what goes over it, and what must not come back.
pub(super) struct Open {
    stream: Box<dyn Stream>,
    credential: Option<(HeaderName, HeaderValue)>,
    pub(super) redaction: Redaction,
    deadline: Instant,
}

impl HttpProvider {
    /// These endpoints. Below `state` the provider keeps its counts and locks.
    pub fn new(
        endpoints: BTreeMap<String, Endpoint>,
        secrets: Secrets,
        state: &Path,
        resolver: Arc<dyn Resolver>,
    ) -> Self {
        let endpoints = endpoints.into_iter().map(|(n, e)| (n, Reached::new(e))).collect();
        let counters = Counters { folder: state.join("http"), locks: state.join("locks") };
        Self { inner: Arc::new(Inner { endpoints, secrets, resolver, counters }) }
    }
}

impl Inner {
    /// What a call asks.
    ///
    /// # Errors
    /// What its endpoint does not allow.
    pub(super) fn work<'a>(&'a self, call: &'a ResolvedCall) -> Result<Work<'a>, ProviderFault> {
        let method = (call.interface().package() == PACKAGE).then(|| method(call)).flatten();
        let Some(method) = method else {
            return Err(ProviderFault::not_served(super::PROVIDER, call));
        };
        let name = call.text("endpoint").unwrap_or_default();
        let Some(reached) = self.endpoints.get(name) else {
            return denied("unknown-endpoint", format!("there is no endpoint `{name}`"));
        };
        let request = Request::of(&reached.endpoint, method, call)?;
        Ok(Work { inner: self, reached, call, request })
    }
}

impl Work<'_> {
    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.reached.endpoint
    }

    /// The endpoint's credential, read now.
    async fn credential(&self) -> Result<(Option<(HeaderName, HeaderValue)>, Redaction), Trouble> {
        let Some(credential) = self.endpoint().credential.clone() else {
            return Ok((None, Redaction::default()));
        };
        let (secrets, name) = (self.inner.secrets.clone(), credential.secret.clone());
        // A secret may be what a program prints.
        let read = tokio::task::spawn_blocking(move || secrets.read(&name)).await;
        let secret = read.map_err(|_| Trouble::Secret)?.map_err(|_| Trouble::Secret)?;
        let mut value = HeaderValue::from_str(&format!("{}{}", credential.prefix, secret.expose()))
            .map_err(|_| Trouble::Secret)?;
        value.set_sensitive(true);
        let header = HeaderName::from_bytes(credential.header.as_bytes());
        let header = header.map_err(|_| Trouble::Secret)?;
        Ok((Some((header, value)), Redaction::new(vec![(credential.secret, secret)])))
    }

    /// Goes as far as can be gone without sending anything.
    pub(super) async fn open(&self) -> Result<Open, Trouble> {
        let deadline = Instant::now() + self.endpoint().time;
        let (credential, redaction) = self.credential().await?;
        let stream = self.reached.connect(&*self.inner.resolver, deadline).await?;
        Ok(Open { stream, credential, redaction, deadline })
    }

    /// Sends a request and takes its answer.
    pub(super) async fn exchange(
        &self,
        open: Open,
        request: &Request,
        condition: Option<(HeaderName, HeaderValue)>,
    ) -> Result<(Answer, Redaction), Trouble> {
        let Open { stream, credential, redaction, deadline } = open;
        let own = credential.into_iter().chain(condition).collect();
        let message = message(self.endpoint(), request, own)?;
        Ok((exchange(self.endpoint(), stream, message, deadline).await?, redaction))
    }

    /// A trouble of a read: where the endpoint leads is the operator's to allow, the rest is an answer.
    fn answer_of(trouble: &Trouble) -> Result<Value, ProviderFault> {
        match trouble {
            Trouble::Address(_) | Trouble::InTheClear => {
                denied(trouble.code(), trouble.to_string())
            }
            _ => Ok(json!({"err": {"failed": trouble.told()}})),
        }
    }
}

#[async_trait]
impl Reader for HttpProvider {
    async fn read(&self, call: &Permitted) -> Result<Value, ProviderFault> {
        let work = self.inner.work(call.call())?;
        let exchanged = match work.open().await {
            Ok(open) => work.exchange(open, &work.request, None).await,
            Err(trouble) => Err(trouble),
        };
        match exchanged {
            Ok((answer, redaction)) => Ok(response(answer, &redaction)),
            Err(trouble) => Work::answer_of(&trouble),
        }
    }

    fn told(&self, call: &Permitted) -> Told {
        // What is refused is told to nobody.
        let Ok(work) = self.inner.work(call.call()) else { return Told::Nothing };
        if !work.looks() {
            return Told::Nothing;
        }
        if !work.endpoint().plan {
            let name = call.call().text("endpoint").unwrap_or_default();
            return Told::NotWhilePlanning(format!(
                "the endpoint `{name}` is not read while planning"
            ));
        }
        Told::Bytes(work.request.chosen)
    }
}

#[async_trait]
impl Forecaster for HttpProvider {
    async fn forecast(
        &self,
        call: &Permitted,
        earlier: &[Planned],
    ) -> Result<Forecasted, ProviderFault> {
        self.inner.work(call.call())?.forecast(self.inner.clone(), earlier).await
    }
}

#[async_trait]
impl Performer for HttpProvider {
    async fn perform(
        &self,
        effect: &PermittedEffect,
        still_allowed: &StillAllowed,
    ) -> Result<Performed, ProviderFault> {
        match self.inner.work(effect.call()) {
            Ok(work) => work.perform(self.inner.clone(), effect, still_allowed).await,
            Err(ProviderFault::Denied { rule, problem }) => Ok(Performed::Refused {
                code: crate::NOT_STARTED,
                result: json!({"err": {"denied": format!("{rule}: {problem}")}}),
            }),
            Err(fault) => Err(fault),
        }
    }
}
