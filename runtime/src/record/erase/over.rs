//! Which entries are over. Pure: what was seen of the journal goes in, and what may lose its words comes out.
//! The mistake it stops: a request that somebody may still sign, or an effect whose end nobody knows, that
//! lost its words to a broom. INVARIANT FAIL-CLOSED: what is not certainly over stays.
//!
//! What belongs together goes together: an entry is over when all that it belongs to is, and an invocation or a
//! request is over when the last thing that was said of it is old.

use crate::record::space;
use interlock_store::Mark;
use std::collections::{BTreeMap, BTreeSet};

/// One entry, as far as the rule looks at it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'e> {
    pub(super) leaf: u64,
    pub(super) time_ms: u64,
    pub(super) kind: &'e str,
    pub(super) marks: &'e [Mark],
    /// Whether its words are still there.
    pub(super) there: bool,
    /// Of a request when it expires, of a grant when it ends; none where that cannot be read.
    pub(super) until_ms: Option<u64>,
}

/// Why an entry stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stays {
    /// Rules, keys, grants, freezes and their like: later readers live by what they say.
    Kind,
    /// Its invocation has no end that is old enough.
    Invocation,
    /// Its invocation has an effect whose end nobody knows.
    Unknown,
    /// Its request is not over, or not for long enough.
    Request,
}

impl Stays {
    /// A stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kind => "always-kept",
            Self::Invocation => "invocation-not-over",
            Self::Unknown => "unknown-end",
            Self::Request => "request-not-over",
        }
    }

    /// For people.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Kind => {
                "of kinds that are never erased: rules, keys, grants, freezes and their like"
            }
            Self::Invocation => "of invocations that have no end, or not one that is old enough",
            Self::Unknown => {
                "of effects whose end nobody knows; `interlock journal resolve` says how they ended"
            }
            Self::Request => "of requests that are not over, or not for long enough",
        }
    }
}

/// The kinds that can be erased. A new one is not among them until somebody thought about it.
const KINDS: [&str; 13] = [
    "decision",
    "transcript",
    "recording",
    "plan",
    "intent",
    "outcome",
    "ended",
    "artifact-replaced",
    "request",
    "approval",
    "denial",
    "revocation",
    "claim",
];

#[derive(Debug, Default)]
struct Run {
    newest_ms: u64,
    ended: bool,
    /// Intents without an outcome.
    open: u64,
    about: BTreeSet<u32>,
}

#[derive(Debug, Default)]
struct Request {
    newest_ms: u64,
    /// Its own entry was seen.
    asked: bool,
    /// Its words were erased before: nobody can sign or use it any more.
    gone: bool,
    expires_ms: Option<u64>,
    /// Somebody denied or revoked it.
    ended: bool,
    /// The runs that claimed it; none for a claim of no run.
    claims: Vec<Option<u32>>,
    /// When the elevations end that came of it.
    grants: Vec<Option<u64>>,
    /// Rules came into force by it: how they did stays.
    rules: bool,
}

/// An entry that may be erased, if what it belongs to is over.
#[derive(Debug)]
struct Candidate {
    leaf: u64,
    time_ms: u64,
    kind: &'static str,
    run: Option<u32>,
    about: Box<[u32]>,
}

/// What was seen of a journal.
#[derive(Debug, Default)]
pub(super) struct Seen {
    names: BTreeMap<(bool, String), u32>,
    runs: Vec<Run>,
    requests: Vec<Request>,
    /// The run of each intent without an outcome.
    open: BTreeMap<String, Option<u32>>,
    candidates: Vec<Candidate>,
    kept: Vec<u64>,
}

impl Seen {
    /// Notes an entry. They come oldest first, all of them.
    pub(super) fn see(&mut self, entry: &Entry<'_>) {
        let named = |space: &str| {
            let space = space.to_owned();
            entry.marks.iter().filter(move |m| m.space == space).map(|m| m.key.as_str())
        };
        let run = named(space::INVOCATION).next().map(|id| self.run(id));
        let about: Box<[u32]> = named(space::ABOUT).map(|id| self.request(id)).collect();
        for key in named(space::INTENT) {
            self.open.insert(key.to_owned(), run);
            self.count(run, |open| open.saturating_add(1));
        }
        for key in named(space::OUTCOME) {
            if let Some(of) = self.open.remove(key) {
                self.count(of, |open| open.saturating_sub(1));
            }
        }
        if let Some(run) = run.and_then(|run| self.runs.get_mut(run as usize)) {
            run.newest_ms = run.newest_ms.max(entry.time_ms);
            run.ended |= entry.kind == "ended";
            run.about.extend(&about);
        }
        for id in &about {
            if let Some(request) = self.requests.get_mut(*id as usize) {
                request.see(entry, run);
            }
        }
        match KINDS.iter().find(|kind| **kind == entry.kind) {
            _ if !entry.there => {}
            Some(kind) => {
                let (leaf, time_ms) = (entry.leaf, entry.time_ms);
                self.candidates.push(Candidate { leaf, time_ms, kind, run, about });
            }
            None => self.kept.push(entry.time_ms),
        }
    }

