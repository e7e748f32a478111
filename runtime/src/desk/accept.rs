//! Accepting other rules: the people of the sealed rules agree, with the signatures and the roster that those
//! rules had, and then the new ones are in force. Whoever changed the files cannot agree in their place: the
//! roster in the changed files does not count.

use super::{
    Case, Waiting,
    approver::{ended, refused},
    ask::{Asked, body, submit},
};
use crate::{
    Host, HostError,
    record::Recorder,
    seal::{InForce, Seal},
};
use diffy::{DiffOptions, Line};
use interlock_authority::{
    Principal,
    canonical::digest_bytes,
    desk::{DeskRefusal, RequestState, approved},
    request::Wish,
    roster::Roster,
    seal::acceptors,
};

/// What became of changed rules.
#[derive(Debug, Clone)]
pub enum Acceptance {
    /// The rules of this host are in force; there is nothing to accept.
    InForce {
        /// Whether they are sealed.
        sealed: bool,
    },
    /// People were asked, now or before.
    Waiting(Waiting),
    /// They agreed, and the rules of this host are in force from here on.
    Accepted {
        /// The request that they signed.
        request: String,
    },
}

/// Asks the people of the rules in force to accept the host's, or, where they did, puts the host's in force.
///
/// # Errors
/// Why nobody is asked, and a journal that is not as it was written.
pub async fn accept(
    host: &Host,
    principal: &Principal,
    said: Option<String>,
) -> Result<Acceptance, HostError> {
    if !host.config().principals.contains(principal) {
        let message = format!("the principal `{principal}` is not configured");
        return Err(HostError::Refused { code: "unknown-principal", message });
    }
    let before = match host.seal().in_force()? {
        Some(before) if before.sealed.seal && before.sealed.epoch != host.rules().epoch => before,
        other => {
            return Ok(Acceptance::InForce {
                sealed: other.is_some_and(|rules| rules.sealed.seal),
            });
        }
    };
    let roster = Roster::parse(&before.text.roster)?;
    let changes = changes(&before, host);
    let (from, to) = (before.sealed.epoch.clone(), host.rules().epoch.clone());
    let wish = Wish::Epoch { from, to, changes };
    let mut body = body(host, principal, None, wish, acceptors(&before.sealed), said, &roster)?;
    if let Principal::Agent(name) = principal {
        // Who operates the asker, say both the old rules and the new ones.
        let old = before.text.operators.get(name).into_iter().flatten();
        body.asker.operators.extend(old.cloned());
        body.asker.operators.sort();
        body.asker.operators.dedup();
    }
    let same = format!("{principal}\n{:?}\n{:?}", body.epoch, host.rules().epoch);
    let same = digest_bytes("interlock-same-rules/v1", same.as_bytes()).to_string();
    let waiting = match submit(host, principal, &body, &same, None).await? {
        Asked::Waiting(waiting) => waiting,
        Asked::Refused(refusal) => return Err(refused(&refusal)),
    };
    let case = Case::load(host.journal(), &waiting.request)?;
    let standing = case.standing(&roster);
    if standing.state() != RequestState::Approved {
        return Ok(Acceptance::Waiting(waiting));
    }
    // INVARIANT SHOWN-IS-SIGNED: the index led here, and what it led to is what was signed. It must be this very change,
    // asked of the people of these very rules.
    if case.body.wish != body.wish || case.body.needs != body.needs {
        return Err(refused(&DeskRefusal::DifferentCall("rules")));
    }
    let people = approved(&standing).map_err(|e| refused(&e))?;
    let request = people.request().to_owned();
    let expires_ms = people.expires().saturating_mul(1000);
    let record = Seal::accepted(&request, host.rules(), &before).consuming(&request, expires_ms);
    host.journal().write(record).await.map_err(|e| ended(&request, e))?;
    Ok(Acceptance::Accepted { request })
}

/// What differs, line by line.
fn changes(before: &InForce, host: &Host) -> Vec<String> {
    let (old, new) = (before.text.lines(), host.rules().text.lines());
    let sign = |line: &Line<'_, str>| {
        let (sign, text) = match line {
            Line::Delete(text) => ('-', text),
            Line::Insert(text) => ('+', text),
            Line::Context(_) => return None,
        };
        Some(format!("{sign} {}", text.trim_end_matches('\n')))
    };
    let patch = DiffOptions::new().set_context_len(0).create_patch(&old, &new);
    patch.hunks().iter().flat_map(|hunk| hunk.lines()).filter_map(sign).collect()
}
