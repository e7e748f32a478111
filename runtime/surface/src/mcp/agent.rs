//! What is kept for one principal on the agents' surface: its asker, its tools, and the waits that go on in
//! the background. There is no host in here, and so nothing that could approve: see [`interlock::desk::Asker`].

use super::{
    answer,
    tools::{Entry, Tools},
};
use interlock::{
    HostError,
    desk::{Answer, Asker, OwnRequest, Wish},
    pipeline::{CancelOnDrop, Control},
    statement::Envelope,
};
use interlock_authority::{Principal, desk::RequestState};
use rmcp::model::{CallToolResult, JsonObject};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};

/// The most calls that wait for a place: over pipes nothing else keeps a client from sending them.
const LINE: usize = 256;

/// How often a wait looks whether people have decided.
const LOOK: Duration = Duration::from_secs(2);
/// The most waits of one principal that go on in the background; another is looked at when it is asked for.
const MAX_WAITS: usize = 32;

/// One principal on the agents' surface.
pub(super) struct Agent {
    asker: Asker,
    tools: watch::Sender<Arc<Tools>>,
    waits: Mutex<BTreeMap<String, Control>>,
    /// Held by who reads the journal.
    looks: Arc<tokio::sync::Mutex<()>>,
    /// For calls that are under way, whichever way they came.
    places: Arc<Semaphore>,
    /// For those, and for the ones that wait for a place.
    line: Arc<Semaphore>,
}

/// The place of one call, to be held until the call has ended.
pub(super) struct Place {
    _line: OwnedSemaphorePermit,
    _one: OwnedSemaphorePermit,
}

impl Agent {
    /// Looks at what the principal may call.
    pub(super) async fn open(asker: Asker) -> Arc<Self> {
        let tools = Tools::of(&asker.offers().await);
        tell(&tools);
        let most = asker.at_once() as usize;
        let agent = Arc::new(Self {
            asker,
            tools: watch::Sender::new(Arc::new(tools)),
            waits: Mutex::default(),
            looks: Arc::default(),
            places: Arc::new(Semaphore::new(most)),
            line: Arc::new(Semaphore::new(most.saturating_add(LINE).min(Semaphore::MAX_PERMITS))),
        });
        // Ends with the agent: it holds no more than a weak end.
        let (mut changes, weak) = (agent.asker.clone(), Arc::downgrade(&agent));
        tokio::spawn(async move {
            loop {
                changes.changed().await;
                let Some(agent) = weak.upgrade() else { return };
                let tools = Tools::of(&agent.asker.offers().await);
                tell(&tools);
                agent.tools.send_if_modified(|old| {
                    let differs = tools.differs(old);
                    *old = Arc::new(tools);
                    differs
                });
            }
        });
        agent
    }

    pub(super) const fn principal(&self) -> &Principal {
        self.asker.principal()
    }

