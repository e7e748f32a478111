//! The asker's side of a host: everything that a surface which an agent can reach may hold. INVARIANT
//! ASKER-CANNOT-APPROVE: the host is private in here, and no method of an [`Asker`] takes a signature, names
//! another principal, or changes a rule; a surface that has nothing else has no way to any of it.

use super::{
    OwnRequest, RunTold,
    approver::refused,
    case::unless_erased,
    own::{Known, told_run},
};
use crate::{
    Host, HostError, Request, Response,
    desk::Case,
    pipeline::{self, Control, Offer},
    record::{Event, EventBody, Record, Recorder, WriteError, space},
    response::Outcome,
    statement::Envelope,
    telemetry::Standing,
};
use interlock_authority::{
    Principal, canonical,
    desk::{DeskRefusal, RequestState},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::watch;

/// The most requests that are looked through for those of one asker.
const LOOKED_THROUGH: u64 = 500;

/// Makes askers of a host, one for each principal that a surface speaks for.
#[derive(Clone)]
pub struct Askers {
    host: watch::Sender<Arc<Host>>,
    /// Hosts of before, while something of theirs is under way.
    before: Arc<Mutex<Vec<Arc<Host>>>>,
    known: Arc<Known>,
}

/// What a principal wishes for.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The plugin's configured name.
    pub plugin: String,
    /// The tool.
    pub tool: String,
    /// The arguments: a JSON object.
    pub arguments: Value,
    /// The request that this call is to go on with.
    pub request: Option<String>,
    /// What the asker says about it, shown to people as unchecked words.
    pub said: Option<String>,
}

/// The tools that a principal may call, and the plugins that could not be looked at.
#[derive(Debug, Clone, Default)]
pub struct Offers {
    /// The tools.
    pub offers: Vec<Offer>,
    /// Plugins that were not admitted, each with why: for the operator's log, never for an agent.
    pub left_out: BTreeMap<String, String>,
}

/// What became of a wish.
#[derive(Debug, Clone)]
pub enum Answer {
    /// The call ended, now or when it was made before.
    Ended(Box<Response>),
    /// The request was used by an earlier run, of which the journal tells this much.
    Told(RunTold),
}

impl Askers {
    /// Askers of a host.
    pub fn of(host: Arc<Host>) -> Self {
        Self { host: watch::Sender::new(host), before: Arc::default(), known: Arc::default() }
    }

    /// Puts another host in the place of the one before. Calls that run end under the one they began with.
    pub fn replace(&self, host: Arc<Host>) {
        let old = self.host.send_replace(host);
        let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        // One that nobody holds any more, and of which nothing is under way, has told all to the journal.
        before.retain(|host| Arc::strong_count(host) > 1 || host.effects_under_way() > 0);
        before.push(old);
    }

    /// The asker's side for one principal.
    pub fn asker(&self, principal: Principal) -> Asker {
        Asker { host: self.host.subscribe(), known: self.known.clone(), principal }
    }

    /// Whether somebody is configured.
    pub fn knows(&self, principal: &Principal) -> bool {
        self.host.borrow().config().principals.contains(principal)
    }

    /// Ends every call, and keeps new ones from starting.
    pub fn stop(&self) {
        self.known.stop();
    }

    /// Waits until no call and no effect is under way, at most this long. Says whether none is.
    pub async fn quiet(&self, most: Duration) -> bool {
        let ends = tokio::time::Instant::now() + most;
        let calls = tokio::time::timeout_at(ends, self.known.idle()).await.is_ok();
        let mut hosts = self.before.lock().unwrap_or_else(PoisonError::into_inner).clone();
        hosts.push(self.host.borrow().clone());
        let mut quiet = calls;
        for host in hosts {
            let left = ends.saturating_duration_since(tokio::time::Instant::now());
            quiet &= host.drain(left).await;
        }
        quiet
    }

    /// Waits until everything that was told to the journal is on disk.
    ///
    /// # Errors
    /// When the journal takes nothing any more.
    pub async fn settle(&self) -> Result<(), HostError> {
        let mut hosts = self.before.lock().unwrap_or_else(PoisonError::into_inner).clone();
        hosts.push(self.host.borrow().clone());
        for host in hosts {
            settle(&host).await?;
        }
        Ok(())
    }

    /// How many calls are under way.
    pub fn under_way(&self) -> usize {
        self.known.under_way()
    }

