//! The smaller steps of one run, kept in memory and written as one leaf when the run ends: a run that
//! reads ten thousand times must not cost ten thousand leaves, and one that is denied in a loop must not
//! fill the disk.

use interlock_authority::{Class, Denial, InterfaceName, Resource, Withheld};
use serde::Serialize;

/// The most steps of one run that are kept.
const MOST: usize = 1_000;

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The interface.
    pub interface: InterfaceName,
    /// The function.
    pub function: String,
    /// What became of the call.
    #[serde(flatten)]
    pub what: What,
    /// How many times in a row.
    pub count: u64,
}

/// What became of a capability call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum What {
    /// It met a stub.
    Withheld {
        /// Why it was withheld.
        reason: Withheld,
    },
    /// It was denied at the gate.
    Denied {
        /// Why.
        denial: Denial,
        /// What would permit it, for operators: a grant as configuration, or what a policy lacks.
        #[serde(skip_serializing_if = "Option::is_none")]
        would_permit: Option<String>,
    },
    /// It read.
    Read {
        /// What it looked at.
        resource: Resource,
    },
    /// It was forecast in a plan.
    Planned {
        /// Its place in the plan, from 1.
        step: u64,
        /// What it does to the world.
        class: Class,
        /// Its resource.
        resource: Resource,
        /// Everything it would touch.
        touches: Vec<Resource>,
    },
}

/// The steps of one run so far.
#[derive(Debug, Clone, Default)]
pub struct Transcript {
    steps: Vec<Step>,
    dropped: u64,
}

impl Transcript {
    /// Adds a step; one equal to the last is counted.
    pub fn add(&mut self, interface: &InterfaceName, function: &str, what: What, count: u64) {
        if let Some(last) = self.steps.last_mut()
            && last.interface == *interface
            && last.function == function
            && last.what == what
        {
            last.count = last.count.saturating_add(count);
        } else if self.steps.len() < MOST {
            let function = function.to_owned();
            self.steps.push(Step { interface: interface.clone(), function, what, count });
        } else {
            self.dropped = self.dropped.saturating_add(count);
        }
    }

    /// The steps, and how many did not fit.
    pub fn take(&mut self) -> (Vec<Step>, u64) {
        (std::mem::take(&mut self.steps), std::mem::take(&mut self.dropped))
    }
}
