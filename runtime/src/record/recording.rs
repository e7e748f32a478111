//! One run, written down so that it can be done again offline: what it started from, every capability call
//! with its answer, and how it ended. What is too large is not kept at all: half a recording would blame the
//! plugin for what the host left out.

use interlock_authority::{Digest, InterfaceName, LinkState, Mode, Principal, canonical};
use interlock_sandbox::{GateAnswer, GuestCall, Limits, RunReport};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What each imported function was.
pub(super) type Links = BTreeMap<InterfaceName, BTreeMap<String, LinkState>>;

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// The version of the host. Fuel is compared between equal ones: another engine counts otherwise.
    pub host: String,
    /// What the run was for.
    pub mode: Mode,
    /// Who asked.
    pub principal: Principal,
    /// The plugin's name.
    pub plugin: String,
    /// Its identity.
    pub digest: Digest,
    /// The tool.
    pub tool: String,
    /// Its arguments.
    pub arguments: Value,
    /// Where its clocks started, unix milliseconds.
    pub clock_base: u64,
    /// What its random numbers came from, 64 hexadecimal digits.
    pub seed: String,
    /// What each imported function was.
    pub links: Links,
    /// What it might use.
    pub limits: Limits,
    /// Every capability call that came to the gate, in order.
    pub calls: Vec<RecordedCall>,
    /// How it ended.
    pub end: End,
}

/// One capability call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedCall {
    /// What was called.
    #[serde(flatten)]
    pub asked: Asked,
    /// What the gate said.
    pub answer: Answer,
}

/// A capability call as the plugin made it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// The interface.
    pub interface: InterfaceName,
    /// The function.
    pub function: String,
    /// The arguments by position.
    pub arguments: Vec<Value>,
    /// Why they have no JSON, where one of them has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub malformed: Option<String>,
}

impl From<&GuestCall> for Asked {
    fn from(call: &GuestCall) -> Self {
        let (arguments, malformed) = match &call.arguments {
            Ok(arguments) => (arguments.clone(), None),
            Err(problem) => (Vec::new(), Some(problem.clone())),
        };
        let (interface, function) = (call.interface.clone(), call.function.to_string());
        Self { interface, function, arguments, malformed }
    }
}

/// What the gate said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Answer {
    /// The function's result.
    Result(Value),
    /// The guest was told no.
    Denied {
        /// A stable code.
        code: String,
        /// One sentence.
        sentence: String,
    },
    /// The run ended there.
    Ended {
        /// A stable code.
        code: String,
        /// One sentence.
        message: String,
        /// Whether a limit of the run was reached.
        limit: bool,
    },
}

impl From<&GateAnswer> for Answer {
    fn from(answer: &GateAnswer) -> Self {
        match answer {
            GateAnswer::Result(value) => Self::Result(value.clone()),
            GateAnswer::Denied { code, sentence } => {
                Self::Denied { code: code.clone().into_owned(), sentence: sentence.clone() }
            }
            GateAnswer::End { code, message, limit } => Self::Ended {
                code: code.clone().into_owned(),
                message: message.clone(),
                limit: *limit,
            },
        }
    }
}

impl From<Answer> for GateAnswer {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Result(value) => Self::Result(value),
            Answer::Denied { code, sentence } => Self::Denied { code: code.into(), sentence },
            Answer::Ended { code, message, limit } => {
                Self::End { code: code.into(), message, limit }
            }
        }
    }
}

/// How a run ended, as far as two runs can be compared by it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// The outcome, as the sandbox reports it.
    pub outcome: Value,
    /// Fuel used, where the run came to its end.
    pub fuel: Option<u64>,
    /// The digest of what it wrote to standard output and standard error.
    pub log: Digest,
    /// Calls of withheld functions: how many met a stub.
    pub withheld: u64,
}

