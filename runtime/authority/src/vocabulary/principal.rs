//! Who asks. Agents and people are different kinds, so that an agent named like a person is never
//! that person.

use crate::AuthorityError;
use serde::{Deserialize, Serialize, de};
use std::{fmt, str::FromStr};

/// Who asks: `Agent::"oncall-bot"` or `Person::"amira"`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Principal {
    /// A program that acts for people.
    Agent(String),
    /// A human being.
    Person(String),
}

impl Principal {
    /// The name without its kind.
    pub fn name(&self) -> &str {
        match self {
            Self::Agent(name) | Self::Person(name) => name,
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agent(name) => write!(f, "Agent::\"{name}\""),
            Self::Person(name) => write!(f, "Person::\"{name}\""),
        }
    }
}

/// A name that needs no quoting anywhere: `[A-Za-z0-9][A-Za-z0-9._-]{0,127}`.
fn is_name(text: &str) -> bool {
    super::is_segment(text)
}

impl FromStr for Principal {
    type Err = AuthorityError;
    /// Reads `Agent::"x"`, `Person::"x"`, and the same without quotes, as a shell would leave them.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || AuthorityError::BadPrincipal(text.chars().take(200).collect());
        let (kind, name) = text.split_once("::").ok_or_else(bad)?;
        let name = name.strip_prefix('"').and_then(|n| n.strip_suffix('"')).unwrap_or(name);
        if !is_name(name) {
            return Err(bad());
        }
        match kind {
            "Agent" => Ok(Self::Agent(name.to_owned())),
            "Person" => Ok(Self::Person(name.to_owned())),
            _ => Err(bad()),
        }
    }
}

impl Serialize for Principal {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Principal {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Principal;

    #[test]
    fn reads_both_forms_and_nothing_else() {
        let agent: Principal = "Agent::\"oncall-bot\"".parse().unwrap();
        assert_eq!(agent, "Agent::oncall-bot".parse().unwrap());
        assert_eq!(agent.to_string(), "Agent::\"oncall-bot\"");
        assert_ne!(agent, "Person::oncall-bot".parse().unwrap());
        for bad in ["", "amira", "Robot::x", "Agent::", "Agent::\"\"", "Agent::\"a", "Agent::a b"] {
            assert!(bad.parse::<Principal>().is_err(), "{bad}");
        }
    }
}
