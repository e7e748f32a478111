//! The events of an invocation, as they are kept. The guest sees none of this; the operator sees which
//! grant would have permitted a denied call.

use interlock_authority::{
    Class, Denial, Digest, InterfaceName, LinkState, Mode, Principal, Resource, Revision, Withheld,
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use std::{collections::BTreeMap, path::PathBuf};

/// One thing that was decided or done.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    /// When, UTC (RFC 3339).
    pub time: Timestamp,
    /// The invocation it belongs to, a ULID; absent where it belongs to none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invocation: Option<String>,
    /// What happened.
    #[serde(flatten)]
    pub body: EventBody,
}

/// What was decided or done.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum EventBody {
    /// A plugin's bytes were admitted and pinned.
    Admission {
        /// The plugin's name.
        plugin: String,
        /// Its identity.
        digest: Digest,
        /// What it imports.
        imports: Vec<InterfaceName>,
    },
    /// A plugin was taken out of the configuration.
    Removal {
        /// The plugin's name.
        plugin: String,
        /// Its identity.
        digest: Digest,
    },
    /// A compiled artifact was not what the host had put there; it was compiled again from the plugin.
    ArtifactReplaced {
        /// The plugin's name.
        plugin: String,
        /// What was wrong with the artifact.
        problem: String,
    },
    /// Somebody asked for a tool.
    Requested {
        /// Who.
        principal: Principal,
        /// The plugin's name.
        plugin: String,
        /// Its identity.
        digest: Digest,
        /// The tool.
        tool: String,
        /// What the run is for.
        mode: Mode,
    },
    /// The request was refused before anything ran.
    Refused {
        /// A stable code.
        code: String,
        /// One sentence.
        message: String,
    },
    /// The run may start, with these functions live or withheld; interfaces that are not here are not
    /// linked.
    Authorized {
        /// The link state of each function.
        links: BTreeMap<InterfaceName, BTreeMap<String, LinkState>>,
        /// Host folders that the run may read, and where it sees them.
        preopens: Vec<(PathBuf, String)>,
    },
    /// The guest called a function that was withheld.
    Withheld {
        /// The interface.
        interface: InterfaceName,
        /// The function.
        function: String,
        /// Why it was withheld.
        reason: Withheld,
        /// How often.
        count: u64,
    },
    /// A capability call was denied at the gate.
    Denied {
        /// The interface.
        interface: InterfaceName,
        /// The function.
        function: String,
        /// Why.
        denial: Denial,
        /// The standing grant that would permit it, as configuration; only operators see this.
        #[serde(skip_serializing_if = "Option::is_none")]
        would_permit: Option<String>,
    },
    /// A capability read was made.
    Read {
        /// The interface.
        interface: InterfaceName,
        /// The function.
        function: String,
        /// What it looked at.
        resource: Resource,
    },
    /// An effect was forecast in a plan.
    Planned {
        /// Its place in the plan, from 1.
        step: u64,
        /// The interface.
        interface: InterfaceName,
        /// The function.
        function: String,
        /// What it does to the world.
        class: Class,
        /// Its resource.
        resource: Resource,
        /// Everything it would touch.
        touches: Vec<Resource>,
    },
    /// An effect is about to happen. On disk before it starts.
    Intent {
        /// Its place in the run, from 1.
        step: u64,
        /// The interface.
        interface: InterfaceName,
        /// The function.
        function: String,
        /// What it does to the world.
        class: Class,
        /// Its resource.
        resource: Resource,
        /// Its arguments.
        arguments: Map<String, Value>,
        /// The revision that the resource must have.
        revision: Revision,
        /// Everything it may touch.
        touches: Vec<Resource>,
    },
    /// How an effect ended.
    Outcome {
        /// The step of its intent.
        step: u64,
        /// `done`, `refused`, `failed` or `unknown`.
        status: &'static str,
        /// What came of it, in words, where there is something to say.
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
        /// The new revisions of what it touched.
        revisions: BTreeMap<Resource, Revision>,
    },
    /// The run ended.
    Ended {
        /// How: a stable code.
        code: String,
        /// Capability calls made.
        host_calls: u64,
        /// Bytes of log text that did not fit.
        dropped_log_bytes: u64,
    },
    /// All effects were stopped.
    Freeze {
        /// Why.
        reason: String,
    },
    /// Effects may happen again.
    Thaw,
}

impl Event {
    /// An event of now.
    pub fn now(invocation: Option<&str>, body: EventBody) -> Self {
        Self { time: Timestamp::now(), invocation: invocation.map(str::to_owned), body }
    }

    /// Whether the event must be on disk before the host goes on.
    pub fn is_durable(&self) -> bool {
        matches!(
            self.body,
            EventBody::Intent { .. }
                | EventBody::Outcome { .. }
                | EventBody::Freeze { .. }
                | EventBody::Thaw
        )
    }
}
