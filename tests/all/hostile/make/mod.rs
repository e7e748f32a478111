//! The components that are made, by family: where one mistake has many forms, they are a table here and not as many
//! files in `tests/hostile/`.
//!
//! The mistake it stops: a defence that knows the one example it was written for.

mod bytes;
mod described;
mod doors;
mod features;
mod floor;
mod imports;
mod limits;
mod reach;
mod steps;
mod structure;
mod text;
mod types;
mod values;

pub(super) use doors::DOORS;

use super::attack::{Attack, Content};
use anyhow::Result;

/// All of them.
///
/// # Errors
/// Where one of those that are cut out of another cannot be made.
pub(crate) fn made() -> Result<Vec<Attack>> {
    let mut all = bytes::all()?;
    all.extend(described::all());
    all.extend(features::all());
    all.extend(floor::all());
    all.extend(imports::all());
    all.extend(limits::all());
    all.extend(reach::all());
    all.extend(steps::all());
    all.extend(structure::all());
    all.extend(types::all());
    all.extend(values::all());
    Ok(all)
}

/// An attack in text.
fn attack(name: &str, threats: &str, what: &str, text: String) -> Attack {
    Attack::new(name, threats, what, Content::Text(text))
}

/// A plugin that keeps a secret, for others to look for.
pub(super) fn neighbour(secret: &'static str) -> String {
    let mut caller = text::Caller::new();
    let arguments = [doors::Arg::Word("secret"), doors::Arg::Word(secret)];
    caller.call(doors::named("kv/write", "set"), &arguments);
    caller.finish()
}
