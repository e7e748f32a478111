//! Asking people: a plan that needs them becomes a request, written down with exactly what will be shown
//! and signed. The asker gets a handle and nothing else; asking again for the same thing gives the same
//! handle, and asking too often, or right after a no, is refused before anybody is bothered.

use super::{Case, Waiting, case::unless_erased};
use crate::{
    Host, HostError,
    installed::Installed,
    pipeline::{Call, ulid},
    record::{Charge, Event, EventBody, Record, Recorder, Told, WriteError, space},
};
use interlock_authority::{
    Principal,
    canonical::digest_bytes,
    desk::{DeskRefusal, RequestState},
    document,
    needs::Needs,
    plan::Plan,
    policy::LONGEST_TTL,
    quorum::excluded,
    request::{Asker, RequestBody, Wish},
    roster::Roster,
};
use tokio::sync::Mutex;

/// What came of asking.
pub(crate) enum Asked {
    /// People were asked, now or before.
    Waiting(Waiting),
    /// Nobody was asked.
    Refused(DeskRefusal),
}

/// One at a time: whoever asks looks first whether the same was asked for.
static ASKING: Mutex<()> = Mutex::const_new(());

/// Puts a plan before people.
///
/// # Errors
/// When the request cannot be written down, or a plan is too large to be read by anybody.
pub(crate) async fn ask(call: &Call<'_>, plan: Plan, needs: Needs) -> Result<Asked, HostError> {
    let host = call.host;
    let body = body(
        host,
        &call.request.principal,
        Some(&call.plugin),
        Wish::Plan { plan: Box::new(plan.clone()) },
        needs,
        call.request.said.clone(),
        &host.rules().roster,
    )?;
    // The same wish, in the same world, under the same rules.
    let same = format!("{}\n{:?}\n{}", plan.sameness()?, body.epoch, body.grants);
    let same = digest_bytes("interlock-same/v1", same.as_bytes()).to_string();
    submit(host, &call.request.principal, &body, &same, Some(&call.invocation)).await
}

/// When a request ends, by its own words, unix seconds.
fn expires(told: &Told) -> Option<u64> {
    let body: serde_json::Value = serde_json::from_str(told.text("canonical")?).ok()?;
    body.get("expires")?.as_u64()
}

/// Writes a request down, unless the same one waits already, or its asker must wait.
///
/// # Errors
/// As [`ask`].
pub(crate) async fn submit(
    host: &Host,
    principal: &Principal,
    body: &RequestBody,
    same: &str,
    invocation: Option<&str>,
) -> Result<Asked, HostError> {
    let journal = host.journal();
    // Under rules that are not in force people are asked for one thing: to accept them.
    if !matches!(body.wish, Wish::Epoch { .. }) {
        host.seal().whole()?;
    }
    // Of two that ask for the same at once, the second finds what the first wrote.
    let _turn = ASKING.lock().await;
    for leaf in journal.find(space::SAME, same)?.into_iter().rev() {
        let Some(told) = journal.told(leaf)? else { continue };
        // The newest come first: none before one that is older than any request lives is open. Nor is one whose own words
        // say so; they are not proven, and at worst the same is asked twice.
        if told.time_ms.saturating_add(LONGEST_TTL * 1000) < journal.now_ms() {
            break;
        }
        if expires(&told).is_some_and(|expires| expires <= journal.now_ms() / 1000) {
            continue;
        }
        let Some(id) = told.text("request") else { continue };
        let Some(case) = unless_erased(Case::load(journal, id))? else { continue };
        if matches!(case.state(host)?, RequestState::Pending | RequestState::Approved) {
            return Ok(Asked::Waiting(Waiting::of(&case.body)?));
        }
    }
    let asker = principal.to_string();
    if let Some(leaf) = journal.find(space::TURNED_DOWN, &asker)?.last()
        && let Some(told) = journal.told(*leaf)?
    {
        let again = told.time_ms / 1000 + host.config().asking.cooling_seconds;
        let wait = again.saturating_sub(journal.now_ms() / 1000);
        if wait > 0 {
            return Ok(Asked::Refused(DeskRefusal::CoolingDown(wait)));
        }
    }
    // What cannot be shown cannot be asked.
    document::render(body)?;
    let canonical = body.canonical()?;
    let event = EventBody::Request {
        request: body.id.clone(),
        document: body.digest()?,
        canonical: String::from_utf8_lossy(&canonical).into_owned(),
    };
    let event = match invocation {
        Some(invocation) => Event::of(invocation, event),
        None => Event::alone(event),
    };
    let asking = &host.config().asking;
    let record = Record::of(event)
        .once(space::REQUEST, &body.id)
        .mark(space::ABOUT, &body.id)
        .mark(space::SAME, same)
        .charged(vec![Charge {
            key: format!("asked/{}", digest_bytes("interlock-asked/v1", asker.as_bytes())),
            amount: 1,
            window_ms: asking.per_seconds.saturating_mul(1000),
            most: asking.count,
        }]);
    match journal.write(record).await {
        Ok(()) => Ok(Asked::Waiting(Waiting::of(body)?)),
        Err(WriteError::OverBudget { .. }) => Ok(Asked::Refused(DeskRefusal::RateLimited)),
        Err(error) => Err(error.into()),
    }
}

/// A request of now.
///
/// # Errors
/// When random numbers cannot be had.
pub(crate) fn body(
    host: &Host,
    principal: &Principal,
    plugin: Option<&Installed>,
    wish: Wish,
    needs: Needs,
    said: Option<String>,
    roster: &Roster,
) -> Result<RequestBody, HostError> {
    let (config, rules, journal) = (host.config(), host.rules(), host.journal());
    let mut nonce = [0u8; 16];
    getrandom::fill(&mut nonce)
        .map_err(|e| HostError::io("cannot get random numbers")(std::io::Error::other(e)))?;
    let created = journal.now_ms() / 1000;
    // A policy may give less time than the host does, never more.
    let ttl = needs.ttl.unwrap_or(u64::MAX).min(config.asking.ttl_seconds);
    let operators = match principal {
        Principal::Agent(name) => config.operators.get(name).cloned().unwrap_or_default(),
        Principal::Person(_) => Vec::new(),
    };
    let epoch = match &wish {
        Wish::Epoch { from, .. } => from.clone(),
        Wish::Plan { .. } | Wish::Elevation { .. } => rules.epoch.clone(),
    };
    let mut body = RequestBody {
        version: 1,
        id: ulid(),
        deployment: journal.deployment().to_owned(),
        host: config.name.clone(),
        asker: Asker {
            principal: principal.clone(),
            teams: rules.policies.teams(principal),
            operators,
        },
        wish,
        needs,
        not_counted: Vec::new(),
        created,
        expires: created.saturating_add(ttl),
        nonce: nonce.iter().map(|byte| format!("{byte:02x}")).collect(),
        grants: plugin.map_or(epoch.approvers, |plugin| plugin.grants_digest),
        epoch,
        said,
    };
    if !roster.solo() {
        body.not_counted = excluded(&body, roster)
            .into_iter()
            .map(|(person, why)| format!("{person} ({})", why.sentence()))
            .collect();
    }
    Ok(body)
}
