//! The list of dependencies that cargo-auditable puts into a binary, read back as its readers do
//! (<https://github.com/rust-secure-code/cargo-auditable/blob/master/PARSING.md>): JSON, compressed, in a section.
//!
//! The mistake it stops: a release whose list is missing, or leaves out what the binary is made of.

use std::collections::BTreeSet;

use anyhow::{Context, Result, anyhow, ensure};
use object::{Object, ObjectSection};
use serde_json::Value;
use xtask_release::bill::{Bill, Key, Role};

const SECTION: &str = ".dep-v0";
/// More than any list needs, and less than a machine has.
const MAX_BYTES: usize = 8 << 20;

/// What the list says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct List {
    /// What is linked, in its words of kind `runtime`.
    pub(crate) runtime: BTreeSet<Key>,
    /// Everything in it.
    pub(crate) all: BTreeSet<Key>,
}

/// Reads the list out of a binary.
pub(crate) fn read(binary: &[u8]) -> Result<List> {
    let file = object::File::parse(binary).context("what was built is no binary")?;
    let section = file.section_by_name(SECTION);
    let section = section.context("there is no list of dependencies in the binary")?;
    let packed = section.data().context("the list of dependencies")?;
    let json = miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(packed, MAX_BYTES)
        .map_err(|error| anyhow!("the list of dependencies: {error}"))?;
    list(&serde_json::from_slice(&json)?).context("the list of dependencies changed shape")
}

fn list(value: &Value) -> Option<List> {
    let mut list = List::default();
    for package in value.get("packages")?.as_array()? {
        let text = |name: &str| package.get(name)?.as_str().map(str::to_owned);
        let key = (text("name")?, text("version")?);
        // The one that is not said is `runtime`.
        if text("kind").is_none_or(|kind| kind == "runtime") {
            list.runtime.insert(key.clone());
        }
        list.all.insert(key);
    }
    Some(list)
}

/// Compares it with the bill; says in words how they stand.
pub(crate) fn check(list: &List, bill: &Bill) -> Result<String> {
    let missing: Vec<String> = bill
        .of(Role::Linked)
        .difference(&list.runtime)
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    ensure!(missing.is_empty(), "the embedded list leaves out {}", missing.join(", "));
    let known: BTreeSet<Key> = bill.packages.keys().cloned().collect();
    let more = list.all.difference(&known).count();
    let rest = match more {
        0 => "the same as in the bill".to_owned(),
        more => format!("{more} of them optional, and not in this binary"),
    };
    Ok(format!("{} packages, {rest}", list.all.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_list_is_read_by_kind_and_a_binary_without_one_is_told() {
        let value = json!({"packages": [
            {"name": "a", "version": "1.0.0", "source": "local", "root": true},
            {"name": "b", "version": "2.0.0", "source": "crates.io", "kind": "build"},
        ]});
        let read = list(&value).unwrap();
        assert_eq!((read.runtime.len(), read.all.len()), (1, 2));
        assert_eq!(list(&json!({"packages": [{"name": "a"}]})), None);
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let told = super::read(&own).unwrap_err().to_string();
        assert_eq!(told, "there is no list of dependencies in the binary");
    }
}
