//! The seal on the rules: which rules are in force, as the proven journal tells it, and whether this host's are
//! those. A host that was started with others has no effects until people of the rules in force accept them
//! (docs/decisions/0015).

use crate::{
    HostError, Rules,
    kept::Kept,
    record::{Event, EventBody, Journal, Record, Told as Leaf, space},
    rules::RulesText,
};
use interlock_authority::{
    epoch::{Epoch, EpochPart},
    roster::Roster,
    seal::{Sealed, Told, acceptors, check, in_force},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

/// The key of the marks of all entries about rules.
const ALL: &str = "rules";
/// The key of the marks of those that people accepted.
const ACCEPTED: &str = "accepted";
/// The key of the marks of sealed ones that a host started with.
const SEALED: &str = "sealed";
/// As many leaves as are read in some milliseconds: from here on what was read is kept for the next start.
const WORTH: u64 = 1000;

/// The rules in force, as the journal tells them.
#[derive(Debug, Clone)]
pub struct InForce {
    /// The leaf that tells them.
    pub leaf: u64,
    /// Their digests, whether they are sealed, and who must accept others.
    pub sealed: Sealed,
    /// The rules themselves.
    pub text: RulesText,
}

/// What a host knows of the rules in force, and its own rules.
#[derive(Clone)]
pub struct Seal {
    here: Option<(Journal, Epoch)>,
    kept: Option<Kept>,
    seen: Arc<Mutex<Option<Seen>>>,
}

/// What was read, and what the table said then: as long as it says the same, nothing is read again.
struct Seen {
    table: [Vec<u64>; 3],
    /// Where the reading began.
    from: Entries,
    entries: Entries,
    in_force: Option<Arc<InForce>>,
}

/// The entries that say which rules are in force, and up to where the log was read for them. No other entry can be the
/// one in force.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Entries {
    /// How many leaves there were.
    size: u64,
    /// The root over them, base64.
    root: String,
    /// What was accepted last.
    accepted: Option<u64>,
    /// The first sealed rules after it.
    sealed: Option<u64>,
    /// The newest.
    newest: Option<u64>,
}

impl Entries {
    /// With those of the leaves that came after.
    fn and(self, [all, accepted, sealed]: &[Vec<u64>; 3], size: u64, root: String) -> Self {
        let accepted = accepted.last().copied();
        let after = |leaf: &u64| accepted.is_none_or(|before| *leaf > before);
        let first = sealed.iter().copied().find(after);
        Self {
            size,
            root,
            sealed: self.sealed.filter(|_| accepted.is_none()).or(first),
            accepted: accepted.or(self.accepted),
            newest: all.last().copied().or(self.newest),
        }
    }
}

/// Why nothing has an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// This part of the host's rules is not that of the rules in force.
    Part(EpochPart),
    /// What is in force cannot be read.
    Unreadable,
}

impl Seal {
    /// The seal of a host, before its journal was told of its rules.
    pub fn of(journal: Journal, epoch: Epoch) -> Self {
        Self { here: Some((journal, epoch)), kept: None, seen: Arc::default() }
    }

    /// With what earlier hosts of this state folder have read of the log, which need not be read again.
    #[must_use]
    pub fn keeping_in(self, state: &Path) -> Self {
        Self { kept: Kept::in_state(state, "rules.followed"), ..self }
    }

    /// A seal that never breaks: for a room without a journal of rules.
    pub fn none() -> Self {
        Self { here: None, kept: None, seen: Arc::default() }
    }

