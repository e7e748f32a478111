//! In what two binaries differ, by section: code, names, data or a list tell of different causes.
//!
//! The mistake it stops: "not reproducible", and nothing to begin with.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use object::{Object, ObjectSection};

/// One line for each section that is not the same; none where only the headers differ.
pub(crate) fn differences(one: &[u8], other: &[u8]) -> Result<Vec<String>> {
    let (one, other) = (sections(one)?, sections(other)?);
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let mut told = Vec::new();
    for name in names {
        let line = match (one.get(name), other.get(name)) {
            (Some(one), Some(other)) if one == other => continue,
            (Some(one), Some(other)) if one.len() == other.len() => {
                let bytes = one.iter().zip(other).filter(|(one, other)| one != other).count();
                format!("{name}: {bytes} of {} bytes", one.len())
            }
            (Some(one), Some(other)) => format!("{name}: {} and {} bytes", one.len(), other.len()),
            (Some(_), None) => format!("{name}: in the first alone"),
            (None, _) => format!("{name}: in the second alone"),
        };
        told.push(line);
    }
    Ok(told)
}

fn sections(binary: &[u8]) -> Result<BTreeMap<String, Vec<u8>>> {
    let file = object::File::parse(binary).context("what was built is no binary")?;
    let mut sections = BTreeMap::new();
    for section in file.sections() {
        let name = section.name().unwrap_or("?").to_owned();
        sections.entry(name).or_insert_with(Vec::new).extend_from_slice(section.data()?);
    }
    Ok(sections)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_section_that_differs_is_named() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(differences(&own, &own).unwrap().is_empty());
        let file = object::File::parse(own.as_slice()).unwrap();
        let (at, _) = file.section_by_name(".rodata").unwrap().file_range().unwrap();
        let mut changed = own.clone();
        changed[usize::try_from(at).unwrap() + 7] ^= 1;
        let told = differences(&own, &changed).unwrap();
        assert!(told.len() == 1 && told[0].starts_with(".rodata: 1 of "), "{told:?}");
        assert!(differences(b"text", &own).is_err());
    }
}
