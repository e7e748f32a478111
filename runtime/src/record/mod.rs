//! What the host writes down of every decision and effect, and the only place that knows both what a
//! plan or an approval is and what a leaf of the log is. The gate hands each step to a [`Recorder`]; an
//! effect whose intent cannot be written does not happen.

mod erase;
mod event;
mod journal;
pub mod receipt;
mod recording;
mod transcript;

pub use erase::{Erasable, Stays, erasable, erase};
pub use event::{Event, EventBody, Terms, TicketNote};
pub(crate) use journal::system_clock;
pub use journal::{Journal, Told, refused, signer};
pub use recording::{Answer, Asked, Calls, End, NotKept, RecordedCall, Recording};
pub use transcript::{Step, Transcript, What};

use crate::HostError;
use async_trait::async_trait;
pub use interlock_store::{Charge, Clock, Condition, Mark};
use thiserror::Error;

/// Names of the marks that leaves carry. A mark that is `once` can be set a single time in the life of a
/// journal: that is what makes a claim exclusive and a ticket usable once.
pub mod space {
    /// A request, by id.
    pub const REQUEST: &str = "request";
    /// Everything about a request, by id: what a decision on it must read.
    pub const ABOUT: &str = "about";
    /// An approval, by request and person.
    pub const APPROVAL: &str = "approval";
    /// A request that was denied.
    pub const DENIED: &str = "denied";
    /// A request that was revoked.
    pub const REVOKED: &str = "revoked";
    /// The claim of a request by one run.
    pub const CLAIM: &str = "claim";
    /// A ticket that was spent, by invocation and step.
    pub const TICKET: &str = "ticket";
    /// An intent, by invocation and step.
    pub const INTENT: &str = "intent";
    /// The outcome of an intent, by invocation and step.
    pub const OUTCOME: &str = "outcome";
    /// Requests of a principal, for the rate limit.
    pub const ASKED: &str = "asked";
    /// Denials of a principal's requests, for the cooling period.
    pub const TURNED_DOWN: &str = "turned-down";
    /// The pending request for one call, by digest of what was asked.
    pub const SAME: &str = "same";
    /// Rules: those that a host started with, and those that people accepted.
    pub const EPOCH: &str = "epoch";
    /// The entry of rules that accepted ones took the place of: each is followed once.
    pub const FOLLOWED: &str = "followed";
    /// Everything of an invocation.
    pub const INVOCATION: &str = "invocation";
    /// Elevations that came into force, by request.
    pub const GRANT: &str = "grant";
    /// The same, by who may use them and the plugin that they are for.
    pub const ELEVATED: &str = "elevated";
    /// Keys of statements, by id; the newest is in force.
    pub const STATEMENT_KEY: &str = "statement-key";
}

/// One event, with what must be true for it to be written and what it makes true.
#[derive(Debug, Clone)]
pub struct Record {
    /// The event.
    pub event: Event,
    /// The marks its leaf carries.
    pub marks: Vec<Mark>,
    /// The budgets it is charged to.
    pub charges: Vec<Charge>,
    /// What must hold in the same transaction.
    pub conditions: Vec<Condition>,
    /// The last moment, in unix milliseconds, at which it may be written.
    pub not_after_ms: Option<u64>,
}

impl Record {
    /// An event without conditions.
    pub fn of(event: Event) -> Self {
        let mut record = Self {
            event,
            marks: Vec::new(),
            charges: Vec::new(),
            conditions: Vec::new(),
            not_after_ms: None,
        };
        if let Some(invocation) = record.event.invocation.clone() {
            record = record.mark(space::INVOCATION, invocation);
        }
        record
    }

    /// Carries a mark.
    #[must_use]
    pub fn mark(mut self, space: &str, key: impl Into<String>) -> Self {
        self.marks.push(Mark { space: space.to_owned(), key: key.into(), once: false });
        self
    }

    /// Carries a mark that nothing else may carry, ever.
    #[must_use]
    pub fn once(mut self, space: &str, key: impl Into<String>) -> Self {
        self.marks.push(Mark { space: space.to_owned(), key: key.into(), once: true });
        self
    }

    /// Is written only while nothing carries this mark.
    #[must_use]
    pub fn unless(mut self, space: &str, key: impl Into<String>) -> Self {
        self.conditions.push(Condition::Absent { space: space.to_owned(), key: key.into() });
        self
    }

    /// Is written only when something carries this mark.
    #[must_use]
    pub fn only_if(mut self, space: &str, key: impl Into<String>) -> Self {
        self.conditions.push(Condition::Present { space: space.to_owned(), key: key.into() });
        self
    }

    /// Uses an approved request up: once in the life of the journal, while nobody took it back, and in time.
    #[must_use]
    pub fn consuming(self, request: &str, expires_ms: u64) -> Self {
        self.once(space::CLAIM, request)
            .mark(space::ABOUT, request)
            .unless(space::DENIED, request)
            .unless(space::REVOKED, request)
            .until(Some(expires_ms))
    }

    /// Is charged to these budgets.
    #[must_use]
    pub fn charged(mut self, charges: Vec<Charge>) -> Self {
        self.charges = charges;
        self
    }

    /// Is written before this moment: what is over then is over in that moment too.
    #[must_use]
    pub const fn until(mut self, ends_ms: Option<u64>) -> Self {
        self.not_after_ms = match ends_ms {
            Some(ends) => Some(ends.saturating_sub(1)),
            None => None,
        };
        self
    }
}

/// Why a record was not written. Whatever it announces must not happen.
#[derive(Debug, Error)]
pub enum WriteError {
    /// Something else carries the mark already.
    #[error("`{space}` {key} is taken already")]
    Taken {
        /// The mark's space.
        space: String,
        /// The mark's key.
        key: String,
    },
    /// A condition does not hold.
    #[error("`{space}` {key} is not as it must be")]
    Unmet {
        /// The mark's space.
        space: String,
        /// The mark's key.
        key: String,
    },
    /// A budget has no room.
    #[error("the budget allows {most} in its window, and {used} are used")]
    OverBudget {
        /// The budget's key.
        key: String,
        /// Used in the window.
        used: u64,
        /// Allowed in the window.
        most: u64,
    },
    /// The last moment has passed.
    #[error("it is too late")]
    Late,
    /// It could not be kept.
    #[error(transparent)]
    Failed(#[from] HostError),
}

impl From<WriteError> for HostError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Failed(error) => error,
            other => Self::Journal { code: "journal", message: other.to_string() },
        }
    }
}

/// Keeps what happens, in order.
#[async_trait]
pub trait Recorder: Send + Sync {
    /// Keeps an event that nothing waits for; it reaches the disk with the next one that something does
    /// wait for, or a moment later.
    ///
    /// # Errors
    /// When the journal takes nothing any more.
    async fn note(&self, event: Event) -> Result<(), HostError>;

    /// Keeps an event. When this returns it is on disk.
    ///
    /// # Errors
    /// Why it is not. The caller must not go on to what the event announces.
    async fn write(&self, record: Record) -> Result<(), WriteError>;

    /// Signs the head and leaves it in the places outside, before something is destroyed.
    ///
    /// # Errors
    /// When a place cannot take it.
    async fn publish(&self) -> Result<(), HostError>;
}