    /// Tells the journal which rules a host starts with, where it does not know yet.
    ///
    /// # Errors
    /// A journal that is not as it was written or takes nothing, and rules that seal out everybody: nobody
    /// could ever change them.
    pub(crate) fn started(&self, rules: &Rules) -> Result<(), HostError> {
        let Some((journal, _)) = &self.here else { return Ok(()) };
        let before = self.in_force()?;
        let sealed_before = before.as_ref().is_some_and(|b| b.sealed.seal);
        if !sealed_before && rules.sealed.seal {
            can_be_accepted(&rules.sealed, &rules.roster)?;
        }
        let entries = self.keep(journal);
        let newest = entries.newest.map(|leaf| read(journal, leaf, entries.sealed)).transpose()?;
        let newest = newest.flatten();
        if newest.is_some_and(|(told, _)| *sealed_of(&told) == rules.sealed) {
            return Ok(());
        }
        let (sealed, text) = (rules.sealed.clone(), Box::new(rules.text.clone()));
        let event = Event::alone(EventBody::Epoch { sealed, rules: text });
        let mut record = Record::of(event).mark(space::EPOCH, ALL);
        if rules.sealed.seal {
            record = record.mark(space::EPOCH, SEALED);
        }
        journal.keep_now(&record)
    }

    /// The rules in force; none where no host has started on the journal yet.
    ///
    /// # Errors
    /// A journal that is not as it was written.
    pub fn in_force(&self) -> Result<Option<Arc<InForce>>, HostError> {
        let Some((journal, _)) = &self.here else { return Ok(None) };
        let [all, accepted, sealed] =
            [ALL, ACCEPTED, SEALED].map(|key| journal.find(space::EPOCH, key));
        let table = [all?, accepted?, sealed?];
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seen) = seen.as_ref().filter(|seen| seen.table == table) {
            return Ok(seen.in_force.clone());
        }
        // INVARIANT JOURNAL-TELLS: a row that was taken out of the table takes no seal off.
        let from = match seen.take() {
            Some(seen) => seen.from,
            None => self.kept(journal).unwrap_or_default(),
        };
        let (from, entries) = read_on(journal, from)?;
        let leaves = [entries.accepted, entries.sealed, entries.newest];
        let leaves: BTreeSet<u64> = leaves.into_iter().flatten().collect();
        let mut texts = Vec::new();
        for leaf in leaves {
            let Some((told, text)) = read(journal, leaf, entries.sealed)? else { continue };
            texts.push((leaf, told, text));
        }
        let found = in_force(texts.iter().map(|(leaf, told, _)| (*leaf, told.clone())));
        let in_force = found.and_then(|(leaf, sealed)| {
            let text = texts.into_iter().find(|(at, _, _)| *at == leaf)?.2;
            Some(Arc::new(InForce { leaf, sealed, text }))
        });
        *seen = Some(Seen { table, from, entries, in_force: in_force.clone() });
        Ok(in_force)
    }

    /// What an earlier host read of the log.
    fn kept(&self, journal: &Journal) -> Option<Entries> {
        let kept = self.kept.as_ref()?.read(&about(journal))?;
        serde_json::from_slice(&kept).ok()
    }

    /// The entries as they were read last, kept for the next start where that spares it something.
    fn keep(&self, journal: &Journal) -> Entries {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Seen { from, entries, .. }) = seen.as_ref() else { return Entries::default() };
        if let Some(kept) = self.kept.as_ref().filter(|_| entries.size >= from.size + WORTH)
            && let Ok(payload) = serde_json::to_vec(entries)
        {
            kept.write(&about(journal), &payload);
        }
        entries.clone()
    }

    /// Whether the host's rules are not those in force.
    pub fn broken(&self) -> Option<Broken> {
        let (_, epoch) = self.here.as_ref()?;
        // INVARIANT FAIL-CLOSED: what cannot be read is not in force.
        match self.in_force() {
            Ok(in_force) => {
                let sealed = in_force.as_ref().map(|in_force| &in_force.sealed);
                check(sealed, epoch).err().map(Broken::Part)
            }
            Err(_) => Some(Broken::Unreadable),
        }
    }

    /// Refuses elevated work where the host's rules are not those in force.
    ///
    /// # Errors
    /// `seal-broken`, with the part that changed and the next step.
    pub fn whole(&self) -> Result<(), HostError> {
        match self.broken() {
            None => Ok(()),
            Some(broken) => {
                Err(HostError::Refused { code: "seal-broken", message: broken.sentence() })
            }
        }
    }

    /// A record of accepted rules, which take the place of those of one entry, once.
    pub(crate) fn accepted(request: &str, rules: &Rules, before: &InForce) -> Record {
        let event = Event::alone(EventBody::EpochAccepted {
            request: request.to_owned(),
            sealed: rules.sealed.clone(),
            rules: Box::new(rules.text.clone()),
        });
        Record::of(event)
            .mark(space::EPOCH, ALL)
            .mark(space::EPOCH, ACCEPTED)
            .once(space::FOLLOWED, before.leaf.to_string())
    }
}

