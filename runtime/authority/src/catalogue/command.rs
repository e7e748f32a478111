//! What a capability function of the provider `exec` runs: one program for the call and, for an effect,
//! one that says what it would do and one that says which revision the resource has. It is the
//! catalogue's, checked when the host starts; a call fills in values and chooses nothing.

use super::{
    answer::Answer,
    argv::{Argv, Element},
    raw::Output,
};
use crate::refusal::Denial;
use serde_json::{Map, Value};
use std::{collections::BTreeMap, time::Duration};

/// A function that programs serve.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    pub(super) call: Program,
    pub(super) forecast: Option<Program>,
    pub(super) revision: Option<Program>,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) secrets: BTreeMap<String, String>,
    pub(super) directory: String,
    pub(super) timeout: Duration,
    pub(super) answer: Answer,
}

/// One program as a template. Each has an input of its own: a dry run that read the input of the call could be
/// told to do it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Program {
    pub(super) argv: Argv,
    pub(super) stdin: Option<Element>,
    pub(super) output: Output,
}

/// One program of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The call itself.
    Call,
    /// The dry run.
    Forecast,
    /// The revision of the resource.
    Revision,
}

impl Step {
    const ALL: [Self; 3] = [Self::Call, Self::Forecast, Self::Revision];
}

/// A program to run, with the values of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The program and its arguments; the program is an absolute path.
    pub argv: Vec<String>,
    /// What it reads.
    pub stdin: Option<String>,
}

impl Command {
    /// A program for one call; nothing where the function has no such step.
    ///
    /// # Errors
    /// A value that cannot be given to a program. [`crate::Catalogue::resolve`] has asked before.
    pub fn prepare(
        &self,
        step: Step,
        arguments: &Map<String, Value>,
    ) -> Result<Option<Prepared>, Denial> {
        let Some(program) = self.program(step) else { return Ok(None) };
        let stdin = program.stdin.as_ref().map(|stdin| stdin.fill(arguments)).transpose()?;
        Ok(Some(Prepared { argv: program.argv.fill(arguments)?, stdin: stdin.flatten() }))
    }

    fn program(&self, step: Step) -> Option<&Program> {
        match step {
            Step::Call => Some(&self.call),
            Step::Forecast => self.forecast.as_ref(),
            Step::Revision => self.revision.as_ref(),
        }
    }

    /// Whether each program of the function can be given these arguments.
    pub(super) fn check(&self, arguments: &Map<String, Value>) -> Result<(), Denial> {
        Step::ALL.into_iter().try_for_each(|step| self.prepare(step, arguments).map(drop))
    }

    /// The programs that it runs, as absolute paths.
    pub fn programs(&self) -> impl Iterator<Item = &str> {
        Step::ALL.into_iter().filter_map(|step| self.path(step))
    }
    /// The program of a step, as an absolute path.
    pub fn path(&self, step: Step) -> Option<&str> {
        self.program(step).map(|program| program.argv.program())
    }
    /// What of its programs' arguments is the catalogue's own, and no value of a call; of a word with a value in it, the
    /// folder before that.
    pub fn fixed(&self) -> impl Iterator<Item = &str> {
        let programs = Step::ALL.into_iter().filter_map(|step| self.program(step));
        programs.flat_map(|program| program.argv.fixed())
    }
    /// The whole environment of its programs, but for secrets.
    pub fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }
    /// Names of secrets by the environment variables that carry them.
    pub fn secrets(&self) -> &BTreeMap<String, String> {
        &self.secrets
    }
    /// Where its programs run.
    pub fn directory(&self) -> &str {
        &self.directory
    }
    /// How long one program may run.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The JSON form of the WIT result that an output means, after exit code 0 of a call or a dry run.
    ///
    /// # Errors
    /// Why it means none; the output is not repeated.
    pub fn result(&self, step: Step, stdout: &[u8]) -> Result<Value, String> {
        let output = self.program(step).map_or(self.call.output, |program| program.output);
        self.answer.good(output, stdout)
    }
    /// The result where a program ended well and had nothing to tell. Of an effect that returns nothing, silence
    /// is what is expected.
    pub fn nothing(&self, step: Step, stdout: &[u8]) -> Option<Value> {
        let silent = step == Step::Call && self.answer.good.is_none();
        if silent { None } else { self.answer.nothing(stdout) }
    }
    /// Whether nobody knows, after this exit code, if the effect happened.
    pub fn unknown(&self, code: i32) -> bool {
        self.answer.unknown.contains(&code)
    }
    /// The result for an exit code other than 0; none where the WIT has no word for it.
    pub fn exit(&self, code: i32, words: &str) -> Option<Value> {
        self.answer.exit(code, words)
    }
    /// The result where the world is not as it was.
    pub fn conflict(&self, words: &str) -> Option<Value> {
        self.answer.conflict(words)
    }
    /// The result where the host says no.
    pub fn denied(&self, words: &str) -> Option<Value> {
        self.answer.denied(words)
    }
    /// The result where a program failed in a way that has no code.
    pub fn failed(&self, words: &str) -> Option<Value> {
        self.answer.failed(words)
    }
}
