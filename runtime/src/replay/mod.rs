//! A recorded run, done again offline: the same arguments, clocks and random numbers, and each capability
//! call answered as it was then. It says whether the plugin did the same, and at which step not.
//!
//! The mistake it stops: believing that a new build of a plugin acts as the old one did, because its tests
//! pass. Nothing of the world is asked or changed, whatever the plugin does: see [`Again`].

mod gate;

use crate::{
    BoxFuture, Host, HostError,
    host::read_pinned,
    record::{Asked, End, NotKept, Recording, refused as journal_refused, space},
};
use gate::Recorded;
use interlock_authority::{Authorized, Digest, Grant, Mode, Principal, Resource, authorize::Again};
use interlock_sandbox::{
    AdmissionError, Admitted, Interrupt, PluginBytes, RunOutcome, RunReport, RunSettings,
};
use serde::Serialize;
use serde_json::Value;
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

/// What came of doing a run again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Replayed {
    /// What the run was for.
    pub mode: Mode,
    /// Who asked then.
    pub principal: Principal,
    /// The plugin's name.
    pub plugin: String,
    /// The tool.
    pub tool: String,
    /// The identity of the plugin that ran then.
    pub recorded_digest: Digest,
    /// The identity of the one that ran now.
    pub replayed_digest: Digest,
    /// How many capability calls were recorded.
    pub calls: usize,
    /// How many of them were made again.
    pub answered: usize,
    /// How it ended now.
    pub ended: Value,
    /// Whether it did the same.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// Whether a plugin did the same.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// Every call, the end, the log, and where both have the same bytes and host the fuel.
    Same,
    /// Every recorded call. The run was ended from outside then (time, or whoever asked), so its end says
    /// nothing.
    SameSoFar,
    /// Not the same, from here on.
    Differs(Difference),
}

/// Where two runs part.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "where", rename_all = "kebab-case")]
pub enum Difference {
    /// At a capability call.
    Call {
        /// Which, from 1.
        at: usize,
        /// What was recorded; absent where the run had no more.
        recorded: Option<Box<Asked>>,
        /// What it is now; absent where the run ended without it.
        replayed: Option<Box<Asked>>,
    },
    /// At the end: every call was the same.
    End {
        /// What was recorded.
        recorded: Box<End>,
        /// What it is now.
        replayed: Box<End>,
    },
}

/// The recordings of one invocation: one for each of its runs, oldest first.
///
/// # Errors
/// No such invocation, or one that cannot be done again, with the reason.
pub async fn recordings(host: &Host, invocation: &str) -> Result<Vec<Recording>, HostError> {
    let refused = |code: &'static str, message: String| HostError::Refused { code, message };
    let journal = host.journal();
    // The end of a run is written a moment after it was told.
    journal.store().flush().await.map_err(journal_refused)?;
    let leaves = journal.find(space::INVOCATION, invocation)?;
    if leaves.is_empty() {
        let message = format!("the journal has no invocation `{}`", invocation.escape_default());
        return Err(refused("no-invocation", message));
    }
    let not = |why: &str| {
        let message = format!("invocation {invocation} cannot be replayed: {why}");
        refused("not-recorded", message)
    };
    let mut runs = Vec::new();
    for leaf in leaves {
        // The kind is outside of what can be erased.
        let Some(told) = journal.proven(leaf)?.filter(|told| told.kind == "recording") else {
            continue;
        };
        let Some(mut event) = told.event else {
            return Err(not("its recording was erased"));
        };
        if let Some(why) = event.get("not_kept") {
            let why = serde_json::from_value::<NotKept>(why.clone());
            return Err(not(why.map_or("it was not recorded", NotKept::sentence)));
        }
        let run = event.get_mut("run").map(Value::take).unwrap_or_default();
        runs.push(serde_json::from_value(run).map_err(|e| HostError::Integrity {
            code: "leaf-unreadable",
            message: format!("leaf {leaf} is not a recording of this host: {e}"),
        })?);
    }
    if runs.is_empty() {
        return Err(not("nothing of it ran, or `[limits] recording` was \"0\""));
    }
    Ok(runs)
}

/// A plugin that is to do recorded runs again.
pub struct Player<'h> {
    host: &'h Host,
    admitted: Admitted,
}

