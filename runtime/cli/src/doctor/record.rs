//! What the journal says that a person must know: rules that are not in force, and
//! effects that it knows to have been started, and not how they ended: the host, the machine or
//! the provider was lost in between. Nothing retries them (AT-MOST-ONCE), so a person must be told, for
//! as long as the journal says so.

use super::{Findings, Verdict, shell};
use interlock::{Config, Rules, host::load_catalogue_with_sources, record::Journal, seal::Seal};
use std::sync::Arc;

/// The most effects that are told of one by one.
const MOST: usize = 20;

/// Tells of places for checkpoints that are not there: nothing is destroyed until they are.
pub(super) fn places(config: &Config, findings: &mut Findings) {
    for place in &config.publish {
        if place.is_dir() {
            // The kernel's word: a mount may be read-only whatever the mode says.
            if rustix::fs::access(place, rustix::fs::Access::WRITE_OK).is_err() {
                findings.add(
                    Verdict::Bad,
                    format!(
                        "checkpoints are to be left in {}, which cannot be written, so nothing is destroyed",
                        place.display()
                    ),
                    "give the host's user the folder, or mount it writable",
                );
            }
            continue;
        }
        findings.add(
            Verdict::Bad,
            format!(
                "checkpoints are to be left in {}, which is no folder, so elevated work is refused",
                place.display()
            ),
            format!("make it, or mount what belongs there: install -d {}", shell::path(place)),
        );
    }
}

/// Warns of each effect in the journal whose end is unknown, and of a journal that cannot be believed.
pub(super) fn unknown_ends(config: &Config, findings: &mut Findings) {
    // Looking must not make one.
    if !config.store.exists() {
        return;
    }
    let told = Journal::open(config).and_then(|journal| {
        let open = journal.open_intents()?;
        // A place that is not there was told of already, and is no reason to restore anything.
        let there: Vec<_> = journal.places().iter().filter(|p| p.is_dir()).cloned().collect();
        let behind = journal.store().behind(&there).map_err(interlock::record::refused)?;
        Ok((journal, open, behind))
    });
    let (journal, open, behind) = match told {
        Ok(told) => told,
        Err(error) => {
            findings.add(
                Verdict::Bad,
                error.to_string(),
                format!("nothing happens without it; restore {}", shell::path(&config.store)),
            );
            return;
        }
    };
    findings.good("the journal is as its signed head says");
    if let Some(behind) = behind {
        findings.add(
            Verdict::Bad,
            format!(
                "the journal is not what was published in {}: {}",
                behind.place.display(),
                behind.problem
            ),
            "interlock journal acknowledge, if you restored it on purpose",
        );
    }
    for (key, leaf) in open.iter().take(MOST) {
        let told = journal.told(*leaf).ok().flatten();
        let text = |name| told.as_ref().and_then(|t| t.text(name)).unwrap_or("(erased)").to_owned();
        let (invocation, step) = key.rsplit_once('/').unwrap_or((key, "0"));
        findings.add(
            Verdict::Warning,
            format!("an effect was started and its end is unknown: {} on {}, step {step} of invocation {invocation}", text("function"), text("resource")),
            format!("if no host is still at work on it, look at that resource yourself; nothing retries the effect; then `interlock journal resolve {key} --done` or `--not-done`"),
        );
    }
    if let Some(more) = open.len().checked_sub(MOST).filter(|more| *more > 0) {
        findings.add(
            Verdict::Warning,
            format!("{more} more effects were started and their ends are unknown"),
            "resolve the ones above first",
        );
    }
}

/// Whether the rules mean something, and are the ones in force.
pub(super) fn rules(config: &Config, findings: &mut Findings) {
    let loaded = load_catalogue_with_sources(config, Vec::new())
        .and_then(|(catalogue, sources)| Rules::load(config, &sources, &Arc::new(catalogue), None));
    let rules = match loaded {
        Ok(rules) => rules,
        Err(error) => {
            let fix =
                "mend the policies or the approvers; `interlock policy check` names each place";
            findings.add(Verdict::Bad, error.to_string(), fix);
            return;
        }
    };
    findings.good("policies and approvers mean something");
    if !config.store.exists() {
        return;
    }
    let Ok(journal) = Journal::open(config) else { return };
    if let Some(broken) = Seal::of(journal, rules.epoch).keeping_in(&config.state).broken() {
        let fix = "interlock config accept, or put the files back";
        findings.add(Verdict::Bad, broken.sentence(), fix);
    }
}
