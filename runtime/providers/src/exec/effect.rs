//! Effects: foreseen by a dry run, performed against it. Always in this order: lock the root of the resource,
//! ask for its revision, compare, make the dry run again, compare, act, ask for the new revision. What
//! fails before the program of the effect is started is no effect, and is told as that.

use super::{
    lock::{LOCK_WAIT, lock},
    provider::{Inner, Ran, Work, ending},
    run::Trouble,
};
use crate::{FROZEN, Forecasted, NOT_STARTED, Performed, ProviderFault, unbegun::not_begun};
use interlock_authority::{
    Forecast, Revision,
    canonical::digest_bytes,
    catalogue::{ResolvedCall, Step},
    forecast::MAX_NOTE,
};
use serde_json::Value;
use std::{collections::BTreeMap, sync::atomic::AtomicBool};

/// The longest that a program may print as a revision, in bytes.
const MAX_REVISION: usize = 4096;

/// What looking before an effect found.
enum Seen<T> {
    Exact(T),
    /// There would be no effect: the guest gets this answer.
    Answer(Value),
    /// It cannot be known, for this reason.
    Unknown(String),
}

/// A dry run.
#[derive(PartialEq)]
struct Dry {
    result: Value,
    /// What it printed, for people.
    note: Option<String>,
}

/// A revision of a resource from what a program printed, or nothing where that is none.
fn revision(call: &ResolvedCall, stdout: &[u8]) -> Option<Revision> {
    let text = stdout.trim_ascii();
    if text.is_empty() || text.len() > MAX_REVISION {
        return None;
    }
    // A resource has no line break, so the two cannot run into each other.
    let seen = [call.resource().to_string().as_bytes(), b"\n", text].concat();
    let hex = digest_bytes("interlock-exec-revision/v1", &seen).to_string();
    Some(Revision::new(hex.get(..24).unwrap_or(&hex)))
}

fn note(stdout: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(stdout);
    let text: String = text.trim().chars().take(MAX_NOTE).collect();
    (!text.is_empty()).then_some(text)
}

impl Work<'_> {
    fn seen_revision(&self, over: &AtomicBool) -> Result<Seen<Revision>, ProviderFault> {
        let program = self.program(Step::Revision);
        let ran = self.run(Step::Revision, over)?.map_err(|t| self.fault(Step::Revision, t))?;
        if let Some(answer) = self.nothing(Step::Revision, &ran) {
            return Ok(Seen::Answer(answer));
        }
        Ok(match ran.end {
            Ok(0) => match revision(self.call, &ran.stdout) {
                Some(revision) => Seen::Exact(revision),
                None => Seen::Unknown(format!(
                    "`{program}` printed no revision, or one of more than {MAX_REVISION} bytes"
                )),
            },
            _ => match self.failure(&ran) {
                Some(answer) => Seen::Answer(answer),
                None => Seen::Unknown(format!("`{program}` said no revision: {}", ending(&ran))),
            },
        })
    }

    fn dry_run(&self, over: &AtomicBool) -> Result<Seen<Dry>, ProviderFault> {
        let program = self.program(Step::Forecast);
        let ran = self.run(Step::Forecast, over)?.map_err(|t| self.fault(Step::Forecast, t))?;
        if let Some(answer) = self.nothing(Step::Forecast, &ran) {
            return Ok(Seen::Answer(answer));
        }
        Ok(match ran.end {
            Ok(0) => match self.result(Step::Forecast, &ran) {
                Ok(result) => Seen::Exact(Dry { result, note: note(&ran.stdout) }),
                Err(why) => Seen::Unknown(format!("the dry run `{program}`: {why}")),
            },
            _ => match self.failure(&ran) {
                Some(answer) => Seen::Answer(answer),
                None => Seen::Unknown(format!("the dry run `{program}`: {}", ending(&ran))),
            },
        })
    }

    /// The answer of a program that ended well and had nothing to tell.
    fn nothing(&self, step: Step, ran: &Ran) -> Option<Value> {
        (ran.end == Ok(0)).then(|| self.command.nothing(step, &ran.stdout)).flatten()
    }

    fn act(&self, never: &AtomicBool) -> Result<Performed, ProviderFault> {
        let command = self.command;
        let ran = match self.run(Step::Call, never) {
            Ok(Ok(ran)) => ran,
            Ok(Err(trouble @ Trouble::NotStarted(_))) => {
                let words = not_begun(self.call.resource(), &self.fault(Step::Call, trouble));
                let result = command.failed(words).unwrap_or_default();
                return Ok(Performed::Refused { code: NOT_STARTED, result });
            }
            // INVARIANT AT-MOST-ONCE: it was begun, and nobody knows how far it came.
            Ok(Err(trouble)) => return Err(self.fault(Step::Call, trouble)),
            // There is no program, or it cannot be given these values: nothing was begun.
            Err(fault) => {
                let words = not_begun(self.call.resource(), &fault);
                let result = command.failed(words).unwrap_or_default();
                return Ok(Performed::Refused { code: NOT_STARTED, result });
            }
        };
        let revisions = match self.seen_revision(never) {
            Ok(Seen::Exact(revision)) => BTreeMap::from([(self.call.resource().clone(), revision)]),
            // What was destroyed may have none.
            _ => BTreeMap::new(),
        };
        if let Some(result) = self.nothing(Step::Call, &ran) {
            return Ok(Performed::Failed { result, revisions });
        }
        match ran.end {
            // INVARIANT AT-MOST-ONCE: the program itself does not know, a lost connection for example.
            Ok(code) if command.unknown(code) => Err(self.fault(Step::Call, ending(&ran))),
            Ok(0) => Ok(match self.result(Step::Call, &ran) {
                Ok(result) => Performed::Done { result, revisions },
                Err(why) => {
                    let words = format!("it ended well, but {why}");
                    Performed::Failed {
                        result: command.failed(&words).unwrap_or_default(),
                        revisions,
                    }
                }
            }),
            Ok(_) => match self.failure(&ran) {
                Some(result) => Ok(Performed::Failed { result, revisions }),
                None => Err(self.fault(Step::Call, ending(&ran))),
            },
            // Somebody killed it: nobody knows how far it came.
            Err(_) => Err(self.fault(Step::Call, ending(&ran))),
        }
    }
}

