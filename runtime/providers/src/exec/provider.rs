//! The three roles over the programs of a catalogue. A program blocks, so each call runs on the blocking
//! pool. Whoever stops waiting for a look ends its program; an effect that was begun goes on to its end,
//! because one that was killed half-way is worse than one that nobody waits for.

use super::run::{Finished, Program, Trouble, run};
use crate::{
    Forecasted, Forecaster, Performed, Performer, Provider, ProviderFault, Reader, StillAllowed,
    Told,
    blocking::blocking,
    secrets::{Redaction, Secrets},
};
use async_trait::async_trait;
use interlock_authority::{
    Catalogue, Class, InterfaceName, Permitted, PermittedEffect, Planned,
    catalogue::{Command, ResolvedCall, Step},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// The longest words of a program in a fault, in characters.
const MAX_WORDS: usize = 300;

/// The programs that a catalogue gives one name.
#[derive(Debug, Clone)]
pub struct ExecProvider {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    commands: BTreeMap<(InterfaceName, String), Arc<Command>>,
    secrets: Secrets,
    pub(super) locks: PathBuf,
}

/// A program that ran: what it printed, without secrets.
pub(super) struct Ran {
    pub(super) end: Result<i32, i32>,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: String,
}

/// One call at its work: its secrets are read once, for all of the programs that it takes.
pub(super) struct Work<'a> {
    pub(super) command: &'a Command,
    pub(super) call: &'a ResolvedCall,
    redaction: Redaction,
}

impl ExecProvider {
    /// The programs of these functions. `locks` is a folder for lock files; it is made when it is needed.
    pub fn new(
        commands: BTreeMap<(InterfaceName, String), Arc<Command>>,
        secrets: Secrets,
        locks: PathBuf,
    ) -> Self {
        Self { inner: Arc::new(Inner { commands, secrets, locks }) }
    }

    /// One provider for each name that a catalogue gives programs, by the name that its interfaces have.
    pub fn all(
        catalogue: &Catalogue,
        secrets: &Secrets,
        locks: &std::path::Path,
    ) -> BTreeMap<String, Provider> {
        let mut commands: BTreeMap<String, BTreeMap<_, _>> = BTreeMap::new();
        for interface in catalogue.interfaces().filter(|i| i.exec().is_some()) {
            for (name, function) in &interface.functions {
                if let Some(command) = &function.command {
                    let key = (interface.name.clone(), name.clone());
                    let of = commands.entry(interface.provider.clone()).or_default();
                    of.insert(key, command.clone());
                }
            }
        }
        let provider = |commands| {
            Provider::new(Arc::new(Self::new(commands, secrets.clone(), locks.to_owned())))
        };
        commands.into_iter().map(|(name, commands)| (name, provider(commands))).collect()
    }
}

/// Ends the program of a look when the future that waits for it is dropped.
struct Tie(Arc<AtomicBool>);

impl Drop for Tie {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What a fault is about.
fn fault(call: &ResolvedCall, program: &str, problem: impl ToString) -> ProviderFault {
    ProviderFault::Process {
        what: format!("`{program}` for `{}#{}`", call.interface(), call.function()),
        problem: problem.to_string(),
    }
}

/// How a program ended, for people.
pub(super) fn ending(ran: &Ran) -> String {
    let end = match ran.end {
        Ok(code) => format!("it ended with exit code {code}"),
        Err(signal) => format!("it was ended by signal {signal}"),
    };
    let words: String = ran.stderr.chars().take(MAX_WORDS).flat_map(char::escape_debug).collect();
    if words.is_empty() { end } else { format!("{end} and said `{words}`") }
}

#[async_trait]
impl Reader for ExecProvider {
    async fn read(&self, call: &Permitted) -> Result<Value, ProviderFault> {
        let (inner, call) = (self.inner.clone(), call.call().clone());
        let over = Arc::new(AtomicBool::new(false));
        let _tie = Tie(over.clone());
        blocking(move || inner.read(&call, &over)).await
    }

    /// A program may tell whomever it speaks to what it is given, whatever its class.
    fn told(&self, call: &Permitted) -> Told {
        let call = call.call();
        self.inner.command(call).map_or(Told::Nothing, |command| chosen(command, call))
    }
}

/// What the programs that answer or foresee a call are given of its arguments, once; and a byte for each start of one,
/// because that one is started is something said, too.
fn chosen(command: &Command, call: &ResolvedCall) -> Told {
    let steps = match call.class() {
        Class::Read => [Some(Step::Call), None],
        Class::Change | Class::Destroy => [Some(Step::Revision), Some(Step::Forecast)],
    };
    let (mut starts, mut words) = (0, Vec::new());
    for step in steps.into_iter().flatten() {
        // What cannot be given to a program is told to nobody.
        let Ok(Some(prepared)) = command.prepare(step, call.arguments()) else { continue };
        starts += 1;
        words.extend(prepared.argv.into_iter().skip(1).chain(prepared.stdin));
    }
    let given = |value: &Value| {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Null => return 0,
            other => other.to_string(),
        };
        let is_given = words.iter().any(|word| word.contains(&text));
        if is_given { text.len() as u64 } else { 0 }
    };
    Told::Bytes(call.arguments().values().map(given).fold(starts, u64::saturating_add))
}

