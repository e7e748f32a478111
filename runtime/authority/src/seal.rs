//! The seal: rules that were sealed are changed by the people of those rules, and by nobody else. Whoever can
//! write the configuration could otherwise lower what needs people, and then ask nobody. The seal itself is
//! one of the rules: taking it off needs the same people.

use crate::{
    epoch::{Epoch, EpochPart},
    needs::Needs,
};
use serde::{Deserialize, Serialize};

/// Rules as the journal tells them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Their digests.
    #[serde(flatten)]
    pub epoch: Epoch,
    /// Whether a change of them must be accepted.
    pub seal: bool,
    /// Who must accept it.
    pub needs: Needs,
}

/// One entry of the journal about rules, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A host started with them.
    Loaded(Sealed),
    /// The people of the rules before agreed to them.
    Accepted(Sealed),
}

/// The rules in force, and which entry they are of.
///
/// Rules without a seal follow whatever a host starts with. From the first sealed ones on, only rules that
/// people accepted take their place.
pub fn in_force(history: impl IntoIterator<Item = (u64, Told)>) -> Option<(u64, Sealed)> {
    let mut now: Option<(u64, Sealed)> = None;
    for (entry, told) in history {
        match told {
            Told::Accepted(rules) => now = Some((entry, rules)),
            Told::Loaded(rules) if now.as_ref().is_none_or(|(_, before)| !before.seal) => {
                now = Some((entry, rules));
            }
            Told::Loaded(_) => {}
        }
    }
    now
}

/// Who must accept a change of rules: those whom the rules say, and somebody in any case.
pub fn acceptors(in_force: &Sealed) -> Needs {
    if in_force.needs.is_nobody() { Needs::people(1, "", None) } else { in_force.needs.clone() }
}

/// Whether a host with these rules may have effects.
///
/// # Errors
/// The first part in which they differ from the sealed rules in force.
pub fn check(in_force: Option<&Sealed>, current: &Epoch) -> Result<(), EpochPart> {
    match in_force {
        Some(rules) if rules.seal => {
            rules.epoch.differences(current).first().map_or(Ok(()), |part| Err(*part))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Sealed, Told, check, in_force};
    use crate::{
        canonical::digest_bytes,
        epoch::{Epoch, EpochPart},
        needs::Needs,
    };

    fn rules(policies: &str, seal: bool) -> Sealed {
        let digest = |text: &str| digest_bytes("test", text.as_bytes());
        let approvers = digest(if seal { "sealed" } else { "open" });
        let epoch = Epoch { policies: digest(policies), catalogues: digest("c"), approvers };
        Sealed { epoch, seal, needs: Needs::people(2, "", None) }
    }

    /// Every history of three entries over two policies, sealed or not, loaded or accepted: what was sealed is
    /// followed only by what was accepted.
    #[test]
    fn fail_closed_sealed_rules_are_followed_only_by_accepted_ones() {
        let all: Vec<Told> = [("a", false), ("a", true), ("b", false), ("b", true)]
            .into_iter()
            .flat_map(|(p, seal)| [Told::Loaded(rules(p, seal)), Told::Accepted(rules(p, seal))])
            .collect();
        for one in &all {
            for two in &all {
                for three in &all {
                    let history = [one.clone(), two.clone(), three.clone()];
                    let mut expected: Option<Sealed> = None;
                    for told in &history {
                        let sealed = expected.as_ref().is_some_and(|e| e.seal);
                        match told {
                            Told::Loaded(_) if sealed => {}
                            Told::Loaded(rules) | Told::Accepted(rules) => {
                                expected = Some(rules.clone());
                            }
                        }
                    }
                    let found = in_force((0..).zip(history.clone())).map(|(_, rules)| rules);
                    assert_eq!(found, expected, "{history:?}");
                }
            }
        }
    }

    #[test]
    fn fail_closed_taking_the_seal_off_is_a_change_too() {
        let sealed = rules("a", true);
        assert_eq!(check(Some(&sealed), &sealed.epoch), Ok(()));
        assert_eq!(check(Some(&sealed), &rules("a", false).epoch), Err(EpochPart::Approvers));
        assert_eq!(check(Some(&sealed), &rules("b", true).epoch), Err(EpochPart::Policies));
        assert_eq!(check(Some(&rules("a", false)), &rules("b", true).epoch), Ok(()));
        assert_eq!(check(None, &sealed.epoch), Ok(()));
    }
}