impl Broken {
    /// One sentence, with the next step.
    pub fn sentence(self) -> String {
        match self {
            Self::Part(part) => format!(
                "the {} of this host are not those in force: they were sealed, and nobody accepted the change; put them back, or let people of the sealed rules agree: `interlock config accept`",
                part.as_str()
            ),
            Self::Unreadable => {
                "which rules are in force cannot be read from the journal; `interlock journal verify` says what is wrong".to_owned()
            }
        }
    }
}

fn about(journal: &Journal) -> [&[u8]; 2] {
    [b"rules-followed", journal.deployment().as_bytes()]
}

/// Reads the log on from what is known of it, or from its beginning where it is not the log that it was then. Gives where
/// it began, and the entries.
fn read_on(journal: &Journal, from: Entries) -> Result<(Entries, Entries), HostError> {
    let Some(found) = journal.numbers(space::EPOCH, [ALL, ACCEPTED, SEALED], from.size)? else {
        return Ok(Default::default());
    };
    if from.size > 0 && found.before.is_none_or(|root| root.to_string() != from.root) {
        return read_on(journal, Entries::default());
    }
    let entries = from.clone().and(&found.of, found.head.size(), found.head.root().to_string());
    Ok((from, entries))
}

fn sealed_of(told: &Told) -> &Sealed {
    match told {
        Told::Loaded(sealed) | Told::Accepted(sealed) => sealed,
    }
}

/// One entry about rules, proven, of which `sealed` is the one that binds as it was started with. Sealed or accepted rules whose text was erased can no longer be counted by:
/// that is an error.
fn read(
    journal: &Journal,
    leaf: u64,
    sealed: Option<u64>,
) -> Result<Option<(Told, RulesText)>, HostError> {
    let edited = |problem: String| HostError::Integrity {
        code: "rules-edited",
        message: format!("leaf {leaf} does not tell which rules are in force: {problem}"),
    };
    let Some(told) = journal.proven(leaf)? else { return Ok(None) };
    let Leaf { kind, event, .. } = told;
    let Some(event) = event else {
        // Rules without a seal bind nobody: that their text was erased changes nothing.
        let binds = kind != "epoch" || sealed == Some(leaf);
        return if binds { Err(edited("its text was erased".to_owned())) } else { Ok(None) };
    };
    let sealed: Sealed =
        serde_json::from_value(event.clone()).map_err(|e| edited(e.to_string()))?;
    let text = event.get("rules").cloned().unwrap_or_default();
    let text = serde_json::from_value(text).map_err(|e| edited(e.to_string()))?;
    match kind.as_str() {
        "epoch" => Ok(Some((Told::Loaded(sealed), text))),
        "epoch-accepted" => Ok(Some((Told::Accepted(sealed), text))),
        other => Err(edited(format!("it is of kind `{other}`"))),
    }
}

/// Rules that nobody could change any more are a mistake, found before they bind.
fn can_be_accepted(sealed: &Sealed, roster: &Roster) -> Result<(), HostError> {
    let needs = acceptors(sealed);
    if roster.can_meet(&needs) {
        return Ok(());
    }
    let message = format!(
        "`[seal] required = true` with these rules would let nobody change them again: {} must accept a change, and the roster has not so many with keys; complete `allowed_signers` first",
        needs.sentence()
    );
    Err(HostError::Refused { code: "seal-without-people", message })
}
