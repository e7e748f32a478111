//! What a provider is: three roles, so that each holder has only what it needs. Planning holds a
//! [`Forecaster`], a type that has no `perform`; nothing that plans can act by mistake.

use crate::ProviderFault;
use async_trait::async_trait;
use interlock_authority::{Forecast, Permitted, PermittedEffect, Planned, Resource, Revision};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

/// Answers calls of class `read`.
#[async_trait]
pub trait Reader: Send + Sync {
    /// Looks, and changes nothing. The answer is the JSON form of the function's WIT result, errors
    /// of the WIT included.
    ///
    /// # Errors
    /// Only what the WIT has no word for.
    async fn read(&self, call: &Permitted) -> Result<Value, ProviderFault>;

    /// What this call tells the world outside of the host. It is asked before a read, and before a forecast, of a
    /// run that plans: nobody has approved that code, and a read can carry out what it knows.
    fn told(&self, _call: &Permitted) -> Told {
        Told::Nothing
    }
}

/// What a call tells the world outside of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Nothing.
    Nothing,
    /// This many bytes that the plugin chose.
    Bytes(u64),
    /// It may not be told while planning, for this reason; a plan ends here.
    NotWhilePlanning(String),
}

/// Says what effects would do.
#[async_trait]
pub trait Forecaster: Send + Sync {
    /// Forecasts one effect, given the effects already planned in this run, changing nothing.
    ///
    /// # Errors
    /// Only what the WIT has no word for.
    async fn forecast(
        &self,
        call: &Permitted,
        earlier: &[Planned],
    ) -> Result<Forecasted, ProviderFault>;
}

/// What a forecaster found.
#[derive(Debug, Clone, PartialEq)]
pub enum Forecasted {
    /// The effect would do exactly this.
    Exact(Forecast),
    /// There would be no effect: the guest gets this answer, such as `not-found`.
    NoEffect(Value),
    /// The effect cannot be forecast exactly, for this reason; a plan ends here.
    Inexact(String),
}

/// Asked by a provider when it holds its lock, right before it acts: may the effect still happen? An
/// operator may have stopped all effects while it waited. The error is a sentence.
pub type StillAllowed = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// The code of an effect that was stopped by [`StillAllowed`].
pub const FROZEN: &str = "frozen";

/// The code of an effect that could not be begun: a program or a secret was missing.
pub const NOT_STARTED: &str = "not-started";

/// Performs effects.
#[async_trait]
pub trait Performer: Send + Sync {
    /// Performs one effect under the provider's own lock, if its resource still has the expected
    /// revision, it would touch nothing that the forecast did not name, and it is still allowed then.
    ///
    /// # Errors
    /// Only what the WIT has no word for. The caller must treat the effect as `unknown` then.
    async fn perform(
        &self,
        effect: &PermittedEffect,
        still_allowed: &StillAllowed,
    ) -> Result<Performed, ProviderFault>;
}

/// How an effect ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Performed {
    /// It happened.
    Done {
        /// The JSON form of the WIT result.
        result: Value,
        /// The new revision of the resource, its ancestors, and all it touched.
        revisions: BTreeMap<Resource, Revision>,
    },
    /// The world moved; nothing was done.
    Refused {
        /// `stale` (the revision moved), `touches-grown`, `busy` (somebody else is
        /// acting there), [`NOT_STARTED`], or [`FROZEN`].
        code: &'static str,
        /// The JSON form of the WIT result.
        result: Value,
    },
    /// It was tried and failed, perhaps part-way.
    Failed {
        /// The JSON form of the WIT result.
        result: Value,
        /// The new revisions of whatever was touched.
        revisions: BTreeMap<Resource, Revision>,
    },
}

/// The three roles of one provider.
#[derive(Clone)]
pub struct Provider {
    /// Answers reads.
    pub reader: Arc<dyn Reader>,
    /// Says what effects would do.
    pub forecaster: Arc<dyn Forecaster>,
    /// Performs effects.
    pub performer: Arc<dyn Performer>,
}

impl Provider {
    /// One object in all three roles.
    pub fn new<P: Reader + Forecaster + Performer + 'static>(provider: Arc<P>) -> Self {
        Self { reader: provider.clone(), forecaster: provider.clone(), performer: provider }
    }
}
