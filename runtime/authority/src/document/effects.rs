//! The effects of a plan, as people read them: the sum first, with the most dangerous effect, then each one
//! with everything it touches.

use super::escape::{boxed, escape, value, wrap};
use crate::{
    forecast::MAX_NOTE,
    plan::{Plan, PlanEffect, PlanEnd},
    vocabulary::{Class, Resource, Scope},
};
use std::collections::BTreeSet;

/// Writes the plan, and gives the words of the last line.
pub(super) fn plan(plan: &Plan, lines: &mut Vec<String>) -> String {
    let effects = &plan.effects;
    let of = |class| effects.iter().filter(|effect| effect.class == class).count();
    let (destroys, changes) = (of(Class::Destroy), of(Class::Change));
    let all = many(effects.len(), "effect");
    lines.push(format!(
        "IN SHORT  {all}: {}, {}.",
        many(destroys, "destroy"),
        many(changes, "change")
    ));
    let worst = effects.iter().max_by_key(|e| (e.class, std::cmp::Reverse(e.step)));
    if let Some(worst) = worst {
        lines.push(format!("          Most dangerous: {} {}.", worst.class, worst.resource));
    }
    let touched: BTreeSet<&Resource> = effects
        .iter()
        .flat_map(|effect| effect.forecast.touches.iter().chain([&effect.resource]))
        .collect();
    lines.push(format!("          Blast radius: {}.", many(touched.len(), "resource")));
    lines.push(String::new());
    lines.push("EXACTLY THIS MAY HAPPEN, IN THIS ORDER, ONCE:".to_owned());
    for effect in effects {
        one(effect, lines);
    }
    lines.push(String::new());
    lines.push("NOTHING ELSE CAN. Any prefix of this list may be the final state.".to_owned());
    match &plan.end {
        PlanEnd::Complete => {
            lines.push("The plan is complete: the tool ended by itself.".to_owned());
        }
        PlanEnd::Horizon { reason } => {
            lines.push("The plan ends here; what comes after needs a plan of its own:".to_owned());
            lines.extend(boxed(reason, MAX_NOTE));
        }
    }
    let noted = effects.iter().filter_map(|e| e.forecast.note.as_ref().map(|n| (e.step, n)));
    for (step, note) in noted {
        lines.push(String::new());
        lines.push(format!("THE PROVIDER SAYS OF {step} (not checked):"));
        lines.extend(boxed(note, MAX_NOTE));
    }
    all
}

fn one(effect: &PlanEffect, lines: &mut Vec<String>) {
    let below = if effect.scope == Scope::Subtree { "  and all below it" } else { "" };
    let class = effect.class.as_str().to_uppercase();
    lines.push(String::new());
    lines.push(format!("{:>3}  {class}  {}{below}", effect.step, effect.resource));
    lines.push(format!("     {}  {}", effect.interface, escape(&effect.function)));
    // In the order of the canonical bytes, whatever order the map was filled in.
    let mut arguments: Vec<_> = effect.arguments.iter().collect();
    arguments.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    for (name, argument) in arguments {
        let shown = value(argument);
        let mut parts = shown.lines();
        lines.push(format!("       {} = {}", escape(name), parts.next().unwrap_or_default()));
        lines.extend(parts.map(|part| format!("         {part}")));
    }
    let mut lead = "Touches";
    for touched in &effect.forecast.touches {
        lines.push(format!("     {lead:<7}  {touched}"));
        lead = "";
    }
    let counts: Vec<String> =
        effect.forecast.counts.iter().map(|(what, n)| format!("{} {n}", escape(what))).collect();
    let end = format!(
        "{}{}{}. Refused if the world has moved since revision {}.",
        escape(&effect.forecast.verb),
        if counts.is_empty() { "" } else { ": " },
        counts.join(", "),
        escape(effect.forecast.revision.as_str())
    );
    lines.extend(wrap(&end, 73).into_iter().map(|line| format!("     {line}")));
}

/// `1 effect`, `2 effects`, `1 destroy`.
fn many(count: usize, one: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        n => format!("{n} {one}s"),
    }
}