#[async_trait]
impl Forecaster for ExecProvider {
    async fn forecast(
        &self,
        call: &Permitted,
        earlier: &[Planned],
    ) -> Result<Forecasted, ProviderFault> {
        let (inner, call) = (self.inner.clone(), call.call().clone());
        // A dry run tells of the world as it is, not as an earlier effect of the plan would leave it.
        if let Some(before) = earlier.iter().find(|planned| planned.overlaps(call.resource())) {
            let why = format!(
                "an earlier effect of the plan, `{}`, changes `{}`",
                before.call.function(),
                before.call.resource()
            );
            return Ok(Forecasted::Inexact(why));
        }
        let over = Arc::new(AtomicBool::new(false));
        let _tie = Tie(over.clone());
        blocking(move || inner.forecast(&call, &over)).await
    }
}

#[async_trait]
impl Performer for ExecProvider {
    async fn perform(
        &self,
        effect: &PermittedEffect,
        still_allowed: &StillAllowed,
    ) -> Result<Performed, ProviderFault> {
        let (inner, still_allowed) = (self.inner.clone(), still_allowed.clone());
        let (call, forecast) = (effect.call().clone(), effect.forecast().clone());
        let expected = effect.expected().clone();
        blocking(move || inner.perform(&call, &forecast, &expected, &*still_allowed)).await
    }
}

impl Inner {
    pub(super) fn command(&self, call: &ResolvedCall) -> Result<&Command, ProviderFault> {
        let key = (call.interface().clone(), call.function().to_owned());
        let command = self.commands.get(&key).map(|command| &**command);
        command.ok_or_else(|| ProviderFault::NotServed {
            provider: "exec",
            function: format!("{}#{}", call.interface(), call.function()),
        })
    }

    /// Begins to work on a call.
    ///
    /// # Errors
    /// A secret that cannot be had.
    pub(super) fn work<'a>(
        &self,
        command: &'a Command,
        call: &'a ResolvedCall,
    ) -> Result<Work<'a>, ProviderFault> {
        let secrets = command.secrets().iter().map(|(variable, name)| {
            Ok::<_, ProviderFault>((variable.clone(), self.secrets.read(name)?))
        });
        let redaction = Redaction::new(secrets.collect::<Result<_, _>>()?);
        Ok(Work { command, call, redaction })
    }

    pub(super) fn read(
        &self,
        call: &ResolvedCall,
        over: &AtomicBool,
    ) -> Result<Value, ProviderFault> {
        let work = self.work(self.command(call)?, call)?;
        let ran = work.run(Step::Call, over)?.map_err(|t| work.fault(Step::Call, t))?;
        match ran.end {
            Ok(0) => match work.command.nothing(Step::Call, &ran.stdout) {
                Some(answer) => Ok(answer),
                None => work.result(Step::Call, &ran).map_err(|why| work.fault(Step::Call, why)),
            },
            _ => work.failure(&ran).ok_or_else(|| work.fault(Step::Call, ending(&ran))),
        }
    }
}

impl Work<'_> {
    /// Runs one of its programs.
    pub(super) fn run(
        &self,
        step: Step,
        over: &AtomicBool,
    ) -> Result<Result<Ran, Trouble>, ProviderFault> {
        let command = self.command;
        let denied = |why: &dyn std::fmt::Display| fault(self.call, "a program", why);
        let prepared = command.prepare(step, self.call.arguments()).map_err(|d| denied(&d))?;
        let prepared =
            prepared.ok_or_else(|| denied(&"the catalogue has none; give the function one"))?;
        let fixed = command.environment().iter().map(|(k, v)| (k.as_str(), v.as_str()));
        let program = Program {
            argv: &prepared.argv,
            stdin: prepared.stdin.as_deref(),
            environment: fixed.chain(self.redaction.environment()).collect(),
            directory: command.directory(),
            time: command.timeout(),
        };
        Ok(run(&program, over).map(|Finished { end, stdout, stderr }| {
            let stderr = String::from_utf8_lossy(&self.redaction.bytes(&stderr)).trim().to_owned();
            Ran { end, stdout: self.redaction.bytes(&stdout), stderr }
        }))
    }

    /// The result that a program printed; the error says why it is none.
    pub(super) fn result(&self, step: Step, ran: &Ran) -> Result<Value, String> {
        let result = self.command.result(step, &ran.stdout);
        result
            .map(|value| self.redaction.json(value))
            .map_err(|why| format!("what it printed {why}"))
    }

    /// The result for an exit code other than 0, if the WIT has a word for it.
    pub(super) fn failure(&self, ran: &Ran) -> Option<Value> {
        let code = ran.end.ok()?;
        let words =
            if ran.stderr.is_empty() { format!("exit code {code}") } else { ran.stderr.clone() };
        self.command.exit(code, &words)
    }

    /// Which program a step runs, for messages.
    pub(super) fn program(&self, step: Step) -> &str {
        self.command.path(step).unwrap_or_default()
    }

    /// What a fault of one of its programs is about.
    pub(super) fn fault(&self, step: Step, problem: impl ToString) -> ProviderFault {
        fault(self.call, self.program(step), problem)
    }
}