impl From<&RunReport> for End {
    fn from(report: &RunReport) -> Self {
        let streams = [&report.stdout, &report.stderr];
        let written: Vec<u8> = streams
            .iter()
            .flat_map(|s| [s.text.as_bytes(), b"\0", &s.dropped_bytes.to_be_bytes()].concat())
            .collect();
        Self {
            // An outcome is always JSON: its strings, numbers and names are.
            outcome: serde_json::to_value(&report.outcome).unwrap_or(Value::Null),
            fuel: report.fuel,
            log: canonical::digest_bytes("interlock-log/v1", &written),
            withheld: report.withheld.iter().map(|calls| calls.count).sum(),
        }
    }
}

/// Why a run cannot be done again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotKept {
    /// It has more bytes than `[limits] recording` allows.
    TooLarge,
    /// It could read folders of the host, whose content is not in the journal.
    Preopens,
}

impl NotKept {
    /// For people.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::TooLarge => "it has more bytes than `[limits] recording` allows",
            Self::Preopens => {
                "the plugin could read folders of the host, and their content is not in the journal"
            }
        }
    }
}

/// The calls of a run so far, bounded.
#[derive(Debug)]
pub struct Calls {
    calls: Vec<RecordedCall>,
    left: u64,
    too_large: bool,
}

impl Calls {
    /// None yet, and room for this many bytes of JSON.
    pub const fn new(most: u64) -> Self {
        Self { calls: Vec::new(), left: most, too_large: false }
    }

    /// Whether there is any use in making a call's record.
    pub const fn wanted(&self) -> bool {
        !self.too_large && self.left > 0
    }

    /// Keeps a call that takes this many bytes, names not counted.
    pub fn add(&mut self, asked: Asked, answer: Answer, bytes: u64) {
        let names = asked.interface.as_str().len().saturating_add(asked.function.len()) as u64;
        match self.left.checked_sub(bytes.saturating_add(names)) {
            Some(left) if !self.too_large => {
                self.left = left;
                self.calls.push(RecordedCall { asked, answer });
            }
            // One that is too large is of no use: its room is given back at once.
            _ => {
                self.too_large = true;
                self.calls = Vec::new();
            }
        }
    }

    /// The calls, and how many bytes were left.
    pub fn take(&mut self) -> Result<(Vec<RecordedCall>, u64), NotKept> {
        match self.too_large {
            false => Ok((std::mem::take(&mut self.calls), self.left)),
            true => Err(NotKept::TooLarge),
        }
    }
}

impl Recording {
    /// The run, if what is not its calls fits into this many bytes.
    ///
    /// # Errors
    /// Why it is not kept.
    pub fn checked(self, left: u64) -> Result<Self, NotKept> {
        let size = |value: &Value| serde_json::to_vec(value).map_or(u64::MAX, |v| v.len() as u64);
        let size = size(&self.arguments).saturating_add(size(&self.end.outcome));
        if size <= left { Ok(self) } else { Err(NotKept::TooLarge) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Asked, Calls, NotKept};
    use serde_json::{Value, json};

    /// A plugin that gets another number than it got then is not to blame for what it does.
    #[test]
    fn numbers_come_back_as_they_were() {
        let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..100_000 {
            bits ^= bits << 13;
            bits ^= bits >> 7;
            bits ^= bits << 17;
            let written = Value::from(f64::from_bits(bits));
            let read: Value = serde_json::from_str(&written.to_string()).expect("JSON");
            assert_eq!(read, written);
        }
    }

    #[test]
    fn calls_that_do_not_fit_are_given_up_whole() {
        let asked = || Asked {
            interface: "a:b/c@1.0.0".parse().expect("a name"),
            function: "f".to_owned(),
            arguments: vec![json!("x")],
            malformed: None,
        };
        let mut calls = Calls::new(100);
        for n in 0..3 {
            assert!(calls.wanted(), "{n}");
            calls.add(asked(), Answer::Result(json!(n)), 20);
        }
        assert_eq!(calls.take().map(|(calls, left)| (calls.len(), left)), Ok((3, 4)));
        calls.add(asked(), Answer::Result(json!(4)), 20);
        assert!(!calls.wanted());
        calls.add(asked(), Answer::Result(json!(5)), 0);
        assert_eq!(calls.take(), Err(NotKept::TooLarge));
        assert!(!Calls::new(0).wanted());
    }
}