    /// How the deployment stands, for whoever watches it.
    pub fn standing(&self) -> Standing {
        let host = self.host.borrow().clone();
        let mut standing = Standing::of(&host);
        let before = self.before.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let of = |host: &Arc<Host>| host.effects_under_way() as u64;
        standing.under_way += before.iter().map(of).sum::<u64>();
        standing
    }

    /// Whether the journal can be read and the host may act: what a health check asks.
    ///
    /// # Errors
    /// Why not.
    pub fn ready(&self) -> Result<(), HostError> {
        let host = self.host.borrow().clone();
        host.journal().last(1).map(|_| ())
    }
}

/// The asker's side of a host, for one principal. Clones are the same asker.
#[derive(Clone)]
pub struct Asker {
    host: watch::Receiver<Arc<Host>>,
    known: Arc<Known>,
    principal: Principal,
}

impl std::fmt::Debug for Asker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asker").field("principal", &self.principal).finish_non_exhaustive()
    }
}

impl Asker {
    /// Who asks.
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    fn host(&self) -> Arc<Host> {
        self.host.borrow().clone()
    }

    /// The most calls that one principal may have under way.
    pub fn at_once(&self) -> u32 {
        self.host().config().serving.concurrent
    }

    /// Waits until the host behind is another one, with other rules or plugins.
    pub async fn changed(&mut self) {
        if self.host.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// The tools that this principal may call. A plugin that cannot be admitted is left out.
    pub async fn offers(&self) -> Offers {
        let host = self.host();
        let mut all = Offers::default();
        for name in host.config().plugins.keys() {
            match host.installed(name).await {
                Ok(plugin) => {
                    all.offers.extend(pipeline::offers(&host, &plugin, &self.principal));
                }
                Err(error) => {
                    all.left_out.insert(name.clone(), error.to_string());
                }
            }
        }
        all
    }

    /// Runs a tool. A wish that names a request goes on with it: the same wish again is answered as the
    /// first time, and never applied twice.
    ///
    /// # Errors
    /// As [`Host::call`], `request-unknown` for a request that this principal did not make, and
    /// `shutting-down`.
    pub async fn call(&self, wish: Wish, control: &Control) -> Result<Answer, HostError> {
        let _call = self.known.begin(control).ok_or_else(|| HostError::Refused {
            code: "shutting-down",
            message: "the host is shutting down and starts nothing".to_owned(),
        })?;
        let Wish { plugin, tool, arguments, request, said } = wish;
        let principal = self.principal.clone();
        let request = Request { principal, plugin, tool, arguments, request, said };
        match request.request.clone() {
            None => {
                let response = self.host().call_with(&request, control).await?;
                Ok(Answer::Ended(Box::new(response)))
            }
            Some(id) => self.go_on(&id, request, control).await,
        }
    }

    /// Goes on with a request as it was made, without its arguments being said again.
    ///
    /// # Errors
    /// As [`Asker::call`].
    pub async fn resume(&self, id: &str, control: &Control) -> Result<Answer, HostError> {
        let case = self.case(id)?;
        let Some(plan) = case.body.plan() else { return Err(unknown(id)) };
        let wish = Wish {
            plugin: plan.plugin.name.clone(),
            tool: plan.tool.clone(),
            arguments: plan.arguments.clone(),
            request: Some(id.to_owned()),
            said: None,
        };
        self.call(wish, control).await
    }

    /// One at a time for each request, so that two calls of an impatient client are one.
    async fn go_on(
        &self,
        id: &str,
        request: Request,
        control: &Control,
    ) -> Result<Answer, HostError> {
        self.case(id)?;
        let _turn = self.known.turn(id).await;
        let case = self.case(id)?;
        if let RequestState::Consumed { run } = case.state(&self.host())? {
            let same = case.body.plan().is_some_and(|plan| {
                plan.plugin.name == request.plugin
                    && plan.tool == request.tool
                    && canonical::same(&plan.arguments, &request.arguments)
            });
            if !same {
                return Err(refused(&DeskRefusal::DifferentCall("tools or arguments")));
            }
            return match self.known.answer(id) {
                Some(response) => Ok(Answer::Ended(response)),
                None => {
                    // The end of a run is written a moment after it: what is told must have it.
                    settle(&self.host()).await?;
                    Ok(Answer::Told(told_run(self.host().journal(), id, &run)?))
                }
            };
        }
        let response = self.host().call_with(&request, control).await?;
        let applied = !matches!(response.outcome, Outcome::ApprovalRequired(_))
            && matches!(self.case(id)?.state(&self.host())?,
                RequestState::Consumed { run } if run == response.invocation);
        if applied {
            self.known.remember(id, &response);
        }
        Ok(Answer::Ended(Box::new(response)))
    }

    /// A request of this principal.
    ///
    /// # Errors
    /// `request-unknown` where this principal made no such request, whoever else did.
    pub fn request(&self, id: &str) -> Result<OwnRequest, HostError> {
        OwnRequest::read(&self.host(), &self.case(id)?)
    }

    /// The signed receipt of an invocation of this principal.
    ///
    /// # Errors
    /// `no-invocation` where this principal made no such one, whoever else did; otherwise as
    /// [`Host::receipt`].
    pub async fn receipt(&self, invocation: &str) -> Result<Envelope, HostError> {
        let host = self.host();
        let none = || {
            let invocation: String = invocation.chars().take(26).collect();
            let message = format!("there is no invocation `{}`", invocation.escape_default());
            HostError::Refused { code: "no-invocation", message }
        };
        if !is_id(invocation) {
            return Err(none());
        }
        // The end of a run is written a moment after it was told.
        settle(&host).await?;
        let own = serde_json::to_value(&self.principal).unwrap_or_default();
        let mut leaves = host.journal().find(space::INVOCATION, invocation)?.into_iter();
        let asked = |leaf: u64| -> Result<bool, HostError> {
            let told = host.journal().told(leaf)?.filter(|told| told.kind == "decision");
            let principal = told.and_then(|told| told.event?.get("principal").cloned());
            Ok(principal.is_some_and(|principal| principal == own))
        };
        // INVARIANT ASKER-CANNOT-APPROVE: a call of somebody else is, to this asker, none at all.
        if !leaves.try_fold(false, |found, leaf| Ok::<_, HostError>(found || asked(leaf)?))? {
            return Err(none());
        }
        host.receipt(invocation).await
    }

    /// The newest requests of this principal, newest first.
    ///
    /// # Errors
    /// A journal that is not as it was written.
    pub fn requests(&self, most: usize) -> Result<Vec<OwnRequest>, HostError> {
        let host = self.host();
        let keys = host.journal().keys(space::REQUEST, LOOKED_THROUGH)?;
        let mut own = Vec::new();
        for (id, _) in keys {
            match self.case(&id) {
                Ok(case) => own.push(OwnRequest::read(&host, &case)?),
                Err(HostError::Refused { .. }) => continue,
                Err(error) => return Err(error),
            }
            if own.len() >= most {
                break;
            }
        }
        Ok(own)
    }

    /// Takes a request of this principal back, while no run has claimed it.
    ///
    /// # Errors
    /// `request-unknown`, or a request that is over.
    pub async fn withdraw(&self, id: &str) -> Result<(), HostError> {
        let (host, case) = (self.host(), self.case(id)?);
        case.standing(&host.rules().roster).open().map_err(|e| refused(&e))?;
        let body = EventBody::Revocation { request: id.to_owned(), by: self.principal.to_string() };
        let record = Record::of(Event::alone(body))
            .mark(space::ABOUT, id)
            .once(space::REVOKED, id)
            .unless(space::CLAIM, id);
        match host.journal().write(record).await {
            // A run was quicker, or somebody else: the state tells.
            Ok(()) | Err(WriteError::Taken { .. } | WriteError::Unmet { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// INVARIANT ASKER-CANNOT-APPROVE: a request of somebody else is, to this asker, none at all.
    fn case(&self, id: &str) -> Result<Case, HostError> {
        if !is_id(id) {
            return Err(unknown(id));
        }
        // Whose an erased one was cannot be told, so it is nobody's.
        let case = unless_erased(Case::load(self.host().journal(), id))?;
        case.filter(|case| case.body.asker.principal == self.principal).ok_or_else(|| unknown(id))
    }
}

/// Waits until what a host told the journal is on disk.
async fn settle(host: &Host) -> Result<(), HostError> {
    host.journal().store().flush().await.map_err(crate::record::refused)
}

/// Whether a text has the form of an id (ULID): what has not is not looked for, and not repeated in a message.
fn is_id(text: &str) -> bool {
    text.len() == 26 && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// The same words for a request that is somebody else's and for one that nobody made.
fn unknown(id: &str) -> HostError {
    let id: String = id.chars().take(26).collect();
    HostError::Refused {
        code: "request-unknown",
        message: format!("there is no request `{}`", id.escape_default()),
    }
}
