//! What must hold after every point, looked at from outside, before and after a second run.
// INVARIANT INTENT-BEFORE-EFFECT and INVARIANT AT-MOST-ONCE, from outside.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use interlock_tests::{Ran, run};

use super::look::{Told, World, look_at_journal, look_at_world};
use super::point::{Dice, Kind, Point};
use super::scene::{Place, Scenario};
use super::{power, trace};
use crate::desk::code_of;

/// What came of a point.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Came {
    /// The process died, or the call failed, where the point says: else the run was over before.
    pub(super) reached: bool,
    /// The power loss took something with it.
    pub(super) lost: bool,
    /// Effects on disk in the end.
    pub(super) effects: u64,
    /// Tickets spent, or budget charged, in the end.
    pub(super) intents: u64,
    /// Effects whose end nobody knows.
    pub(super) unknown: u64,
}

/// Does one point.
pub(super) fn check(place: &Place, point: &Point, seed: u64, log: &Path) -> Result<Came> {
    place.restore()?;
    let (mut came, answer) = die(place, point, seed, log)?;
    let (world, told) = (look_at_world(place.path())?, look_at_journal(place)?);
    bounded(place, &world, &told)?;
    if let Some(answer) = &answer {
        truthful(place, answer, &world)?;
    }
    if seed.is_multiple_of(16) {
        doctor(place, &told)?;
    }
    // Told in words and told in JSON, one after the other: the words have the notice, JSON the code.
    let words = seed.is_multiple_of(2);
    let mut again = place.again();
    if words {
        again.retain(|word| word != "--json");
    }
    let again = run(place.path(), &again, "")?;
    let (world_after, told_after) = (look_at_world(place.path())?, look_at_journal(place)?);
    bounded(place, &world_after, &told_after)?;
    for (key, what) in &told.intents {
        ensure!(told_after.intents.get(key) == Some(what), "the intent {key:?} of {what} was lost");
    }
    if words {
        notice(&again, &told)?;
    }
    second_run(place, &again, words, (&world, &told), (&world_after, &told_after))
        .with_context(|| format!("the second run\n{again}"))?;
    came.effects = world_after.begun - place.begun_before();
    came.intents = told_after.intents.len() as u64;
    came.unknown = told_after.open().len() as u64;
    Ok(came)
}

/// The run in which it happens; its answer, where it lived to give one.
fn die(place: &Place, point: &Point, seed: u64, log: &Path) -> Result<(Came, Option<Ran>)> {
    let mut came = Came::default();
    if point.kind == Kind::Moment {
        let moment = Duration::from_micros(point.n.into());
        came.reached = trace::run_for(place.path(), &place.words(), moment)?.is_none();
        return Ok((came, None));
    }
    let (ran, calls) = trace::run(place.path(), &place.words(), point.scope, Some(point), log)?;
    ensure!(!ran.stderr.contains("panicked at"), "it panicked\n{ran}");
    if point.kind.kills() {
        came.reached = ran.code == 128 + 9;
        if point.kind == Kind::PowerLoss && came.reached {
            came.lost = power::lose(place, &calls, &mut Dice(seed | 1))?
                .context("the journal was written in a way that is not understood here")?;
        }
        return Ok((came, (!came.reached).then_some(ran)));
    }
    came.reached = calls.iter().any(|call| call.name == point.call && call.result == Some(-1));
    Ok((came, Some(ran)))
}

