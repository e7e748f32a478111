//! WebAssembly text: the shortest component around a hostile body, and one that calls capabilities with their
//! true types.
//!
//! The mistake it stops: a component that is refused for a fault of whoever wrote it.

use super::doors::{Arg, Door};

/// A component whose tool `run` is this function of a core module.
pub(crate) fn run(module: &str) -> String {
    around("", module, "(func (export \"run\") (result u32) (canon lift (core func $c \"run\")))")
}

/// A component: what comes before its core module, the module, and what it exports.
pub(crate) fn around(before: &str, module: &str, exports: &str) -> String {
    format!(
        "(component\n{before}\n(core module $m\n{module})\n(core instance $c (instantiate $m))\n{exports})\n"
    )
}

/// A component whose tool returns what this core function makes in its memory, as this type.
pub(crate) fn returns(ty: &str, core: &str, module: &str) -> String {
    around(
        "",
        &format!("(memory (export \"mem\") 4)\n(func (export \"run\") (result {core}) {module})"),
        &format!(
            "{ty}\n(func (export \"run\") (result $t) (canon lift (core func $c \"run\") (memory (core memory $c \"mem\"))))"
        ),
    )
}

const MEMORY: &str = "(memory (export \"mem\") 8)";
/// Where answers are put: nobody reads more of one than its first byte.
const ANSWERS: u32 = 0x4_0000;
const WORDS: u32 = 1024;

/// A component that calls capabilities.
pub(crate) struct Caller {
    doors: Vec<&'static Door>,
    words: Vec<u8>,
    body: String,
    realloc: String,
}

impl Caller {
    pub(crate) fn new() -> Self {
        Self {
            doors: Vec::new(),
            words: Vec::new(),
            body: String::new(),
            realloc: format!("(i32.const {ANSWERS})"),
        }
    }

    /// What it answers where the host wants memory of it for an answer.
    pub(crate) fn realloc(mut self, body: &str) -> Self {
        self.realloc = body.into();
        self
    }

    /// Text in its memory: pointer and length, as instructions.
    pub(crate) fn word(&mut self, text: &[u8]) -> String {
        let at = WORDS as usize + self.words.len();
        self.words.extend_from_slice(text);
        format!("(i32.const {at}) (i32.const {})", text.len())
    }

    /// One call; `run` returns how many calls were answered with anything but an error.
    pub(crate) fn call(&mut self, door: &'static Door, arguments: &[Arg]) {
        let call = self.instruction(door, arguments);
        self.body.push_str(&format!(
            "{call}\n(local.set $done (i32.add (local.get $done) (i32.eqz (i32.load8_u (i32.const 64)))))\n"
        ));
    }

    /// The same call for ever.
    pub(crate) fn for_ever(&mut self, door: &'static Door, arguments: &[Arg]) {
        let call = self.instruction(door, arguments);
        self.body.push_str(&format!("(loop {call} (br 0))\n"));
    }

    /// The same call so many times.
    pub(crate) fn times(&mut self, times: u32, door: &'static Door, arguments: &[Arg]) {
        let before = std::mem::take(&mut self.body);
        self.call(door, arguments);
        let once = std::mem::replace(&mut self.body, before);
        self.body.push_str(&format!(
            "(local.set $n (i32.const {times}))\n(loop {once}\
             (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))\n"
        ));
    }

    /// Instructions of one's own.
    pub(crate) fn then(&mut self, instructions: &str) {
        self.body.push_str(instructions);
    }

