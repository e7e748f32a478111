//! Elevations: more authority for a while, that people signed for. What is asked for is exactly what is not
//! granted already, never anything that destroys; and what was signed holds for the asker, the plugin's bytes
//! and the rules that people saw, until its time is over or somebody takes it back.

use crate::{
    authorize::Imports,
    budget::Budget,
    catalogue::Catalogue,
    desk::{DeskRefusal, Holder, RequestState, Standing, check_holder, missing},
    grant::Grant,
    plan::PluginRef,
    request::{Elevation, Wish},
    vocabulary::{Class, InterfaceName},
};
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

/// The most effects of one elevation.
pub const MAX_EFFECTS: u64 = 1_000;
/// The longest that an elevation holds, seconds.
pub const MAX_SECONDS: u64 = 7 * 24 * 3600;

/// Why an elevation cannot be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ElevationRefusal {
    /// It would let something be destroyed.
    #[error(
        "`{interface}#{function}` is of class destroy, which is never granted for a while: call the tool, and people approve its plan"
    )]
    Destroys {
        /// The interface.
        interface: InterfaceName,
        /// The function.
        function: String,
    },
    /// The plugin does not import it.
    #[error("the plugin does not import `{0}`, so granting it adds nothing")]
    NotImported(String),
    /// Everything in it is granted already.
    #[error("the plugin may do all of this already; there is nothing to add")]
    NothingToAdd,
    /// No effects, too many, or for too long.
    #[error(
        "an elevation is for 1 to {MAX_EFFECTS} effects and at most {MAX_SECONDS} seconds (7 days)"
    )]
    OutOfBounds,
}

impl ElevationRefusal {
    /// A code that never changes its meaning.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Destroys { .. } => "elevation-destroys",
            Self::NotImported(_) => "elevation-not-imported",
            Self::NothingToAdd => "elevation-adds-nothing",
            Self::OutOfBounds => "elevation-out-of-bounds",
        }
    }
}

/// What somebody wants a plugin to be able to do for a while.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// The plugin.
    pub plugin: PluginRef,
    /// What it imports.
    pub imports: &'a Imports,
    /// Its standing grants.
    pub standing: &'a [Grant],
    /// The interface, the functions (all that the plugin imports, where none is named) and the resources.
    pub grant: &'a Grant,
    /// How many effects in all.
    pub effects: u64,
    /// How long, in seconds.
    pub seconds: u64,
}

/// The elevation that is exactly what is wanted and not there yet.
///
/// # Errors
/// Why it cannot be asked for.
pub fn elevation(
    wanted: &Wanted<'_>,
    catalogue: &Catalogue,
) -> Result<Elevation, ElevationRefusal> {
    if !(1..=MAX_EFFECTS).contains(&wanted.effects) || !(1..=MAX_SECONDS).contains(&wanted.seconds)
    {
        return Err(ElevationRefusal::OutOfBounds);
    }
    let interface = &wanted.grant.interface;
    let imported = wanted
        .imports
        .get(interface)
        .ok_or_else(|| ElevationRefusal::NotImported(interface.to_string()))?;
    let named = wanted.grant.functions.as_ref().unwrap_or(imported);
    let mut functions = BTreeSet::new();
    let mut adds = Vec::new();
    for function in named {
        if !imported.contains(function) {
            let what = format!("{interface}#{function}");
            return Err(ElevationRefusal::NotImported(what));
        }
        let class = catalogue.function(interface, function).map(|f| f.class);
        // INVARIANT DESTROY-NEEDS-PEOPLE: people approve what is destroyed, exactly and once, not for a while.
        if !matches!(class, Some(Class::Read | Class::Change)) {
            let (interface, function) = (interface.clone(), function.clone());
            return Err(ElevationRefusal::Destroys { interface, function });
        }
        for resource in &wanted.grant.resources {
            if !wanted.standing.iter().any(|grant| grant.covers(interface, function, resource)) {
                let class = class.map_or("", Class::as_str);
                adds.push(format!(
                    "{interface} {function} ({class}) on {resource} and all below it"
                ));
                functions.insert(function.clone());
            }
        }
    }
    if adds.is_empty() {
        return Err(ElevationRefusal::NothingToAdd);
    }
    Ok(Elevation {
        plugin: wanted.plugin.clone(),
        functions: BTreeMap::from([(interface.clone(), functions)]),
        resources: wanted.grant.resources.clone(),
        effects: wanted.effects,
        seconds: wanted.seconds,
        adds,
    })
}

/// The grants of an elevation that is in force: counted together, and over when its time is.
///
/// # Errors
/// Why it does not hold: revoked, signed by people who no longer count, for somebody else, for other bytes of
/// the plugin, under other rules, or over.
pub fn in_force(standing: &Standing<'_>, holder: &Holder<'_>) -> Result<Vec<Grant>, DeskRefusal> {
    let Wish::Elevation { elevation } = &standing.body.wish else {
        return Err(DeskRefusal::DifferentCall("kinds"));
    };
    check_holder(standing.body, holder)?;
    let until = match standing.state() {
        RequestState::Granted { until } if standing.now < until => until,
        RequestState::Granted { .. } | RequestState::Expired => return Err(DeskRefusal::Expired),
        RequestState::Denied { by, .. } => return Err(DeskRefusal::Denied(by)),
        RequestState::Revoked { by } => return Err(DeskRefusal::Revoked(by)),
        RequestState::Consumed { run } => return Err(DeskRefusal::Consumed(run)),
        RequestState::Pending | RequestState::Approved => {
            return Err(DeskRefusal::Pending("whoever asked to bring it into force".to_owned()));
        }
    };
    // As often as it is used: people who lost their place on the roster no longer count.
    let tally = standing.tally();
    if !tally.met {
        return Err(DeskRefusal::Pending(missing(&tally)));
    }
    let budget = Budget { effects: elevation.effects, per_seconds: elevation.seconds };
    let grants = elevation.functions.iter().map(|(interface, functions)| Grant {
        interface: interface.clone(),
        functions: Some(functions.clone()),
        resources: elevation.resources.clone(),
        budget: Some(budget),
        elevation: Some(crate::grant::Elevated { request: standing.body.id.clone(), until }),
    });
    Ok(grants.collect())
}
