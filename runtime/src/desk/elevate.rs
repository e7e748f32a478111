//! Elevations, on the asker's side: asking for one, bringing an approved one into force, and finding those that
//! hold for a call. Each is read from proven leaves and counted again by its signatures whenever it is used.

use super::{
    Case, Waiting,
    approver::{ended, refused},
    ask::{Asked, body, submit},
    case::unless_erased,
};
use crate::{
    Host, HostError,
    pipeline::ulid,
    record::{Event, EventBody, Record, Recorder, space},
};
use interlock_authority::{
    Grant, Principal,
    canonical::digest_bytes,
    desk::{DeskRefusal, Holder, RequestState, approved, check_holder},
    document::timestamp,
    elevation::{self, MAX_SECONDS, Wanted},
    needs::Needs,
    plan::PluginRef,
    policy::Asking,
    request::{Elevation as Adds, Wish},
};
use serde::Serialize;

/// What somebody asks for.
#[derive(Debug, Clone)]
pub struct Elevate {
    /// Who asks, and may then use it.
    pub principal: Principal,
    /// The plugin's configured name.
    pub plugin: String,
    /// The interface, functions and resources.
    pub grant: Grant,
    /// How many effects in all.
    pub effects: u64,
    /// How long, in seconds.
    pub seconds: u64,
    /// What the asker says about it.
    pub said: Option<String>,
}

/// What became of asking.
#[derive(Debug, Clone)]
pub enum Elevating {
    /// People were asked, now or before.
    Waiting(Waiting),
    /// It is in force.
    InForce {
        /// The request that people signed.
        request: String,
        /// When it ends, unix seconds.
        until: u64,
    },
}