/// Effects on disk ≤ tickets spent ≤ tickets approved, and each effect was announced.
fn bounded(place: &Place, world: &World, told: &Told) -> Result<()> {
    for (what, seen) in &world.seen {
        let announced = told.announced(what);
        ensure!(*seen <= announced, "`{what}` happened {seen} times and has {announced} intents");
    }
    let (begun, intents) = (world.begun - place.begun_before(), told.intents.len());
    ensure!(begun <= intents as u64, "{begun} effects began, with {intents} intents");
    let allowed = place.scenario.allowed();
    ensure!(intents <= allowed, "{intents} intents, where {allowed} were allowed");
    let mut tickets = told.tickets.clone();
    tickets.sort();
    tickets.dedup();
    ensure!(tickets.len() == told.tickets.len(), "a ticket was spent twice: {:?}", told.tickets);
    if let Some((request, _)) = &place.asked {
        let ours = told.tickets.iter().filter(|(of, step)| of == request && (1..=3).contains(step));
        ensure!(ours.count() == intents, "an intent without a ticket: {:?}", told.intents);
        ensure!(told.claims <= 1 && (intents == 0 || told.claims == 1), "{} claims", told.claims);
        let mut people = told.people.clone();
        people.sort();
        people.dedup();
        ensure!(people.len() == told.people.len(), "somebody counts twice: {:?}", told.people);
        ensure!(intents == 0 || people.len() == 2, "{intents} intents of {people:?}");
    }
    for (key, status) in &told.outcomes {
        let what = told.intents.get(key).context("an outcome without an intent")?;
        let seen = world.seen.get(what).copied().unwrap_or(0);
        ensure!(status != "done" || seen > 0, "`{what}` is told as done and is not there");
    }
    Ok(())
}

/// What a process said that lived on: it names every effect that began.
fn truthful(place: &Place, answer: &Ran, world: &World) -> Result<()> {
    let begun = world.begun - place.begun_before();
    if place.scenario == Scenario::Signs {
        return Ok(());
    }
    ensure!(answer.code != 0 || begun == 3, "it ended well after {begun} of 3\n{answer}");
    if let Ok(told) = answer.json()
        && let Some(happened) = told.get("happened").and_then(serde_json::Value::as_array)
    {
        ensure!(happened.len() as u64 >= begun, "{begun} effects began\n{answer}");
    }
    Ok(())
}

/// Each effect of unknown end is named to whoever asks.
fn doctor(place: &Place, told: &Told) -> Result<()> {
    let ran = run(place.path(), &["doctor", "--json"], "")?;
    for key in told.open() {
        let (invocation, step) = key.rsplit_once('/').context("a key")?;
        let named = ran.stdout.contains(invocation) && ran.stdout.contains(&format!("step {step}"));
        ensure!(named, "`doctor` does not name {key}\n{ran}");
    }
    Ok(())
}

/// A host that starts tells of effects whose end nobody knows, each time, until a person has looked.
fn notice(again: &Ran, told: &Told) -> Result<()> {
    let unknown = told.open().len();
    let notice = again.stderr.lines().find(|line| line.contains("does not know the end"));
    let counted = notice.and_then(|line| line.split(' ').next()?.parse().ok()).unwrap_or(0);
    ensure!(counted == unknown, "it tells of {counted} unknown ends; there are {unknown}\n{again}");
    Ok(())
}

fn second_run(
    place: &Place,
    again: &Ran,
    words: bool,
    (world, told): (&World, &Told),
    (world_after, told_after): (&World, &Told),
) -> Result<()> {
    ensure!(!again.stderr.contains("panicked at"), "it panicked");
    let unchanged = || {
        ensure!(world == world_after, "something happened: {world:?} {world_after:?}");
        ensure!(told.intents == told_after.intents, "an intent was added");
        Ok(())
    };
    let complete = || {
        ensure!(again.code == 0, "it was not done");
        ensure!(world_after.begun - place.begun_before() == 3, "not all was done: {world_after:?}");
        Ok(())
    };
    match place.scenario {
        // Nobody approves anything: what is left of the budget is used, and no more.
        Scenario::Budget => {
            let left = place.scenario.allowed() - told.intents.len();
            let added = told_after.intents.len() - told.intents.len();
            ensure!(added == left.min(3), "{added} effects, where {left} were left");
            Ok(())
        }
        Scenario::Signs if told.people.len() < 2 => {
            ensure!(again.code == 4, "one signature was enough");
            unchanged()
        }
        _ if told.claims == 0 => complete(),
        _ => {
            let consumed = if words {
                again.stderr.contains("an approval is used once")
            } else {
                code_of(again)? == "request-consumed"
            };
            if again.code != 3 || !consumed {
                bail!("a claimed approval was not refused as consumed");
            }
            unchanged()
        }
    }
}