impl Inner {
    /// What an effect would do. The revision is asked for first: what moves between the two is then seen
    /// as a revision that moved.
    pub(super) fn forecast(
        &self,
        call: &ResolvedCall,
        over: &AtomicBool,
    ) -> Result<Forecasted, ProviderFault> {
        let work = self.work(self.command(call)?, call)?;
        let revision = match work.seen_revision(over)? {
            Seen::Exact(revision) => revision,
            Seen::Answer(answer) => return Ok(Forecasted::NoEffect(answer)),
            Seen::Unknown(why) => return Ok(Forecasted::Inexact(why)),
        };
        let dry = match work.dry_run(over)? {
            Seen::Exact(dry) => dry,
            Seen::Answer(answer) => return Ok(Forecasted::NoEffect(answer)),
            Seen::Unknown(why) => return Ok(Forecasted::Inexact(why)),
        };
        let forecast = Forecast {
            verb: call.function().to_owned(),
            counts: BTreeMap::new(),
            touches: vec![call.resource().clone()],
            revision,
            result: dry.result,
            note: dry.note,
        };
        Ok(Forecasted::Exact(forecast.bounded()))
    }

    /// Performs an effect that was forecast so, if its resource still has the expected revision.
    pub(super) fn perform(
        &self,
        call: &ResolvedCall,
        forecast: &Forecast,
        expected: &Revision,
        still_allowed: &dyn Fn() -> Result<(), String>,
    ) -> Result<Performed, ProviderFault> {
        let command = self.command(call)?;
        let never = AtomicBool::new(false);
        let refused = |code, result: Option<Value>| {
            // The catalogue was refused if its effects have no word for failure.
            Ok(Performed::Refused { code, result: result.unwrap_or_default() })
        };
        let stale = |why: &str| refused("stale", command.conflict(why));
        // Until the effect's own program is started nothing has happened, whatever went wrong.
        let not_started = |fault: ProviderFault| {
            refused(NOT_STARTED, command.failed(not_begun(call.resource(), &fault)))
        };
        let _lock = match lock(&self.locks, call.resource(), LOCK_WAIT) {
            Ok(Some(lock)) => lock,
            Ok(None) => {
                let why = format!("another effect near `{}` is still under way", call.resource());
                return refused("busy", command.conflict(&why));
            }
            Err(fault) => return not_started(fault),
        };
        let work = match self.work(command, call) {
            Ok(work) => work,
            Err(fault) => return not_started(fault),
        };
        match work.seen_revision(&never) {
            Ok(Seen::Exact(revision)) if revision == *expected => {}
            Ok(Seen::Exact(_)) => {
                let why = format!("`{}` has changed since it was looked at", call.resource());
                return stale(&why);
            }
            Ok(Seen::Answer(answer)) => return refused("stale", Some(answer)),
            Ok(Seen::Unknown(why)) => {
                return stale(not_begun(call.resource(), &work.fault(Step::Revision, why)));
            }
            Err(fault) => return not_started(fault),
        }
        match work.dry_run(&never) {
            Ok(Seen::Exact(Dry { result, note }))
                if result == forecast.result && note == forecast.note => {}
            Ok(Seen::Exact(_)) => {
                return stale("its dry run says something else than when it was foreseen");
            }
            Ok(Seen::Answer(answer)) => return refused("stale", Some(answer)),
            Ok(Seen::Unknown(why)) => {
                return stale(not_begun(call.resource(), &work.fault(Step::Forecast, why)));
            }
            Err(fault) => return not_started(fault),
        }
        // Lock and dry run took their time: what an operator stopped meanwhile does not begin.
        if let Err(why) = still_allowed() {
            return refused(FROZEN, command.denied(&format!("{FROZEN}: {why}")));
        }
        work.act(&never)
    }
}