/// One elevation, as people see it in a list.
#[derive(Debug, Clone, Serialize)]
pub struct Elevation {
    /// The request that asked for it.
    pub request: String,
    /// Who asked, and may use it.
    pub principal: Principal,
    /// The plugin that it is for.
    pub plugin: String,
    /// What it adds, one line each.
    pub adds: Vec<String>,
    /// What it is now.
    #[serde(flatten)]
    pub state: RequestState,
    /// Why it does not hold, though it came into force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub void: Option<String>,
    /// The most effects.
    pub effects: u64,
    /// How many were started.
    pub used: u64,
    /// When it ends, RFC 3339, once it is in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// Asks people for an elevation, or, where they agreed, brings it into force.
///
/// # Errors
/// Why nobody is asked, and a journal that is not as it was written.
pub async fn elevate(host: &Host, wanted: &Elevate) -> Result<Elevating, HostError> {
    let principal = &wanted.principal;
    if !host.config().principals.contains(principal) {
        let message = format!("the principal `{principal}` is not configured");
        return Err(HostError::Refused { code: "unknown-principal", message });
    }
    wanted.grant.check(host.catalogue())?;
    let plugin = host.installed(&wanted.plugin).await?;
    let adds = elevation::elevation(
        &Wanted {
            plugin: PluginRef {
                name: plugin.name.clone(),
                digest: plugin.described.digest,
                publisher: plugin.publisher.clone(),
            },
            imports: &plugin.described.imports,
            standing: &plugin.grants,
            grant: &wanted.grant,
            effects: wanted.effects,
            seconds: wanted.seconds,
        },
        host.catalogue(),
    )
    .map_err(|e| HostError::Refused { code: e.code(), message: e.to_string() })?;
    let needs = needs(host, wanted, &adds)?;
    let same = serde_json::json!({
        "principal": principal, "elevation": adds, "epoch": host.rules().epoch, "grants": plugin.grants_digest,
    });
    let same = digest_bytes("interlock-same-elevation/v1", same.to_string().as_bytes()).to_string();
    if let Some(already) = still_in_force(host, &same)? {
        return Ok(already);
    }
    let wish = Wish::Elevation { elevation: adds };
    let roster = host.rules().roster.clone();
    let body = body(host, principal, Some(&plugin), wish, needs, wanted.said.clone(), &roster)?;
    let waiting = match submit(host, principal, &body, &same, None).await? {
        Asked::Waiting(waiting) => waiting,
        Asked::Refused(refusal) => return Err(refused(&refusal)),
    };
    let case = Case::load(host.journal(), &waiting.request)?;
    let standing = case.standing(&roster);
    if standing.state() != RequestState::Approved {
        return Ok(Elevating::Waiting(waiting));
    }
    // INVARIANT SHOWN-IS-SIGNED: the index led here, and what it led to is what was signed.
    if case.body.wish != body.wish {
        return Err(refused(&DeskRefusal::DifferentCall("elevation")));
    }
    let holder = plugin.holder(host, principal, host.journal().deployment());
    check_holder(&case.body, &holder).map_err(|e| refused(&e))?;
    let people = approved(&standing).map_err(|e| refused(&e))?;
    let request = people.request().to_owned();
    let until = (host.journal().now_ms() / 1000).saturating_add(wanted.seconds);
    let event = EventBody::Grant {
        request: request.clone(),
        document: people.document(),
        principal: principal.clone(),
        plugin: plugin.name.clone(),
        until,
    };
    let record = Record::of(Event::of(&ulid(), event))
        .once(space::GRANT, &request)
        .mark(space::ELEVATED, key(principal, &plugin.name))
        .consuming(&request, people.expires().saturating_mul(1000));
    host.journal().write(record).await.map_err(|e| ended(&request, e))?;
    Ok(Elevating::InForce { request, until })
}

/// The same elevation, where it came into force and is not over: asking again is no way to double it.
fn still_in_force(host: &Host, same: &str) -> Result<Option<Elevating>, HostError> {
    let journal = host.journal();
    for leaf in journal.find(space::SAME, same)?.into_iter().rev() {
        let Some(told) = journal.told(leaf)? else { continue };
        let Some(id) = told.text("request") else { continue };
        let Some(case) = unless_erased(Case::load(journal, id))? else { continue };
        if let RequestState::Granted { until } = case.state(host)?
            && case.now < until
        {
            return Ok(Some(Elevating::InForce { request: id.to_owned(), until }));
        }
    }
    Ok(None)
}

/// Who must agree: what the policies ask for on every resource, together.
fn needs(host: &Host, wanted: &Elevate, adds: &Adds) -> Result<Needs, HostError> {
    let asking = Asking {
        principal: &wanted.principal,
        plugin: &adds.plugin.name,
        digest: adds.plugin.digest,
        publisher: adds.plugin.publisher.as_deref(),
        tool: "",
    };
    let mut needs = Needs::nobody();
    for resource in &adds.resources {
        let allowed = host
            .policies()
            .elevate(&asking, resource, adds.effects, adds.seconds)
            .map_err(|e| HostError::Refused { code: e.code(), message: e.to_string() })?;
        needs = needs.join(&allowed.needs);
    }
    // What needs nobody never came before people.
    if needs.is_nobody() { Ok(Needs::people(1, "", needs.ttl)) } else { Ok(needs) }
}

fn key(principal: &Principal, plugin: &str) -> String {
    format!("{principal} {plugin}")
}

/// The grants of the elevations that hold for whoever calls. Under rules that are not in force, or in a
/// journal that is behind what was published, none does.
///
/// # Errors
/// A journal that is not as it was written.
pub(crate) fn in_force(host: &Host, holder: &Holder<'_>) -> Result<Vec<Grant>, HostError> {
    let journal = host.journal();
    let found = journal.find(space::ELEVATED, &key(holder.principal, holder.plugin))?;
    let mut grants = Vec::new();
    for leaf in found.into_iter().rev() {
        let Some(told) = journal.told(leaf)? else { continue };
        // Nor are those before one that is older than any elevation lasts.
        if told.time_ms.saturating_add(MAX_SECONDS * 1000) <= journal.now_ms() {
            break;
        }
        let Some(event) = &told.event else { continue };
        let until = event.get("until").and_then(serde_json::Value::as_u64).unwrap_or_default();
        // The newest first: one whose time is over is not worth the proof.
        if until.saturating_mul(1000) <= journal.now_ms() {
            continue;
        }
        let Some(id) = told.text("request") else { continue };
        // INVARIANT FAIL-CLOSED: what nobody can read any more grants nothing, and stops nothing else.
        let Some(case) = unless_erased(Case::load(journal, id))? else { continue };
        if let Ok(more) = elevation::in_force(&case.standing(&host.rules().roster), holder) {
            grants.extend(more);
        }
    }
    let elevated = !grants.is_empty();
    let behind = || journal.store().behind(journal.places()).map_err(crate::record::refused);
    if elevated && (host.seal().broken().is_some() || behind()?.is_some()) {
        return Ok(Vec::new());
    }
    Ok(grants)
}

/// The newest elevations that were asked for, newest first.
///
/// # Errors
/// A journal that is not as it was written.
pub fn elevations(host: &Host, most: u64) -> Result<Vec<Elevation>, HostError> {
    let journal = host.journal();
    let mut all = Vec::new();
    for (id, _) in journal.keys(space::REQUEST, most)? {
        let Some(case) = unless_erased(Case::load(journal, &id))? else { continue };
        let Wish::Elevation { elevation } = &case.body.wish else { continue };
        let state = case.state(host)?;
        let until = match state {
            RequestState::Granted { until } => Some(until),
            _ => None,
        };
        let used = case.leaves.iter().filter(|leaf| leaf.kind == "intent").count() as u64;
        all.push(Elevation {
            request: id,
            principal: case.body.asker.principal.clone(),
            plugin: elevation.plugin.name.clone(),
            adds: elevation.adds.clone(),
            void: until.and_then(|_| void(host, &case).err()),
            state,
            effects: elevation.effects,
            used,
            until: until.map(timestamp),
        });
    }
    Ok(all)
}

/// Why an elevation that came into force does not hold, as far as its asker and its plugin are here.
fn void(host: &Host, case: &Case) -> Result<(), String> {
    let plugin = case.body.plugin().ok_or("it is of no plugin")?;
    let installed = host.config().plugins.get(&plugin.name).ok_or("its plugin was removed")?;
    let holder = Holder {
        deployment: host.journal().deployment(),
        epoch: &host.rules().epoch,
        grants: host.grants_digest(&plugin.name).map_err(|e| e.to_string())?,
        principal: &case.body.asker.principal,
        plugin: &plugin.name,
        digest: installed.digest,
    };
    let standing = case.standing(&host.rules().roster);
    elevation::in_force(&standing, &holder).map(drop).map_err(|e| e.to_string())
}
