//! Reads what a catalogue says of programs, when the host starts: a template that names no argument, a value
//! that is no single argument, a case that the error type does not have, an effect that nobody could
//! foresee. Each is an error with its line.

use super::{
    answer::{Answer, Failure},
    argv::{Argv, Element},
    check::Place,
    command::{Command, Program},
    raw::{Output, RawArgv, RawFunction},
    shape::Shape,
    wit,
};
use crate::{
    AuthorityError,
    error::list,
    vocabulary::{Class, is_segment},
};
use jiff::SignedDuration;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use toml::Spanned;
use wit_parser::{Resolve, Type, TypeDefKind};

/// How long a program may run where nothing is said.
const TIMEOUT: Duration = Duration::from_secs(30);
const MOST: Duration = Duration::from_secs(3600);

/// Environment variables, by name.
type Variables = BTreeMap<String, String>;

/// One function as it is being read.
pub(super) struct Reading<'a> {
    pub(super) place: &'a Place<'a>,
    pub(super) resolve: &'a Resolve,
    pub(super) key: &'a Spanned<String>,
    pub(super) wit: &'a wit_parser::Function,
    pub(super) raw: &'a RawFunction,
}

/// Nothing of this is for a provider that the host has: a function would look bounded and not be.
pub(super) fn none(place: &Place<'_>, raw: &RawFunction) -> Result<(), AuthorityError> {
    let at = |name, span: Option<std::ops::Range<usize>>| span.map(|span| (name, span));
    let said = [
        at("argv", raw.argv.as_ref().map(Spanned::span)),
        at("forecast", raw.forecast.as_ref().map(Spanned::span)),
        at("revision", raw.revision.as_ref().map(Spanned::span)),
        at("stdin", raw.stdin.as_ref().map(Spanned::span)),
        at("environment", raw.environment.as_ref().map(Spanned::span)),
        at("secrets", raw.secrets.as_ref().map(Spanned::span)),
        at("directory", raw.directory.as_ref().map(Spanned::span)),
        at("timeout", raw.timeout.as_ref().map(Spanned::span)),
        at("output", raw.output.as_ref().map(Spanned::span)),
        at("exits", raw.exits.as_ref().map(Spanned::span)),
        at("nothing", raw.nothing.as_ref().map(Spanned::span)),
        at("unknown", raw.unknown.as_ref().map(Spanned::span)),
    ];
    match said.into_iter().flatten().next() {
        None => Ok(()),
        Some((name, span)) => {
            let message = format!(
                "`{name}` is for the provider `exec`; write `provider = {{ exec = \"NAME\" }}`"
            );
            Err(place.error(&Spanned::new(span, ()), message))
        }
    }
}