    fn instruction(&mut self, door: &'static Door, arguments: &[Arg]) -> String {
        let index = self.doors.iter().position(|known| std::ptr::eq(*known, door));
        let index = index.unwrap_or_else(|| {
            self.doors.push(door);
            self.doors.len() - 1
        });
        let mut call = format!("(call $f{index}");
        for argument in arguments {
            call.push(' ');
            call.push_str(&match argument {
                Arg::Word(text) => self.word(text.as_bytes()),
                Arg::Raw(bytes) => self.word(bytes),
                Arg::Long(byte, length) => {
                    // Memory that was never written is full of zeros; of another byte it is made when it runs.
                    self.body.push_str(&format!(
                        "(memory.fill (i32.const 65536) (i32.const {byte}) (i32.const {length}))\n"
                    ));
                    format!("(i32.const 65536) (i32.const {length})")
                }
                Arg::I32(number) => format!("(i32.const {number})"),
                Arg::I64(number) => format!("(i64.const {number})"),
                Arg::None => "(i32.const 0) (i32.const 0)".to_owned(),
                Arg::NoText => "(i32.const 0) (i32.const 0) (i32.const 0)".to_owned(),
                Arg::Empty => "(i32.const 0) (i32.const 0)".to_owned(),
                Arg::Pairs(pairs) => self.pairs(pairs),
                Arg::Body(kind, text) => {
                    let (kind, text) = (self.word(kind.as_bytes()), self.word(text.as_bytes()));
                    format!("(i32.const 1) {kind} {text}")
                }
            });
        }
        call.push_str(" (i32.const 64))");
        call
    }

    /// `list<record { name: string, value: string }>`.
    fn pairs(&mut self, pairs: &[(&str, &str)]) -> String {
        let mut record = Vec::new();
        for (name, value) in pairs {
            for text in [name, value] {
                let at = WORDS as usize + self.words.len();
                self.words.extend_from_slice(text.as_bytes());
                record.extend_from_slice(&(at as u32).to_le_bytes());
                record.extend_from_slice(&(text.len() as u32).to_le_bytes());
            }
        }
        while !self.words.len().is_multiple_of(4) {
            self.words.push(0);
        }
        let at = WORDS as usize + self.words.len();
        self.words.extend_from_slice(&record);
        format!("(i32.const {at}) (i32.const {})", pairs.len())
    }

    /// The capabilities that it imports.
    pub(crate) fn needs(&self) -> Vec<&'static str> {
        let mut all: Vec<&str> = self.doors.iter().map(|door| door.capability).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The component.
    pub(crate) fn finish(self) -> String {
        let mut text = String::from("(component\n");
        let needs = self.needs();
        for (at, capability) in needs.iter().enumerate() {
            text.push_str(&format!("(import \"interlock:{capability}@0.1.0\" (instance $i{at}\n"));
            let doors = self.doors.iter().filter(|door| door.capability == *capability);
            let mut types: Vec<&str> = Vec::new();
            for ty in doors.clone().flat_map(|door| super::doors::types(door)) {
                if !types.contains(&ty) {
                    types.push(ty);
                }
            }
            for ty in types {
                text.push_str(ty);
                text.push('\n');
            }
            for door in doors {
                text.push_str(&format!(
                    "(export \"{}\" (func {} {}))\n",
                    door.name, door.parameters, door.result
                ));
            }
            text.push_str("))\n");
        }
        let words: String = self.words.iter().map(|byte| format!("\\{byte:02x}")).collect();
        text.push_str(&format!(
            "(core module $heap {MEMORY} (data (i32.const {WORDS}) \"{words}\")\n\
             (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) {}))\n\
             (core instance $h (instantiate $heap))\n(alias core export $h \"mem\" (core memory $mem))\n",
            self.realloc
        ));
        let (mut imports, mut gives) = (String::new(), String::new());
        for (at, door) in self.doors.iter().enumerate() {
            let instance = needs.iter().position(|name| *name == door.capability).unwrap_or(0);
            text.push_str(&format!(
                "(core func $f{at} (canon lower (func $i{instance} \"{}\") (memory $mem) (realloc (func $h \"realloc\"))))\n",
                door.name
            ));
            imports.push_str(&format!(
                "(import \"host\" \"f{at}\" (func $f{at} (param {} i32)))\n",
                door.flat
            ));
            gives.push_str(&format!("(export \"f{at}\" (func $f{at}))"));
        }
        text.push_str(&format!(
            "(core module $m (import \"h\" \"mem\" (memory 1))\n{imports}\
             (func (export \"run\") (result i32) (local $done i32) (local $n i32)\n{}(local.get $done)))\n\
             (core instance $c (instantiate $m (with \"h\" (instance $h)) (with \"host\" (instance {gives}))))\n\
             (func (export \"run\") (result u32) (canon lift (core func $c \"run\"))))\n",
            self.body
        ));
        text
    }
}
