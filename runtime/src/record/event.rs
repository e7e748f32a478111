//! What is written in the journal, by kind. The guest sees none of this; the operator sees which grant or
//! which policy would have let a denied call pass. A leaf of the log holds a salted digest of one of these.

use super::{
    recording::{NotKept, Recording},
    transcript::Step,
};
use crate::{response::EffectStatus, rules::RulesText};
use interlock_authority::{
    Class, Digest, InterfaceName, LinkState, Mode, Principal, Resource, Revision, roster::Presence,
    seal::Sealed, signature::Signer,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, path::PathBuf};

/// One thing that was decided or done.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    /// The invocation it belongs to, a ULID; absent where it belongs to none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invocation: Option<String>,
    /// What happened.
    #[serde(flatten)]
    pub body: EventBody,
}

/// The ticket that an effect spends.
#[derive(Debug, Clone, Serialize)]
pub struct TicketNote {
    /// The request whose approval minted it; absent where policy alone allowed the plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The plan.
    pub plan: Digest,
    /// Its place in the plan, from 1.
    pub step: u64,
    /// How many tickets the plan has.
    pub of: u64,
}

/// What a decision was made under: the rules in force, and the plugin's own part of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Digest of the policies, with teams and resource attributes.
    pub policies: Digest,
    /// Digest of the catalogues and their WIT.
    pub catalogues: Digest,
    /// Digest of the roster, its people and groups, and who operates whom.
    pub approvers: Digest,
    /// Digest of the plugin's standing grants.
    pub grants: Digest,
    /// When people must have touched their keys.
    pub presence: Presence,
    /// Whether one person is the whole team.
    pub solo: bool,
}

/// What was decided or done.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum EventBody {
    /// A host started with these rules. Unless sealed ones are in force, they are from here on.
    Epoch {
        /// Their digests, whether they are sealed, and who must accept others.
        #[serde(flatten)]
        sealed: Sealed,
        /// The rules as text, so that a later host can still judge by them.
        rules: Box<RulesText>,
    },
    /// A change of the rules was accepted by the people of the ones before.
    EpochAccepted {
        /// The request that they signed.
        request: String,
        /// Their digests, whether they are sealed, and who must accept others.
        #[serde(flatten)]
        sealed: Sealed,
        /// The rules as text.
        rules: Box<RulesText>,
    },
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
    /// An invocation was decided: refused, or run with these functions live or withheld; interfaces that
    /// are not here are not linked.
    Decision {
        /// Who asked.
        principal: Principal,
        /// The plugin's name.
        plugin: String,
        /// Its identity.
        digest: Digest,
        /// The tool.
        tool: String,
        /// The digest of its arguments; absent where they hold a number that readers may read differently.
        #[serde(skip_serializing_if = "Option::is_none")]
        arguments: Option<Digest>,
        /// What the run is for.
        mode: Mode,
        /// What it was decided under.
        terms: Terms,
        /// The code of the refusal, where it was refused.
        #[serde(skip_serializing_if = "Option::is_none")]
        refused: Option<String>,
        /// The refusal in words, for the operator.
        #[serde(skip_serializing_if = "Option::is_none")]
        why: Option<String>,
        /// The policies that allowed it.
        policies: Vec<String>,
        /// The link state of each function.
        links: BTreeMap<InterfaceName, BTreeMap<String, LinkState>>,
        /// The interfaces of the catalogues that are not linked.
        absent: Vec<InterfaceName>,
        /// Host folders that the run may read, and where it sees them.
        preopens: Vec<(PathBuf, String)>,
    },
    /// A plan was made.
    Plan {
        /// Its digest.
        plan: Digest,
        /// Its canonical bytes, which are text.
        canonical: String,
        /// How many effects it has.
        effects: u64,
    },
    /// People were asked.
    Request {
        /// The request's id, a ULID.
        request: String,
        /// The digest that its document shows.
        document: Digest,
        /// Its canonical bytes, which are text.
        canonical: String,
    },
    /// A person signed a request's document.
    Approval {
        /// The request.
        request: String,
        /// The digest of the document.
        document: Digest,
        /// Who signed, as the roster said then.
        person: String,
        /// The name under which the key is on the roster.
        principal: String,
        /// The key's fingerprint.
        fingerprint: String,
        /// Whether the key proved a touch; absent where it cannot.
        #[serde(skip_serializing_if = "Option::is_none")]
        presence: Option<bool>,
        /// The SSHSIG, armoured.
        signature: String,
    },
    /// A person turned a request down.
    Denial {
        /// The request.
        request: String,
        /// Who.
        by: String,
        /// Why, in their words.
        reason: String,
    },
    /// A request or a grant was taken back.
    Revocation {
        /// The request.
        request: String,
        /// Who.
        by: String,
    },
    /// A run claimed an approved request; no other run can.
    Claim {
        /// The request.
        request: String,
        /// The digest of the document.
        document: Digest,
        /// The digest of the plan that was approved.
        plan: Digest,
        /// The people who count.
        people: Vec<Signer>,
    },
    /// An elevation came into force.
    Grant {
        /// The request that people signed.
        request: String,
        /// The digest of the document.
        document: Digest,
        /// Who asked, and may use it.
        principal: Principal,
        /// The plugin that it is for.
        plugin: String,
        /// When it ends, unix seconds.
        until: u64,
    },
    /// What a run looked at, was denied, and forecast.
    Transcript {
        /// In order; equal neighbours are counted.
        steps: Vec<Step>,
        /// Steps that did not fit.
        dropped: u64,
    },
    /// A whole run, so that it can be done again offline; or why it is not here.
    Recording {
        /// The run.
        #[serde(skip_serializing_if = "Option::is_none")]
        run: Option<Box<Recording>>,
        /// Why it is not here.
        #[serde(skip_serializing_if = "Option::is_none")]
        not_kept: Option<NotKept>,
    },
    /// An effect is about to happen. On disk before it starts.
    Intent {
        /// Its place in the run, from 1.
        step: u64,
        /// Who asked.
        principal: Principal,
        /// The plugin's name.
        plugin: String,
        /// The plugin's identity.
        digest: Digest,
        /// The tool.
        tool: String,
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
        /// The policies that allowed it.
        policies: Vec<String>,
        /// The ticket that it spends; absent in a direct run.
        #[serde(skip_serializing_if = "Option::is_none")]
        ticket: Option<TicketNote>,
    },
    /// How an effect ended.
    Outcome {
        /// The step of its intent.
        step: u64,
        /// `done`, `refused`, `failed` or `unknown`.
        status: EffectStatus,
        /// What came of it, in words, where there is something to say.
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
        /// The new revisions of what it touched.
        revisions: BTreeMap<Resource, Revision>,
    },
    /// A person looked, and says how an effect of unknown end ended.
    Resolution {
        /// The step of its intent.
        step: u64,
        /// Whether it happened.
        done: bool,
        /// Who says so.
        by: String,
    },
    /// The run ended.
    Ended {
        /// How: a stable code.
        code: String,
        /// Capability calls made.
        host_calls: u64,
        /// Bytes of log text that did not fit.
        dropped_log_bytes: u64,
        /// The request whose claim this ends.
        #[serde(skip_serializing_if = "Option::is_none")]
        request: Option<String>,
    },
    /// From here on this key signs the host's statements.
    StatementKey {
        /// Its public half.
        key: String,
    },
    /// All effects were stopped.
    Freeze {
        /// Why.
        reason: String,
    },
    /// Effects may happen again.
    Thaw,
    /// An operator knows that this journal is behind one that was published, and goes on.
    Acknowledgement {
        /// The published checkpoint.
        published: String,
        /// Who.
        by: String,
    },
    /// What old entries said is about to be erased: not which words, and their leaves stay.
    Erasure {
        /// Of entries that are older than this, unix seconds.
        before: u64,
        /// How many.
        entries: u64,
        /// Who.
        by: String,
    },
}