impl Reading<'_> {
    /// The command, and the string arguments that reach an argv.
    pub(super) fn command(&self) -> Result<(Command, BTreeSet<String>), AuthorityError> {
        let (place, raw, name) = (self.place, self.raw, self.key.get_ref());
        let Some(argv) = &raw.argv else {
            let message = format!("`{name}` needs `argv`, the program that serves it");
            return Err(place.error(self.key, message));
        };
        let mut texts = BTreeSet::new();
        let answer = self.answer()?;
        let output = self.output(raw.output.as_ref(), &answer)?;
        let call = self.program(argv, raw.stdin.as_ref(), output, &mut texts)?;
        let (forecast, revision) = match (raw.class, &raw.forecast, &raw.revision) {
            (Class::Read, None, None) => (None, None),
            (Class::Read, Some(at), _) => {
                let message =
                    "a `read` changes nothing: there is nothing to foresee; take `forecast` out";
                return Err(place.error(at, message.to_owned()));
            }
            (Class::Read, None, Some(at)) => {
                let message = "a `read` changes nothing; take `revision` out";
                return Err(place.error(at, message.to_owned()));
            }
            (_, Some(forecast), Some(revision)) => {
                let (forecast, revision) = (forecast.get_ref(), revision.get_ref());
                let said = match &forecast.output {
                    Some(at) => self.output(Some(at), &answer)?,
                    None => output,
                };
                let dry =
                    self.program(&forecast.argv, forecast.stdin.as_ref(), said, &mut texts)?;
                let (argv, stdin) = (&revision.argv, revision.stdin.as_ref());
                let revision = self.program(argv, stdin, Output::Text, &mut texts)?;
                (Some(dry), Some(revision))
            }
            (class, _, _) => {
                // What nobody can foresee, nobody can approve; what has no revision can be approved for one
                // world and happen in another.
                let message = format!(
                    "`{name}` has class `{class}`: it needs `forecast = {{ argv = […] }}`, a dry run that changes nothing, and `revision = {{ argv = […] }}`"
                );
                return Err(place.error(self.key, message));
            }
        };
        if raw.class != Class::Read && answer.failed.is_none() {
            let message = format!(
                "`{name}` is an effect, and its result has no word for failure; give its error type a case `failed`, or name one in `exits` as `other`"
            );
            return Err(place.error(self.key, message));
        }
        let (environment, secrets) = self.environment()?;
        let command = Command {
            call,
            forecast,
            revision,
            environment,
            secrets,
            directory: self.directory()?,
            timeout: self.timeout()?,
            answer,
        };
        Ok((command, texts))
    }

    fn program(
        &self,
        argv: &RawArgv,
        stdin: Option<&Spanned<String>>,
        output: Output,
        texts: &mut BTreeSet<String>,
    ) -> Result<Program, AuthorityError> {
        Ok(Program { argv: self.argv(argv, texts)?, stdin: self.stdin(stdin, texts)?, output })
    }

    fn argv(&self, raw: &RawArgv, texts: &mut BTreeSet<String>) -> Result<Argv, AuthorityError> {
        let place = self.place;
        let Some(program) = raw.get_ref().first() else {
            return Err(place.error(raw, "an argv begins with its program".to_owned()));
        };
        let mut elements = Vec::new();
        for at in raw.get_ref() {
            let element = Element::parse(at.get_ref()).map_err(|e| place.error(at, e))?;
            for hole in element.holes() {
                if self.fills(at, hole)? {
                    texts.insert(hole.to_owned());
                }
            }
            elements.push(element);
        }
        match elements.first().and_then(Element::literal) {
            // Found by its path alone: which folders are searched, and in which order, is somebody's
            // environment.
            Some(path) if path.starts_with('/') && !path.ends_with('/') => Ok(Argv::new(elements)),
            _ => {
                let message = format!(
                    "the program `{}` must be an absolute path without an argument in it, such as `/usr/bin/aws`",
                    program.get_ref()
                );
                Err(place.error(program, message))
            }
        }
    }

    /// Whether an argument can stand in a text, and is a string there.
    fn fills(&self, at: &Spanned<String>, hole: &str) -> Result<bool, AuthorityError> {
        let Some(parameter) = self.wit.params.iter().find(|p| p.name == hole) else {
            let known: Vec<&String> = self.wit.params.iter().map(|p| &p.name).collect();
            let message =
                format!("`{}` has no argument `{hole}`; it has {}", self.wit.name, list(&known));
            return Err(self.place.error(at, message));
        };
        let ty = match wit::follow(self.resolve, &parameter.ty) {
            Some(TypeDefKind::Option(inner)) => inner,
            _ => &parameter.ty,
        };
        match Shape::of(self.resolve, ty) {
            Some(Shape::Text) => Ok(true),
            Some(Shape::Bool | Shape::Integer { .. } | Shape::Enum(_)) => Ok(false),
            _ => {
                let message = format!(
                    "argument `{hole}` must be a string, an enum, an integer or a bool, or an option of one: anything else is not one argument of a program"
                );
                Err(self.place.error(at, message))
            }
        }
    }

    fn stdin(
        &self,
        at: Option<&Spanned<String>>,
        texts: &mut BTreeSet<String>,
    ) -> Result<Option<Element>, AuthorityError> {
        let Some(at) = at else { return Ok(None) };
        let element = Element::parse(at.get_ref()).map_err(|e| self.place.error(at, e))?;
        for hole in element.holes() {
            // Alone it is data. Inside a text it could end what surrounds it, as in an argv.
            if self.fills(at, hole)? && !element.is_one_hole() {
                texts.insert(hole.to_owned());
            }
        }
        Ok(Some(element))
    }

    fn environment(&self) -> Result<(Variables, Variables), AuthorityError> {
        let (mut environment, mut secrets) = (BTreeMap::new(), BTreeMap::new());
        let named = |at: &Spanned<String>| {
            let name = at.get_ref();
            let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
            if starts && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                return Ok(name.clone());
            }
            let message = format!(
                "`{name}` is not the name of an environment variable; write letters, digits and `_`"
            );
            Err(self.place.error(at, message))
        };
        for (key, value) in self.raw.environment.iter().flat_map(Spanned::get_ref) {
            if value.get_ref().contains('\0') {
                return Err(self.place.error(value, "an environment has no NUL".to_owned()));
            }
            environment.insert(named(key)?, value.get_ref().clone());
        }
        for (key, secret) in self.raw.secrets.iter().flat_map(Spanned::get_ref) {
            let name = named(key)?;
            if !is_segment(secret.get_ref()) {
                let message =
                    "a secret is named as in `[secrets.NAME]`: letters, digits, `.`, `_` and `-`";
                return Err(self.place.error(secret, message.to_owned()));
            }
            if environment.contains_key(&name) {
                let message = format!("`{name}` is in `environment` too; keep one of the two");
                return Err(self.place.error(key, message));
            }
            secrets.insert(name, secret.get_ref().clone());
        }
        Ok((environment, secrets))
    }

    fn directory(&self) -> Result<String, AuthorityError> {
        match &self.raw.directory {
            None => Ok("/".to_owned()),
            Some(at) if at.get_ref().starts_with('/') && !at.get_ref().contains('\0') => {
                Ok(at.get_ref().clone())
            }
            Some(at) => {
                Err(self.place.error(at, "`directory` must be an absolute path".to_owned()))
            }
        }
    }

    fn timeout(&self) -> Result<Duration, AuthorityError> {
        let Some(at) = &self.raw.timeout else { return Ok(TIMEOUT) };
        let parsed = at.get_ref().parse::<SignedDuration>().ok();
        parsed
            .and_then(|d| Duration::try_from(d).ok())
            .filter(|d| (Duration::from_millis(1)..=MOST).contains(d))
            .ok_or_else(|| {
                let message = format!(
                    "`{}` is not a time from `1ms` to `1h`; write one such as `30s`",
                    at.get_ref()
                );
                self.place.error(at, message)
            })
    }

    fn output(
        &self,
        at: Option<&Spanned<Output>>,
        answer: &Answer,
    ) -> Result<Output, AuthorityError> {
        let Some(at) = at else { return Ok(Output::Json) };
        if *at.get_ref() == Output::Text && answer.good != Some(Shape::Text) {
            let message = format!(
                "`output = \"text\"` is for a result that is a string; `{}` has another",
                self.wit.name
            );
            return Err(self.place.error(at, message));
        }
        Ok(*at.get_ref())
    }

    /// The result type, with the words that it has for failures.
    fn answer(&self) -> Result<Answer, AuthorityError> {
        let result = self.wit.result.as_ref();
        let kind = result.and_then(|ty| wit::follow(self.resolve, ty));
        let (fallible, good, bad) = match kind {
            Some(TypeDefKind::Result(result)) => (true, result.ok, result.err),
            _ => (false, result.copied(), None),
        };
        let good = good.as_ref().map(|ty| self.shape(ty)).transpose()?;
        let bad = bad.as_ref().map(|ty| self.shape(ty)).transpose()?;
        let mut exits = BTreeMap::new();
        let mut failed = match &bad {
            Some(Shape::Text) => Some(Failure::Text),
            bad => case(bad.as_ref(), "failed").ok().flatten(),
        };
        for (code, name) in self.raw.exits.iter().flat_map(Spanned::get_ref) {
            let failure = self.failure(bad.as_ref(), name)?;
            match code.get_ref().as_str() {
                "other" => failed = Some(failure),
                digits => {
                    let code = digits.parse::<u8>().ok().filter(|c| *c > 0).ok_or_else(|| {
                        let message = "an exit code is a number from 1 to 255, or `other`";
                        self.place.error(code, message.to_owned())
                    })?;
                    exits.insert(i32::from(code), failure);
                }
            }
        }
        let known = |name| case(bad.as_ref(), name).ok().flatten();
        let (conflict, denied) = (known("conflict"), known("denied"));
        let nothing = self.raw.nothing.as_ref();
        let nothing = nothing.map(|name| self.failure(bad.as_ref(), name)).transpose()?;
        let unknown = self.unknown(&exits)?;
        Ok(Answer { fallible, good, exits, failed, nothing, unknown, conflict, denied })
    }

    /// A case of the error type that must be there.
    fn failure(
        &self,
        bad: Option<&Shape>,
        name: &Spanned<String>,
    ) -> Result<Failure, AuthorityError> {
        let failure = case(bad, name.get_ref()).map_err(|e| self.place.error(name, e))?;
        failure.ok_or_else(|| {
            let known = cases(bad);
            let message = format!(
                "the error type of `{}` has no case `{}`; it has {}",
                self.wit.name,
                name.get_ref(),
                list(&known)
            );
            self.place.error(name, message)
        })
    }

    /// Exit codes that say nothing about the world, such as that of a lost connection.
    fn unknown(&self, exits: &BTreeMap<i32, Failure>) -> Result<BTreeSet<i32>, AuthorityError> {
        let mut codes = BTreeSet::new();
        let Some(raw) = &self.raw.unknown else { return Ok(codes) };
        if self.raw.class == Class::Read {
            let message = "a `read` changes nothing: there is no end that could be unknown; take `unknown` out";
            return Err(self.place.error(raw, message.to_owned()));
        }
        for at in raw.get_ref() {
            let code = i32::try_from(*at.get_ref()).ok().filter(|code| (1..=255).contains(code));
            let code = code.ok_or_else(|| {
                let message = "`unknown` has exit codes, numbers from 1 to 255";
                self.place.error(at, message.to_owned())
            })?;
            if exits.contains_key(&code) {
                let message = format!("exit code {code} is in `exits` too; keep one of the two");
                return Err(self.place.error(at, message));
            }
            codes.insert(code);
        }
        Ok(codes)
    }

    fn shape(&self, ty: &Type) -> Result<Shape, AuthorityError> {
        Shape::of(self.resolve, ty).ok_or_else(|| {
            let message = format!(
                "`{}`: no program can print its result; a `list<u8>` is a string in base64, so make it one",
                self.wit.name
            );
            self.place.error(self.key, message)
        })
    }
}

/// The cases of an error type.
fn cases(bad: Option<&Shape>) -> Vec<&String> {
    match bad {
        Some(Shape::Enum(names)) => names.iter().collect(),
        Some(Shape::Variant(cases)) => cases.iter().map(|(name, _)| name).collect(),
        _ => Vec::new(),
    }
}

/// One case of an error type, by name; none where there is none.
fn case(bad: Option<&Shape>, name: &str) -> Result<Option<Failure>, String> {
    let found = match bad {
        Some(Shape::Enum(names)) => {
            names.iter().find(|n| *n == name).map(|n| Failure::Named(n.clone()))
        }
        Some(Shape::Variant(cases)) => match cases.iter().find(|(n, _)| n == name) {
            Some((n, None)) => Some(Failure::Case { name: n.clone(), text: false }),
            Some((n, Some(Shape::Text))) => Some(Failure::Case { name: n.clone(), text: true }),
            Some((n, Some(_))) => {
                return Err(format!(
                    "the case `{n}` carries more than a text, which an exit code cannot fill"
                ));
            }
            None => None,
        },
        _ => None,
    };
    Ok(found)
}
