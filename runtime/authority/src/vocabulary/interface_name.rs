//! Exact names of capability interfaces. Semantic-version matching would let a plugin built for one
//! text of an interface meet another, so a name here matches byte for byte or not at all.

use crate::AuthorityError;
use serde::{Deserialize, Serialize, de};
use std::{fmt, str::FromStr, sync::Arc};

/// A WIT interface with its exact version: `interlock:environment/remediate@0.1.0`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceName(Arc<str>);

impl InterfaceName {
    /// The whole name, with its version.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// The part between `/` and `@`: `remediate`.
    pub fn interface(&self) -> &str {
        let rest = self.0.split_once('/').map_or("", |(_, rest)| rest);
        rest.split_once('@').map_or(rest, |(interface, _)| interface)
    }
    /// The part before `/`: `interlock:environment`.
    pub fn package(&self) -> &str {
        self.0.split_once('/').map_or("", |(package, _)| package)
    }
    /// The part after `@`: `0.1.0`.
    pub fn version(&self) -> &str {
        self.0.split_once('@').map_or("", |(_, version)| version)
    }
    /// The name without its version: `interlock:environment/remediate`.
    pub fn unversioned(&self) -> &str {
        self.0.split_once('@').map_or(&self.0, |(name, _)| name)
    }
}

/// Words of lower-case letters and digits joined by single hyphens, each starting with a letter
/// (the lower-case half of the component model's `kebab-name`).
fn is_kebab(text: &str) -> bool {
    !text.is_empty()
        && text.split('-').all(|word| {
            word.starts_with(|c: char| c.is_ascii_lowercase())
                && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        })
}

/// `MAJOR.MINOR.PATCH` with an optional pre-release or build suffix (semver.org 2.0.0), loosely: the
/// name is only ever compared whole.
fn is_version(text: &str) -> bool {
    let core = text.split(['-', '+']).next().unwrap_or("");
    core.split('.').count() == 3
        && core.split('.').all(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit()))
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+'))
}

impl FromStr for InterfaceName {
    type Err = AuthorityError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let valid = text.split_once('/').is_some_and(|(package, rest)| {
            package.split_once(':').is_some_and(|(ns, name)| is_kebab(ns) && is_kebab(name))
                && rest.split_once('@').is_some_and(|(i, v)| is_kebab(i) && is_version(v))
        });
        if valid {
            Ok(Self(text.into()))
        } else {
            Err(AuthorityError::BadInterfaceName(text.chars().take(200).collect()))
        }
    }
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Serialize for InterfaceName {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for InterfaceName {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::InterfaceName;

    #[test]
    fn parts() {
        let name: InterfaceName = "interlock:environment/remediate@0.1.0".parse().unwrap();
        assert_eq!(
            (name.package(), name.interface(), name.version(), name.unversioned()),
            ("interlock:environment", "remediate", "0.1.0", "interlock:environment/remediate")
        );
    }

    #[test]
    fn only_exact_names() {
        for bad in [
            "",
            "remediate",
            "interlock:environment/remediate",
            "interlock:environment/remediate@1",
            "interlock:environment/remediate@1.0",
            "interlock:environment@0.1.0",
            "Interlock:environment/remediate@0.1.0",
            "interlock:environment/re mediate@0.1.0",
            "interlock:environment/re\u{2011}mediate@0.1.0",
            "interlock:environment/-x@0.1.0",
            "a:b/c@1.0.0/d",
            "a:b/c@1.0.0@2.0.0",
        ] {
            assert!(bad.parse::<InterfaceName>().is_err(), "{bad}");
        }
    }
}
