//! Questions that were answered with yes before. An answer is a function of the policy set, which never changes
//! while it lives, and of the question; it is found by the whole question and not by a digest of it, so that no
//! other one can be taken for it. A no is never kept: it is found again each time.
//!
//! The mistake it stops: a yes that outlives what it was given for. What policies cannot see yet must come into
//! the key before it comes into the question.

use super::{Allowed, Asking};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// The most answers that are kept; then all are forgotten.
const MOST: usize = 1024;
/// The longest question that is kept.
const LONGEST: usize = 2048;

/// A whole question.
pub(super) struct Key(String);

impl Key {
    /// Of who asks, and everything else that Cedar would be told.
    pub(super) fn of(asking: &Asking<'_>, rest: &[&str]) -> Self {
        let mut key = Self(String::with_capacity(256));
        key.part(&asking.principal.to_string());
        key.part(asking.plugin);
        for byte in asking.digest.as_bytes() {
            key.0.push(char::from(*byte));
        }
        key.part(if asking.publisher.is_some() { "by" } else { "" });
        key.part(asking.publisher.unwrap_or_default());
        key.part(asking.tool);
        for part in rest {
            key.part(part);
        }
        key
    }

    /// With its length before it: two parts are never one.
    fn part(&mut self, text: &str) {
        // In hexadecimal digits by hand: there are ten of these in each question, and the formatting machinery took
        // longer than the look-up.
        let digits = (0..8).rev().map(|place| text.len() >> (4 * place) & 15);
        self.0.extend(digits.filter_map(|digit| char::from_digit(u32::try_from(digit).ok()?, 16)));
        self.0.push(':');
        self.0.push_str(text);
    }
}

/// The answers.
#[derive(Debug, Default)]
pub(super) struct Repeated(Mutex<HashMap<String, Allowed>>);

impl Repeated {
    /// The answer to a question that was asked before, or what `ask` says.
    pub(super) fn or<E>(
        &self,
        key: Key,
        ask: impl FnOnce() -> Result<Allowed, E>,
    ) -> Result<Allowed, E> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key.0).cloned();
        if let Some(allowed) = known {
            return Ok(allowed);
        }
        let allowed = ask()?;
        if key.0.len() <= LONGEST {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= MOST {
                known.clear();
            }
            known.insert(key.0, allowed.clone());
        }
        Ok(allowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::{Digest, Principal};

    #[test]
    fn every_part_of_a_question_is_in_its_key() {
        let (bot, person): (Principal, Principal) =
            ("Agent::bot".parse().unwrap(), "Person::bot".parse().unwrap());
        let one = Asking {
            principal: &bot,
            plugin: "p",
            digest: Digest::from_bytes([7; 32]),
            publisher: None,
            tool: "t",
        };
        let others = [
            Asking { principal: &person, ..one },
            Asking { plugin: "q", ..one },
            Asking { digest: Digest::from_bytes([8; 32]), ..one },
            Asking { publisher: Some(""), ..one },
            Asking { publisher: Some("acme"), ..one },
            Asking { tool: "u", ..one },
        ];
        let key = Key::of(&one, &["ab", "c"]).0;
        assert_eq!(key, Key::of(&one, &["ab", "c"]).0);
        for other in others {
            assert_ne!(key, Key::of(&other, &["ab", "c"]).0, "{other:?}");
        }
        for rest in [&["a", "bc"][..], &["abc"], &["ab", "c", ""], &["ab1:c"]] {
            assert_ne!(key, Key::of(&one, rest).0, "{rest:?}");
        }
    }

    #[test]
    fn fail_closed_a_no_is_never_kept_and_what_is_kept_is_bounded() {
        let bot: Principal = "Agent::bot".parse().unwrap();
        let asking = Asking {
            principal: &bot,
            plugin: "p",
            digest: Digest::from_bytes([7; 32]),
            publisher: None,
            tool: "t",
        };
        let repeated = Repeated::default();
        let ask = |part: &str, answer| repeated.or(Key::of(&asking, &[part]), || answer);
        assert_eq!(ask("a", Err("no")), Err("no"));
        assert_eq!(ask("a", Ok(Allowed::default())), Ok(Allowed::default()));
        // Known now: nobody is asked.
        assert_eq!(ask("a", Err("no")), Ok(Allowed::default()));
        let long = "x".repeat(LONGEST);
        assert!(ask(&long, Ok(Allowed::default())).is_ok());
        assert_eq!(ask(&long, Err("no")), Err("no"));
        for number in 0..3 * MOST {
            assert!(ask(&number.to_string(), Ok(Allowed::default())).is_ok());
        }
        assert!(repeated.0.lock().unwrap().len() <= MOST);
    }
}