    /// What of all that was seen before this moment may be erased, newest first, with its kind; and how much
    /// of it stays, and why.
    pub(super) fn over(&self, before_ms: u64) -> (Vec<(u64, &'static str)>, BTreeMap<Stays, u64>) {
        let (mut erasable, mut stays) = (Vec::new(), BTreeMap::<Stays, u64>::new());
        let mut stay = |why| *stays.entry(why).or_default() += 1;
        self.kept.iter().filter(|time| **time < before_ms).for_each(|_| stay(Stays::Kind));
        // Newest first: what a request says tells when it is over, and goes after all that is about it.
        for candidate in self.candidates.iter().rev().filter(|c| c.time_ms < before_ms) {
            match self.why_not(candidate, before_ms) {
                None => erasable.push((candidate.leaf, candidate.kind)),
                Some(why) => stay(why),
            }
        }
        (erasable, stays)
    }

    fn why_not(&self, candidate: &Candidate, before_ms: u64) -> Option<Stays> {
        let Candidate { kind, run, about, .. } = candidate;
        // Each belongs to something that can be over; a note about an artifact is over when it is written.
        if run.is_none() && about.is_empty() && *kind != "artifact-replaced" {
            return Some(Stays::Invocation);
        }
        if let Some(id) = run {
            let Some(run) = self.runs.get(*id as usize) else { return Some(Stays::Invocation) };
            if run.open > 0 {
                return Some(Stays::Unknown);
            }
            if !run.is_closed(before_ms) {
                return Some(Stays::Invocation);
            }
            if !run.about.iter().all(|id| self.is_over(*id, before_ms)) {
                return Some(Stays::Request);
            }
        }
        (!about.iter().all(|id| self.is_over(*id, before_ms))).then_some(Stays::Request)
    }

    /// Whether a request can have no consequence any more, and its last one is old.
    fn is_over(&self, id: u32, before_ms: u64) -> bool {
        let Some(request) = self.requests.get(id as usize) else { return false };
        let closed = |run: &Option<u32>| {
            let run = run.and_then(|run| self.runs.get(run as usize));
            run.is_some_and(|run| run.open == 0 && run.is_closed(before_ms))
        };
        if !request.asked || request.rules || request.newest_ms >= before_ms {
            return false;
        }
        // Revoking stops what is left of a run, and not the effect that it is at.
        if !request.claims.iter().all(closed) {
            return false;
        }
        if !request.grants.is_empty() {
            let past = |until: &Option<u64>| until.is_some_and(|until| until < before_ms);
            // Revoked or not: each call of its asker still looks at it until then.
            return request.grants.iter().all(past);
        }
        request.ended
            || request.gone
            || !request.claims.is_empty()
            || request.expires_ms.is_some_and(|expires| expires < before_ms)
    }

    fn count(&mut self, run: Option<u32>, change: impl FnOnce(u64) -> u64) {
        if let Some(run) = run.and_then(|run| self.runs.get_mut(run as usize)) {
            run.open = change(run.open);
        }
    }

    fn run(&mut self, id: &str) -> u32 {
        let next = u32::try_from(self.runs.len()).unwrap_or(u32::MAX);
        let number = *self.names.entry((true, id.to_owned())).or_insert(next);
        if number == next {
            self.runs.push(Run::default());
        }
        number
    }

    fn request(&mut self, id: &str) -> u32 {
        let next = u32::try_from(self.requests.len()).unwrap_or(u32::MAX);
        let number = *self.names.entry((false, id.to_owned())).or_insert(next);
        if number == next {
            self.requests.push(Request::default());
        }
        number
    }
}

impl Run {
    fn is_closed(&self, before_ms: u64) -> bool {
        self.ended && self.newest_ms < before_ms
    }
}

impl Request {
    fn see(&mut self, entry: &Entry<'_>, run: Option<u32>) {
        self.newest_ms = self.newest_ms.max(entry.time_ms);
        match entry.kind {
            "request" => {
                self.asked = true;
                self.gone = !entry.there;
                self.expires_ms = entry.until_ms;
            }
            "denial" | "revocation" => self.ended = true,
            "claim" => self.claims.push(run),
            "grant" => self.grants.push(entry.until_ms),
            "epoch-accepted" => self.rules = true,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
