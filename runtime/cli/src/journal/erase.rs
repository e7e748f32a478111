//! `interlock journal erase`: what old entries say goes, and the log still verifies. How old is old enough has a
//! floor, so that a slip of the hand does not erase what a budget or a limit is looking back at.

use crate::{
    approval::by,
    output::{GREEN, Output, YELLOW, plain, styled},
    problem::Problem,
    token::time,
};
use interlock::{
    Config,
    record::{Erasable, Journal, erasable, erase},
};
use interlock_authority::document::timestamp;
use serde_json::json;
use std::{collections::BTreeMap, time::SystemTime};

/// The least age, seconds.
const LEAST: u64 = 24 * 3600;

pub(super) async fn run(
    journal: &Journal,
    config: &Config,
    older_than: &str,
    dry_run: bool,
    output: &Output,
) -> Result<(), Problem> {
    let age = age(older_than, config)?;
    // The system's own time: an entry from a clock that ran ahead makes no other entry old.
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let before = now.as_secs().saturating_sub(age);
    let progress = output.progress("reading the journal");
    let what = erasable(journal, before.saturating_mul(1000))?;
    drop(progress);
    let erased = if dry_run {
        what.leaves.len() as u64
    } else {
        let _progress = output.progress("erasing");
        erase(journal, &what, &by()).await?
    };
    let status = if dry_run { "would-erase" } else { "erased" };
    let stays: BTreeMap<&str, u64> =
        what.stays.iter().map(|(why, count)| (why.as_str(), *count)).collect();
    let told = json!({"status": status, "before": timestamp(before), "entries": erased,
        "kinds": what.kinds, "stay": stays});
    output.result(&told, || text(&what, erased, before, dry_run));
    Ok(())
}

/// How old an entry must be, seconds: what was typed, where that is long enough.
fn age(typed: &str, config: &Config) -> Result<u64, Problem> {
    let age = time(typed).ok_or_else(|| {
        Problem::usage(format!("`{}` is not a time; write one such as `90d`", plain(typed)))
    })?;
    let (least, why) = least(config);
    if age >= least {
        return Ok(age);
    }
    let days = least.div_ceil(24 * 3600);
    let message =
        format!("`{}` is too young to be erased: {why}; the least is `{days}d`", plain(typed));
    Err(Problem::new(2, "too-young", message))
}

/// The least age, and why: whoever wonders what used a budget up can still read it.
fn least(config: &Config) -> (u64, &'static str) {
    let budgets = config.plugins.values().flat_map(|p| &p.grants).filter_map(|grant| grant.budget);
    let asking = &config.asking;
    [
        (LEAST, "a day is what an operator may need to look back"),
        (
            budgets.map(|b| b.per_seconds).max().unwrap_or(0),
            "a budget of a grant looks back further",
        ),
        (asking.per_seconds, "the limit on requests looks back further"),
        (asking.cooling_seconds, "the cooling period after a denial looks back further"),
    ]
    .into_iter()
    .max_by_key(|(seconds, _)| *seconds)
    .unwrap_or((LEAST, ""))
}

fn text(what: &Erasable, erased: u64, before: u64, dry_run: bool) -> String {
    let before = timestamp(before);
    let mut out = match (erased, dry_run) {
        (0, _) => format!("nothing from before {before} can be erased\n"),
        (_, true) => {
            format!("{}: {erased} entries from before {before}\n", styled(YELLOW, "would erase"))
        }
        (_, false) => format!(
            "{}: {erased} entries from before {before}; their leaves stay, and the journal tells of it\n",
            styled(GREEN, "erased")
        ),
    };
    for (kind, count) in &what.kinds {
        out.push_str(&format!("{count:>8}  {kind}\n"));
    }
    for (why, count) in &what.stays {
        out.push_str(&format!("{count:>8}  stay: {}\n", why.sentence()));
    }
    out
}
