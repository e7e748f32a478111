//! A catalogue as it was typed. Unknown keys are errors with their line: a mistyped `class` must not
//! silently become a default.

use crate::{
    AuthorityError,
    vocabulary::{Class, Scope},
};
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCatalogue {
    pub(super) wit: String,
    #[serde(default)]
    pub(super) interface: BTreeMap<Spanned<String>, RawInterface>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawInterface {
    pub(super) provider: Spanned<RawProvider>,
    #[serde(default)]
    pub(super) function: BTreeMap<Spanned<String>, RawFunction>,
}

/// A provider that the host has, or programs that this catalogue names.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a provider is its name, or `{ exec = \"NAME\" }` for programs")]
pub(super) enum RawProvider {
    Named(String),
    Exec(RawExec),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawExec {
    pub(super) exec: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFunction {
    pub(super) class: Class,
    pub(super) scope: Option<Scope>,
    pub(super) resource: Spanned<String>,
    #[serde(default)]
    pub(super) arguments: BTreeMap<Spanned<String>, RawConstraint>,
    // Of the provider `exec` only, from here.
    pub(super) argv: Option<RawArgv>,
    pub(super) forecast: Option<Spanned<RawForecast>>,
    pub(super) revision: Option<Spanned<RawRevision>>,
    pub(super) stdin: Option<Spanned<String>>,
    pub(super) environment: Option<Spanned<BTreeMap<Spanned<String>, Spanned<String>>>>,
    pub(super) secrets: Option<Spanned<BTreeMap<Spanned<String>, Spanned<String>>>>,
    pub(super) directory: Option<Spanned<String>>,
    pub(super) timeout: Option<Spanned<String>>,
    pub(super) output: Option<Spanned<Output>>,
    pub(super) exits: Option<Spanned<BTreeMap<Spanned<String>, Spanned<String>>>>,
    pub(super) nothing: Option<Spanned<String>>,
    pub(super) unknown: Option<Spanned<Vec<Spanned<i64>>>>,
}

pub(super) type RawArgv = Spanned<Vec<Spanned<String>>>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawForecast {
    pub(super) argv: RawArgv,
    pub(super) stdin: Option<Spanned<String>>,
    pub(super) output: Option<Spanned<Output>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRevision {
    pub(super) argv: RawArgv,
    pub(super) stdin: Option<Spanned<String>>,
}

/// How the standard output of a program is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Output {
    Json,
    Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawConstraint {
    pub(super) min: Option<i64>,
    pub(super) max: Option<i64>,
    pub(super) max_length: Option<u64>,
    pub(super) pattern: Option<Spanned<String>>,
}

/// The line, from 1, of a byte offset in a text.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|b| *b == b'\n').count()
}

pub(super) fn parse(file: &str, text: &str) -> Result<RawCatalogue, AuthorityError> {
    toml::from_str(text).map_err(|error| AuthorityError::Catalogue {
        file: file.to_owned(),
        line: error.span().map(|span| line_of(text, span.start)),
        message: error.message().to_owned(),
    })
}

/// The WIT file or folder that a catalogue names, as typed.
///
/// # Errors
/// A catalogue that cannot be read, with its line.
pub fn wit_path(file: &str, text: &str) -> Result<String, AuthorityError> {
    parse(file, text).map(|raw| raw.wit)
}
