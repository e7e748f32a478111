//! Budgets count effects across invocations: teardown by many small steps, each of them allowed, must run
//! out. They live in grants and are charged in the transaction that writes the intent, never at plan time.

use crate::{
    canonical::digest_bytes,
    catalogue::ResolvedCall,
    grant::Grant,
    vocabulary::{Principal, Resource},
};
use serde::{Deserialize, Serialize};

/// So many effects in so much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// The most effects in the window.
    pub effects: u64,
    /// The window, in seconds; it slides.
    pub per_seconds: u64,
}

/// One effect, charged to one budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charged {
    /// The budget's name: a digest of who, what and where.
    pub key: String,
    /// The budget.
    pub budget: Budget,
}

/// The grants that one effect is under: those that cover its resource, and the elevations that cover
/// anything it touches. Of an elevation people signed so many effects, wherever they reach.
pub fn covering<'a>(
    grants: &'a [Grant],
    call: &'a ResolvedCall,
    touches: &'a [Resource],
) -> impl Iterator<Item = &'a Grant> {
    grants.iter().filter(move |grant| {
        let covers = |resource| grant.covers(call.interface(), call.function(), resource);
        covers(call.resource()) || grant.elevation.is_some() && touches.iter().any(covers)
    })
}

/// The budgets that one effect is charged to: those of every grant that it is under. An effect is covered as
/// soon as one grant covers it, but a grant beside another never takes the other's bound away.
pub fn charges(
    principal: &Principal,
    plugin: &str,
    grants: &[Grant],
    call: &ResolvedCall,
    touches: &[Resource],
) -> Vec<Charged> {
    let covering = covering(grants, call, touches);
    let mut all: Vec<Charged> = covering
        .filter_map(|grant| {
            let budget = grant.budget?;
            Some(Charged { key: key(principal, plugin, grant), budget })
        })
        .collect();
    // Two grants that differ in the size of the budget alone share what is used of it.
    all.sort_by(|a, b| (&a.key, a.budget.effects).cmp(&(&b.key, b.budget.effects)));
    all.dedup_by(|a, b| a.key == b.key && a.budget == b.budget);
    all
}

/// The name of a grant's budget: the principal, the plugin, the functions and the resources it counts. An
/// elevation counts by the request that people signed.
fn key(principal: &Principal, plugin: &str, grant: &Grant) -> String {
    let named = match &grant.elevation {
        Some(elevated) => format!("elevation\n{}", elevated.request),
        None => {
            let functions = grant.functions.as_ref().map_or_else(
                || "*".to_owned(),
                |f| f.iter().map(String::as_str).collect::<Vec<_>>().join(","),
            );
            let mut resources: Vec<String> =
                grant.resources.iter().map(ToString::to_string).collect();
            resources.sort();
            format!(
                "{principal}\n{plugin}\n{}\n{functions}\n{}",
                grant.interface,
                resources.join(",")
            )
        }
    };
    digest_bytes("interlock-budget/v1", named.as_bytes()).to_string()
}