impl Event {
    /// An event of an invocation.
    pub fn of(invocation: &str, body: EventBody) -> Self {
        Self { invocation: Some(invocation.to_owned()), body }
    }

    /// An event that belongs to no invocation.
    pub const fn alone(body: EventBody) -> Self {
        Self { invocation: None, body }
    }

    /// The kind, as the log's envelope names it.
    pub const fn kind(&self) -> &'static str {
        match &self.body {
            EventBody::Epoch { .. } => "epoch",
            EventBody::EpochAccepted { .. } => "epoch-accepted",
            EventBody::Admission { .. } => "admission",
            EventBody::Removal { .. } => "removal",
            EventBody::ArtifactReplaced { .. } => "artifact-replaced",
            EventBody::Decision { .. } => "decision",
            EventBody::Plan { .. } => "plan",
            EventBody::Request { .. } => "request",
            EventBody::Approval { .. } => "approval",
            EventBody::Denial { .. } => "denial",
            EventBody::Revocation { .. } => "revocation",
            EventBody::Claim { .. } => "claim",
            EventBody::Grant { .. } => "grant",
            EventBody::Transcript { .. } => "transcript",
            EventBody::Recording { .. } => "recording",
            EventBody::Intent { .. } => "intent",
            EventBody::Outcome { .. } => "outcome",
            EventBody::Resolution { .. } => "resolution",
            EventBody::Ended { .. } => "ended",
            EventBody::StatementKey { .. } => "statement-key",
            EventBody::Freeze { .. } => "freeze",
            EventBody::Thaw => "thaw",
            EventBody::Acknowledgement { .. } => "acknowledgement",
            EventBody::Erasure { .. } => "erasure",
        }
    }
}