impl<'h> Player<'h> {
    /// Admits a plugin for this run: the one that is installed under its name, or these bytes.
    ///
    /// # Errors
    /// A plugin that is not installed, not admitted, or that imports what the recorded run did not have.
    pub async fn admit(
        host: &'h Host,
        run: &Recording,
        bytes: Option<&PluginBytes>,
    ) -> Result<Self, HostError> {
        let installed;
        let bytes = match (bytes, host.config().plugins.get(&run.plugin)) {
            (Some(bytes), _) => bytes,
            (None, Some(plugin)) => {
                installed = read_pinned(plugin)?;
                &installed
            }
            (None, None) => {
                return Err(HostError::NoPlugin {
                    name: run.plugin.clone(),
                    known: host.config().plugins.keys().cloned().collect(),
                });
            }
        };
        // What it had then, and on no resource: a grant only says here what may be linked.
        let grants: Vec<Grant> = run
            .links
            .keys()
            .map(|name| Grant::standing(name.clone(), None, Vec::<Resource>::new()))
            .collect();
        let admitted = host.admit(bytes, &run.plugin, &grants).await;
        let admitted = admitted.map_err(|error| match error {
            HostError::Admission { plugin, source } => match *source {
                AdmissionError::NotGranted { missing, .. } => {
                    other_imports(missing.iter().map(|m| m.interface.to_string()))
                }
                source => HostError::Admission { plugin, source: Box::new(source) },
            },
            other => other,
        })?;
        if admitted.tool(&run.tool).is_none() {
            let known = admitted.tools.iter().map(|tool| tool.name.clone()).collect();
            let (plugin, tool) = (run.plugin.clone(), run.tool.clone());
            return Err(HostError::NoTool { plugin, tool, known });
        }
        // A function that was not imported then has no state to be linked in.
        let imported = admitted.imports.iter().flat_map(|(i, f)| f.iter().map(move |f| (i, f)));
        let unknown = imported.filter(|(interface, function)| {
            let links = run.links.get(*interface);
            !links.is_some_and(|functions| functions.contains_key(*function))
        });
        let unknown: Vec<String> = unknown.map(|(i, f)| format!("{i}#{f}")).collect();
        match unknown.is_empty() {
            true => Ok(Self { host, admitted }),
            false => Err(other_imports(unknown.into_iter())),
        }
    }

    /// Does one recorded run again.
    ///
    /// # Errors
    /// A recording that cannot be done again as it is, such as one of a tool that the plugin lacks.
    #[inline(never)]
    pub fn play<'a>(&'a self, run: &'a Recording) -> BoxFuture<'a, Result<Replayed, HostError>> {
        Box::pin(self.play_again(run))
    }

    async fn play_again(&self, run: &Recording) -> Result<Replayed, HostError> {
        let authorized = Authorized::from(Again {
            principal: run.principal.clone(),
            plugin: run.plugin.clone(),
            digest: self.admitted.digest,
            tool: run.tool.clone(),
            links: run.links.clone(),
        });
        let seed: Digest = run.seed.parse()?;
        let settings = RunSettings {
            limits: run.limits.clone(),
            preopens: Vec::new(),
            clock_base: SystemTime::UNIX_EPOCH + Duration::from_millis(run.clock_base),
            seed: *seed.as_bytes(),
            deadline: None,
            interrupt: Interrupt::default(),
        };
        let gate = Arc::new(Recorded::new(run.calls.clone()));
        let sandbox = self.host.sandbox();
        let report =
            sandbox.run(&self.admitted, &authorized, &run.arguments, settings, gate.clone()).await;
        if let RunOutcome::HostFault { message } = &report.outcome
            && run.end.outcome.get("host-fault").is_none()
        {
            return Err(HostError::Refused { code: "not-replayed", message: message.clone() });
        }
        Ok(Replayed {
            mode: run.mode,
            principal: run.principal.clone(),
            plugin: run.plugin.clone(),
            tool: run.tool.clone(),
            recorded_digest: run.digest,
            replayed_digest: self.admitted.digest,
            calls: run.calls.len(),
            answered: gate.answered(),
            ended: End::from(&report).outcome,
            verdict: self.compare(run, &report, &gate),
        })
    }

    fn compare(&self, run: &Recording, report: &RunReport, gate: &Recorded) -> Verdict {
        let cut_short = ended_from_outside(&run.end.outcome);
        match gate.difference() {
            // It went on where it had been stopped.
            Some(Difference::Call { recorded: None, .. }) if cut_short => Verdict::SameSoFar,
            Some(difference) => Verdict::Differs(difference),
            None if cut_short => Verdict::SameSoFar,
            None => {
                let mut end = End::from(report);
                let comparable =
                    run.digest == self.admitted.digest && run.host == env!("CARGO_PKG_VERSION");
                if !comparable {
                    end.fuel = run.end.fuel;
                }
                if end == run.end {
                    Verdict::Same
                } else {
                    let recorded = Box::new(run.end.clone());
                    Verdict::Differs(Difference::End { recorded, replayed: Box::new(end) })
                }
            }
        }
    }
}

fn other_imports(which: impl Iterator<Item = String>) -> HostError {
    let which: Vec<String> = which.map(|import| format!("`{import}`")).collect();
    let message = format!(
        "this is another plugin than the recorded one: it imports {}, which the recorded run did not have; nothing was run",
        which.join(", ")
    );
    HostError::Refused { code: "other-imports", message }
}

/// Whether a run was ended by something that no replay has: the clock on the wall, or whoever asked.
fn ended_from_outside(outcome: &Value) -> bool {
    outcome == "cancelled" || outcome.pointer("/limit/limit") == Some(&Value::from("time"))
}
