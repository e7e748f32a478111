//! The approval document: what is shown is what is signed. It is a pure function of the canonical bytes of a
//! request, in a fixed order, in ASCII. What happens comes first; the words of agents, plugins and providers
//! come last, bounded, escaped, each line marked as theirs, so that none of them can forge a line of ours.
//!
//! Renderer v1 is frozen: an approval is checked by rendering again and comparing bytes.

mod effects;
mod escape;
mod others;

use crate::{
    canonical::CanonicalError,
    plan::MAX_EFFECTS,
    request::{RequestBody, Wish},
    vocabulary::Principal,
};
use escape::{boxed, escape, wrap};
use thiserror::Error;

/// The longest document, in bytes.
pub const MAX_BYTES: usize = 64 << 10;

/// The most characters of an asker's words that are shown.
const MAX_SAID: usize = 1_000;

const RULE: &str = "------------------------------------------------------------------------------";

/// Why a request cannot be shown to people, and so not be approved.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DocumentError {
    /// More effects than a person reads.
    #[error("{0} effects are more than people can be asked to read; at most {MAX_EFFECTS}")]
    TooManyEffects(usize),
    /// More text than a person reads.
    #[error("the document would have {0} bytes; at most {MAX_BYTES} can be approved")]
    TooLong(usize),
    /// The request has no canonical form.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
}

impl DocumentError {
    /// A code that never changes its meaning.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooManyEffects(_) => "too-many-effects",
            Self::TooLong(_) => "document-too-long",
            Self::Canonical(_) => "not-canonical",
        }
    }
}

/// Renders a request.
///
/// INVARIANT SHOWN-IS-SIGNED: nothing but the request's canonical bytes decides what stands here.
///
/// # Errors
/// A request that is too large to be read by a person.
pub fn render(body: &RequestBody) -> Result<String, DocumentError> {
    let digest = body.digest()?;
    let count = body.plan().map_or(0, |plan| plan.effects.len());
    if count > MAX_EFFECTS {
        return Err(DocumentError::TooManyEffects(count));
    }
    let mut lines = vec![
        "INTERLOCK APPROVAL v1".to_owned(),
        format!("sha256 {digest}"),
        RULE.to_owned(),
        format!("REQUEST   {}", escape(&body.id)),
        format!("EXPIRES   {}", timestamp(body.expires)),
        format!("HOST      {}  deployment {}", escape(&body.host), escape(&body.deployment)),
        format!("RULES     policies {}", body.epoch.policies),
        format!("          catalogues {}", body.epoch.catalogues),
        format!("          approvers {}", body.epoch.approvers),
        format!("          grants {}", body.grants),
    ];
    lines.extend(field("ASKED BY", &asker(body)));
    if let Wish::Plan { plan } = &body.wish {
        let tool = format!("{}.{}", plan.plugin.name, plan.tool);
        lines.extend(field("TOOL", &escape(&tool)));
    }
    if let Some(plugin) = body.plugin() {
        let publisher =
            plugin.publisher.as_ref().map(|p| format!(", published by {p}")).unwrap_or_default();
        lines.extend(field("PLUGIN", &escape(&format!("{}{publisher}", plugin.name))));
        lines.push(format!("          sha256 {}", plugin.digest));
    }
    lines.extend(field("NEEDS", &escape(&format!("{}.", body.needs.sentence()))));
    for left_out in &body.not_counted {
        lines.extend(field("", &escape(&format!("Not counted: {left_out}."))));
    }
    lines.push(String::new());
    let end = match &body.wish {
        Wish::Plan { plan } => effects::plan(plan, &mut lines),
        Wish::Elevation { elevation } => others::elevation(elevation, &mut lines),
        Wish::Epoch { from, to, changes } => others::epoch(from, to, changes, &mut lines),
    };
    if let Some(said) = &body.said {
        let who = match &body.asker.principal {
            Principal::Agent(_) => "THE AGENT SAYS (not checked):",
            Principal::Person(_) => "THE ASKER SAYS (not checked):",
        };
        lines.extend([String::new(), who.to_owned()]);
        lines.extend(boxed(said, MAX_SAID));
    }
    lines.extend([
        RULE.to_owned(),
        format!("END  {end}"),
        format!("sha256 {digest}"),
        String::new(),
    ]);
    let text = lines.join("\n");
    if text.len() > MAX_BYTES { Err(DocumentError::TooLong(text.len())) } else { Ok(text) }
}

fn asker(body: &RequestBody) -> String {
    let (kind, name) = match &body.asker.principal {
        Principal::Agent(name) => ("agent", name),
        Principal::Person(name) => ("person", name),
    };
    let mut more = Vec::new();
    if !body.asker.teams.is_empty() {
        more.push(format!("team {}", body.asker.teams.join(", ")));
    }
    if !body.asker.operators.is_empty() {
        more.push(format!("operated by {}", body.asker.operators.join(", ")));
    }
    let more = if more.is_empty() { String::new() } else { format!(" ({})", more.join(", ")) };
    escape(&format!("{kind} {name}{more}"))
}

/// A name of at most nine characters, and its text wrapped beside it.
fn field(name: &str, text: &str) -> Vec<String> {
    let mut lead = name;
    wrap(text, 68)
        .into_iter()
        .map(|line| {
            let line = format!("{lead:<9} {line}");
            lead = "";
            line
        })
        .collect()
}

/// `2026-11-22T21:04:10Z` (RFC 3339), of unix seconds.
pub fn timestamp(seconds: u64) -> String {
    let stamp = i64::try_from(seconds).ok().and_then(|s| jiff::Timestamp::from_second(s).ok());
    stamp.map_or_else(|| format!("unix {seconds}"), |stamp| stamp.to_string())
}