    /// Reads the journal, which may wait for the disk: not on a thread that serves others, and one at a time, so that
    /// whoever asks for much waits for itself.
    async fn look<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Asker) -> Result<T, HostError> + Send + 'static,
    ) -> Result<T, HostError> {
        // Goes with the reading, which goes on where whoever asked has gone away.
        let one = self.looks.clone().lock_owned().await;
        let asker = self.asker.clone();
        let read = tokio::task::spawn_blocking(move || {
            let _one = one;
            read(&asker)
        });
        read.await
            .map_err(|e| HostError::io("cannot read the journal")(std::io::Error::other(e)))?
    }

    /// A request of this principal, as [`Asker::request`].
    pub(super) async fn request(&self, id: &str) -> Result<OwnRequest, HostError> {
        let id = id.to_owned();
        self.look(move |asker| asker.request(&id)).await
    }

    /// The newest requests of this principal, as [`Asker::requests`].
    pub(super) async fn requests(&self, most: usize) -> Result<Vec<OwnRequest>, HostError> {
        self.look(move |asker| asker.requests(most)).await
    }

    /// A signed receipt, as [`Asker::receipt`].
    pub(super) async fn receipt(&self, invocation: &str) -> Result<Envelope, HostError> {
        let (invocation, runtime) = (invocation.to_owned(), Handle::current());
        self.look(move |asker| runtime.block_on(asker.receipt(&invocation))).await
    }

    /// The tools as they are now.
    pub(super) fn tools(&self) -> Arc<Tools> {
        self.tools.borrow().clone()
    }

    /// Tells when a client would see other tools.
    pub(super) fn changes(&self) -> watch::Receiver<Arc<Tools>> {
        self.tools.subscribe()
    }

    /// A place for one more call, once there is one; `None` where too many wait already.
    pub(super) async fn place(&self) -> Option<Place> {
        let _line = self.line.clone().try_acquire_owned().ok()?;
        let _one = self.places.clone().acquire_owned().await.ok()?;
        Some(Place { _line, _one })
    }

    /// Calls a tool, to its end or until it is cancelled.
    pub(super) async fn call(
        &self,
        entry: &Entry,
        arguments: JsonObject,
        (request, said): (Option<String>, Option<String>),
        control: &Control,
    ) -> Result<Answer, HostError> {
        let wish = Wish {
            plugin: entry.plugin.clone(),
            tool: entry.tool.clone(),
            arguments: Value::Object(arguments),
            request,
            said,
        };
        // Whoever stops polling this has gone away: what they wanted is not wanted any more.
        let watched = CancelOnDrop::new(control.clone());
        let answer = self.asker.call(wish, control).await;
        watched.ended();
        if let Err(error) = &answer {
            tracing::warn!(
                principal = %self.asker.principal(),
                tool = %format_args!("{}.{}", entry.plugin, entry.tool),
                %error,
                "a call could not be decided"
            );
        }
        answer
    }

    /// The waits that go on, by request.
    fn waits(&self) -> MutexGuard<'_, BTreeMap<String, Control>> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for people in the background, and goes on with the request once they agreed.
    pub(super) fn wait(self: &Arc<Self>, id: &str) {
        let control = Control::default();
        {
            let mut waits = self.waits();
            if waits.contains_key(id) || waits.len() >= MAX_WAITS {
                return;
            }
            waits.insert(id.to_owned(), control.clone());
        }
        tracing::debug!(request = id, principal = %self.asker.principal(), "waits for people");
        let (agent, id) = (self.clone(), id.to_owned());
        tokio::spawn(async move {
            while let Ok(request) = agent.request(&id).await {
                match request.state {
                    RequestState::Pending => tokio::time::sleep(LOOK).await,
                    RequestState::Approved => {
                        // The answer is kept by the asker, for whoever comes for it.
                        if let Err(error) = agent.asker.resume(&id, &control).await {
                            tracing::warn!(request = id, %error, "a request cannot be applied");
                        }
                        break;
                    }
                    _ => break,
                }
            }
            agent.waits().remove(&id);
        });
    }

    /// Whether a run with this request goes on, or will.
    pub(super) fn waits_for(&self, id: &str) -> bool {
        self.waits().contains_key(id)
    }

    /// Takes a request back: what waits for it ends, and people's later signatures do nothing.
    ///
    /// # Errors
    /// `request-unknown`, or a request that is over.
    pub(super) async fn withdraw(&self, id: &str) -> Result<(), HostError> {
        let waiting = self.waits().get(id).cloned();
        if let Some(control) = waiting {
            control.cancel();
        }
        self.asker.withdraw(id).await
    }

    /// What a request came to, once it did.
    pub(super) async fn came_to(&self, request: &OwnRequest) -> Option<CallToolResult> {
        if let Some(over) = answer::over(request) {
            return Some(over);
        }
        if !matches!(request.state, RequestState::Consumed { .. }) {
            return None;
        }
        let told = self.asker.resume(&request.request, &Control::default()).await;
        Some(match told {
            Ok(answered) => answer::answered(&answered, None),
            Err(error) => answer::failed(&error),
        })
    }
}

/// Tells the operator what is not offered, and why.
fn tell(tools: &Tools) {
    for (what, why) in &tools.left_out {
        tracing::warn!(what, why, "not offered to agents");
    }
}
