//! Receipts: a signed statement of one invocation, checkable offline. A receipt is made of what the journal
//! says, from leaves that were proven against one signed head, and of nothing that a plugin, an agent or
//! the memory of a process says: whoever shows it cannot leave out an effect, and the host cannot say one
//! thing in a receipt and another in its log without both being seen.

mod against;
mod build;
mod said;

pub use against::{Compared, against_export};

use super::{Event, EventBody, Journal, Record, Terms, refused, space};
use crate::{
    HostError,
    response::EffectStatus,
    statement::{Envelope, Predicate, Statement, StatementKey, StatementSigner},
};
use interlock_authority::{
    Class, Digest, InterfaceName, LinkState, Principal, Resource, Revision, canonical,
};
use interlock_store::Mark;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What happened in one invocation, as of one checkpoint of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The deployment, 32 hexadecimal digits.
    pub deployment: String,
    /// The invocation, a ULID.
    pub invocation: String,
    /// Who asked.
    pub principal: Principal,
    /// The tool of the plugin that is the subject.
    pub tool: String,
    /// The digest of its arguments; absent where they hold a number that readers may read differently.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Digest>,
    /// What was run.
    pub mode: Ran,
    /// The rules that it was decided under.
    pub terms: Terms,
    /// What the plugin imports, and what each function was: live, or withheld and why. Empty where nothing
    /// was run.
    pub imports: BTreeMap<InterfaceName, BTreeMap<String, LinkState>>,
    /// The interfaces of the catalogues that were not linked: behind them there was nothing.
    pub absent: Vec<InterfaceName>,
    /// Host folders that it could read.
    pub preopens: Vec<Folder>,
    /// The digest of the plan that was made or applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Digest>,
    /// The request that was put before people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
    /// The approval that was used up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// Every effect that was started, in order.
    pub effects: Vec<Effect>,
    /// How it ended, a stable code; absent where the journal does not tell: it may be under way, or its host
    /// was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// The leaves that say so.
    pub leaves: Vec<Leaf>,
    /// The checkpoint under which they can be proven.
    pub journal: Head,
}

impl Predicate for Receipt {
    const TYPE: &'static str = "urn:interlock:receipt:v1";
}

/// What was run in an invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ran {
    /// Nothing.
    Nothing,
    /// The tool against forecasts: nothing happened.
    Planned,
    /// The tool, with changes that no policy wants planned.
    Direct,
    /// The tool against the tickets of a decided plan.
    Applied,
}

/// A host folder, and where the plugin saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Folder {
    /// On the host.
    pub host: String,
    /// As the plugin saw it.
    pub guest: String,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Its id, a ULID.
    pub request: String,
    /// The digest that its document shows.
    pub document: Digest,
    /// Its leaf.
    pub leaf: u64,
}

/// An approval that a run claimed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The request.
    pub request: String,
    /// The digest of the document that was signed.
    pub document: Digest,
    /// The leaf of the claim.
    pub claim: u64,
    /// The people who counted.
    pub people: Vec<Person>,
}

/// One of the people who counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The person.
    pub person: String,
    /// The name that their key stands under.
    pub principal: String,
    /// The key's fingerprint, `SHA256:…`.
    pub fingerprint: String,
    /// Whether somebody touched the key; null where the key cannot say.
    pub presence: Option<bool>,
    /// The leaf that holds the signature.
    pub leaf: u64,
}

/// One effect that was started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effect {
    /// Its place in the run, from 1.
    pub step: u64,
    /// The interface.
    pub interface: InterfaceName,
    /// The function.
    pub function: String,
    /// What it does to the world.
    pub class: Class,
    /// Its resource.
    pub resource: Resource,
    /// The digest of its arguments, as of the invocation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Digest>,
    /// How it ended; `unknown` where the journal does not tell.
    pub status: EffectStatus,
    /// The new revisions of what it touched.
    pub revisions: BTreeMap<Resource, Revision>,
    /// The leaf of its intent.
    pub intent: u64,
    /// The leaf of its outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<u64>,
    /// What a person said of an end that nobody knew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<Resolved>,
}

