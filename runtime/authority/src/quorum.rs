//! Counting. People, not keys; never whoever asked, or answers for whoever asked, or published what would
//! run. The sums are small enough to be tried exhaustively, and are.

use crate::{
    needs::Needs,
    request::RequestBody,
    roster::{Presence, Roster},
    signature::Signer,
    vocabulary::Principal,
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Why a valid signature does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotCounted {
    /// The person asked.
    Asked,
    /// The person operates the agent that asked.
    OperatesTheAsker,
    /// The person published the plugin.
    PublishedThePlugin,
    /// The key did not prove a touch, and this demands it.
    NoPresence,
    /// Another signature of the same person is counted.
    SamePerson,
    /// The person is in no group that is needed.
    NotInAGroup,
}

impl NotCounted {
    /// A code that never changes its meaning.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Asked => "asker-cannot-approve",
            Self::OperatesTheAsker => "operator-cannot-approve",
            Self::PublishedThePlugin => "publisher-cannot-approve",
            Self::NoPresence => "no-presence",
            Self::SamePerson => "already-approved",
            Self::NotInAGroup => "not-in-a-group",
        }
    }

    /// One sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Asked => "asked for it",
            Self::OperatesTheAsker => "operates the asker",
            Self::PublishedThePlugin => "published the plugin",
            Self::NoPresence => "signed without touching a hardware key, which this needs",
            Self::SamePerson => "has signed already; a person counts once",
            Self::NotInAGroup => "is in no group that is needed",
        }
    }
}

/// What signatures come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Whether enough people agreed.
    pub met: bool,
    /// Of each group, how many agreed and how many must.
    pub groups: BTreeMap<String, (u8, u8)>,
    /// The people who count.
    pub counted: Vec<Signer>,
    /// The signatures that do not count, and why.
    pub left_out: Vec<(Signer, NotCounted)>,
}

/// The people who do not count for a request, whatever they sign.
///
/// INVARIANT ASKER-CANNOT-APPROVE: the asker, those who operate it, and the plugin's publisher. Of several reasons the
/// nearest to the request stands: whether a one-person team may agree to its own depends on it.
pub fn excluded(body: &RequestBody, roster: &Roster) -> BTreeMap<String, NotCounted> {
    let mut out = BTreeMap::new();
    let publisher = body.plugin().and_then(|plugin| plugin.publisher.as_deref());
    if let Some(name) = publisher {
        out.insert(roster.person(name).to_owned(), NotCounted::PublishedThePlugin);
    }
    for name in &body.asker.operators {
        out.insert(roster.person(name).to_owned(), NotCounted::OperatesTheAsker);
    }
    if let Principal::Person(name) = &body.asker.principal {
        out.insert(roster.person(name).to_owned(), NotCounted::Asked);
    }
    out
}

/// How many people a request really needs: what was decided, or one, where one person is the whole team.
fn needed(needs: &Needs, solo: bool) -> BTreeMap<String, u8> {
    let asked = needs.people.iter().filter(|(_, count)| **count > 0);
    if solo {
        asked.map(|(group, _)| (group.clone(), 1)).collect()
    } else {
        asked.map(|(group, count)| (group.clone(), *count)).collect()
    }
}

/// Counts verified signatures. A person counts once for each group they are in.
pub fn tally(body: &RequestBody, roster: &Roster, signers: &[Signer]) -> Tally {
    let needed = needed(&body.needs, roster.solo());
    let excluded = excluded(body, roster);
    let must_touch = roster.presence() == Presence::Destroy && body.demands_touch();
    let mut counted: Vec<Signer> = Vec::new();
    let mut left_out = Vec::new();
    for signer in signers {
        let touched = signer.presence == Some(true);
        // A one-person team: who asked or operates the asker may agree, with a touch, and also where they wrote the
        // plugin, for there is nobody else. A publisher who is neither is not that person, and never counts.
        let own = excluded
            .get(&signer.person)
            .filter(|why| !(roster.solo() && touched && **why != NotCounted::PublishedThePlugin));
        let why = if let Some(why) = own {
            Some(*why)
        } else if must_touch && !touched {
            Some(NotCounted::NoPresence)
        } else if counted.iter().any(|c| c.person == signer.person) {
            Some(NotCounted::SamePerson)
        } else if !needed.keys().any(|group| roster.is_in(&signer.person, group)) {
            Some(NotCounted::NotInAGroup)
        } else {
            None
        };
        match why {
            Some(why) => left_out.push((signer.clone(), why)),
            None => counted.push(signer.clone()),
        }
    }
    let groups: BTreeMap<String, (u8, u8)> = needed
        .into_iter()
        .map(|(group, need)| {
            let people: BTreeSet<&str> = counted
                .iter()
                .map(|signer| signer.person.as_str())
                .filter(|person| roster.is_in(person, &group))
                .collect();
            let have = u8::try_from(people.len()).unwrap_or(u8::MAX);
            (group, (have, need))
        })
        .collect();
    // Nothing needed is nothing met: what needs nobody never came before people.
    let met = !groups.is_empty() && groups.values().all(|(have, need)| have >= need);
    Tally { met, groups, counted, left_out }
}