/// What a person said of an effect of unknown end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resolved {
    /// Whether it happened.
    pub done: bool,
    /// Who says so.
    pub by: String,
    /// The leaf.
    pub leaf: u64,
}

/// A leaf that a receipt is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    /// Its number.
    pub leaf: u64,
    /// Its kind.
    pub kind: String,
    /// When it was written, RFC 3339.
    pub time: String,
    /// Its hash in the log (RFC 6962), base64: it holds where the payload was erased too.
    pub hash: String,
}

/// A checkpoint of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The log.
    pub origin: String,
    /// How many leaves it had.
    pub size: u64,
    /// The root over them, base64.
    pub root: String,
}

/// The digest of arguments, where they have a canonical form.
pub fn arguments(value: &impl Serialize) -> Option<Digest> {
    canonical::digest("interlock-arguments/v1", value).ok()
}

/// Writes down which key signs statements from here on, unless the journal says so already. The key comes
/// into force with the leaf, so an auditor of the log sees each that ever was.
///
/// # Errors
/// A journal that cannot be read or written.
pub fn declare(journal: &Journal, key: &StatementKey) -> Result<(), HostError> {
    if in_force(journal)?.is_some_and(|(_, found)| found == key.to_string()) {
        return Ok(());
    }
    let body = EventBody::StatementKey { key: key.to_string() };
    let record = Record::of(Event::alone(body));
    let record = record.mark(space::STATEMENT_KEY, IN_FORCE).mark(space::STATEMENT_KEY, key.id());
    journal.keep(&record)
}

/// The mark that every statement key's leaf carries.
const IN_FORCE: &str = "in-force";

/// The newest statement key that the journal names, with its leaf. What that leaf said may be erased.
fn in_force(journal: &Journal) -> Result<Option<(u64, String)>, HostError> {
    let Some(leaf) = journal.find(space::STATEMENT_KEY, IN_FORCE)?.last().copied() else {
        return Ok(None);
    };
    let told = journal.told(leaf)?;
    Ok(told.and_then(|told| told.text("key").map(|key| (leaf, key.to_owned()))))
}

/// Signs the receipt of an invocation, of what the journal says of it now. Waits for what is still on its
/// way to the disk; makes no transaction of its own, and looks at no leaf before the invocation's first but
/// those that the receipt names. Every leaf since then is read where this is polled: not on a thread that
/// answers others.
///
/// # Errors
/// No such invocation, one of which too much was erased, or a journal that is not as it was written.
pub async fn issue(
    journal: &Journal,
    signer: &StatementSigner,
    invocation: &str,
) -> Result<Envelope, HostError> {
    declare(journal, signer.public())?;
    journal.store().flush().await.map_err(refused)?;
    Ok(statement(journal, invocation)?.sign(signer)?)
}

fn statement(journal: &Journal, invocation: &str) -> Result<Statement<Receipt>, HostError> {
    let none = || HostError::Refused {
        code: "no-invocation",
        message: format!("the journal has no invocation `{}`", invocation.escape_default()),
    };
    let first = journal.find(space::INVOCATION, invocation)?.first().copied().ok_or_else(none)?;
    let mut earlier: Vec<u64> = in_force(journal)?.map(|(leaf, _)| leaf).into_iter().collect();
    // A claim is the first that a run writes.
    if let Some(claim) = journal.told(first)?
        && let Some(request) = claim.text("request").filter(|_| claim.kind == "claim")
    {
        earlier.extend(journal.find(space::ABOUT, request)?);
    }
    // What the receipt is made of: the run's own leaves, and the newest key that signs.
    let step = format!("{invocation}/");
    let wanted = |mark: &Mark| {
        mark.space == space::STATEMENT_KEY || mark.key == invocation || mark.key.starts_with(&step)
    };
    let wanted = |marks: &[Mark]| marks.iter().any(wanted);
    let proven =
        journal.store().prove(first, &earlier, wanted).map_err(refused)?.ok_or_else(none)?;
    let head = Head {
        origin: proven.checkpoint.origin().to_owned(),
        size: proven.checkpoint.size(),
        root: proven.checkpoint.root().to_string(),
    };
    build::statement(&proven.leaves, invocation, head)
}
