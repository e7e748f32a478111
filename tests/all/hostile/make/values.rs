//! Values that lie: pointers, lengths and discriminants of what a tool returns, and what realloc gives.

use serde_json::json;

use super::super::attack::Attack;
use super::attack;
use super::text::{around, returns};

const TRAP: &str = "ends the run: the value is not one of its type";
const FINE: &str = "is read as the type says, and nothing else of it";

/// A tool that returns a pointer to these words.
fn pointed(name: &str, rows: &str, what: &str, ty: &str, words: &[u32]) -> Attack {
    let stores: String = words
        .iter()
        .enumerate()
        .map(|(at, word)| {
            format!("(i32.store offset={} (i32.const 16) (i32.const {}))", at * 4, *word as i32)
        })
        .collect();
    attack(name, rows, what, returns(ty, "i32", &format!("{stores} (i32.const 16)"))).ends(5, TRAP)
}

/// A tool that returns this number as such a type.
fn flat(name: &str, what: &str, ty: &str, number: u32) -> Attack {
    attack(name, "C8 C5", what, returns(ty, "i32", &format!("(i32.const {})", number as i32)))
        .ends(5, TRAP)
}

/// A tool that takes text, for which realloc does this.
fn given(name: &str, rows: &str, what: &str, realloc: &str) -> Attack {
    let text = around(
        "",
        &format!(
            "(memory (export \"mem\") 1)\n(func $r (export \"realloc\") (param i32 i32 i32 i32) (result i32) {realloc})\n\
             (func (export \"run\") (param i32 i32) (result i32) (i32.const 1))"
        ),
        "(func (export \"run\") (param \"x\" string) (result u32) (canon lift (core func $c \"run\") (memory (core memory $c \"mem\")) (realloc (core func $c \"realloc\"))))",
    );
    attack(name, rows, what, text).calls("run", json!({"x": "a few words"})).ends(5, TRAP)
}

pub(super) fn all() -> Vec<Attack> {
    let string = "(type $t string)";
    let float = |name: &str, what: &str, bits: &str| {
        attack(
            name,
            "C13",
            what,
            returns("(type $t f64)", "f64", &format!("(f64.reinterpret_i64 (i64.const {bits}))")),
        )
    };
    let cases: String = (0..300).map(|n| format!(" \"c{n}\"")).collect();
    vec![
        pointed("text-beyond", "C4 C8", "text that ends outside of the memory", string, &[262_000, 1_000]),
        pointed("text-4gib", "C4 C8", "text of 4 GiB less one", string, &[16, u32::MAX]),
        pointed("text-wraps", "C4 C8", "text whose end is before its beginning", string, &[u32::MAX - 8, 16]),
        pointed("list-wraps", "C4 C8", "a list whose bytes are more than a number has", "(type $t (list u64))", &[16, 0x2000_0001]),
        pointed("list-crooked", "C8", "a list that begins at an odd address", "(type $t (list u64))", &[17, 2]),
        attack("list-of-lists", "C4", "a list of 4,096 lists that are all the same 64 KiB", returns("(type $t (list (list u8)))", "i32", "(local $n i32) (loop $l (i32.store offset=1024 (local.get $n) (i32.const 65536)) (i32.store offset=1028 (local.get $n) (i32.const 65536)) (local.set $n (i32.add (local.get $n) (i32.const 8))) (br_if $l (i32.lt_u (local.get $n) (i32.const 32768)))) (i32.store (i32.const 16) (i32.const 1024)) (i32.store (i32.const 20) (i32.const 4096)) (i32.const 16)"))
            .ends(5, "ends the run at the bytes of one call, before the host has them"),
        pointed("text-shared", "C4", "a list of 20,000 texts that are all the same ones", "(type $t (list string))", &[1024, 20_000])
            .ends(0, "is read as empty texts, within the bytes of one call"),
        attack("text-not-utf8", "C8 B10", "text that is not UTF-8", returns(string, "i32", "(i32.store8 (i32.const 64) (i32.const 0xff)) (i32.store (i32.const 16) (i32.const 64)) (i32.store (i32.const 20) (i32.const 1)) (i32.const 16)")).ends(5, TRAP),
        attack("text-surrogate", "C8", "text with half a surrogate pair in it", returns(string, "i32", "(i32.store (i32.const 64) (i32.const 0x0080a0ed)) (i32.store (i32.const 16) (i32.const 64)) (i32.store (i32.const 20) (i32.const 3)) (i32.const 16)")).ends(5, TRAP),
        attack("text-terminal", "C6", "text that moves the cursor and ends a line", returns(string, "i32", "(i64.store (i32.const 64) (i64.const 0x0d0a5b1b4a325b1b)) (i32.store (i32.const 16) (i32.const 64)) (i32.store (i32.const 20) (i32.const 8)) (i32.const 16)")).ends(0, "is told as JSON, every control character escaped"),
        attack("pointer-beyond", "C8", "a result that is not in the memory at all", returns(string, "i32", "(i32.const -8)")).ends(5, TRAP),
        attack("pointer-crooked", "C8", "a result at an odd address", returns(string, "i32", "(i32.const 17)")).ends(5, TRAP),
        attack("output-2mib", "C4", "2 MiB of text", around("", "(memory (export \"mem\") 40) (func (export \"run\") (result i32) (memory.fill (i32.const 1024) (i32.const 97) (i32.const 2097152)) (i32.store (i32.const 16) (i32.const 1024)) (i32.store (i32.const 20) (i32.const 2097152)) (i32.const 16))", "(type $t string) (func (export \"run\") (result $t) (canon lift (core func $c \"run\") (memory (core memory $c \"mem\"))))")).ends(5, "ends at the bytes of a result"),
        attack("output-60mib", "C4", "60 MiB of text", around("", "(memory (export \"mem\") 961) (func (export \"run\") (result i32) (i32.store (i32.const 16) (i32.const 1024)) (i32.store (i32.const 20) (i32.const 62914560)) (i32.const 16))", "(type $t string) (func (export \"run\") (result $t) (canon lift (core func $c \"run\") (memory (core memory $c \"mem\"))))")).ends(5, "ends at the bytes of one call, before the host has them"),
        attack("output-control", "C4 C6", "600 KiB of zero bytes, which are six times as long in JSON", around("", "(memory (export \"mem\") 12) (func (export \"run\") (result i32) (i32.store (i32.const 16) (i32.const 1024)) (i32.store (i32.const 20) (i32.const 614400)) (i32.const 16))", "(type $t string) (func (export \"run\") (result $t) (canon lift (core func $c \"run\") (memory (core memory $c \"mem\"))))")).ends(5, "ends at the bytes of a result, as JSON has them"),
        flat("enum-beyond", "a case that an enum does not have", "(type $t' (enum \"a\" \"b\")) (export $t \"t\" (type $t'))", 9),
        flat("enum-far", "a case of a large enum, by a number that is negative", &format!("(type $t' (enum{cases})) (export $t \"t\" (type $t'))"), u32::MAX),
        flat("char-surrogate", "a character that is half a surrogate pair", "(type $t char)", 0xd800),
        flat("char-beyond", "a character after the last", "(type $t char)", 0x11_0000),
        flat("bool-two", "a truth of two", "(type $t bool)", 2).ends(0, FINE),
        flat("byte-large", "a byte of 4 billion", "(type $t u8)", 0xffff_ff01).ends(0, FINE),
        flat("flags-beyond", "flags that there are not", "(type $t' (flags \"a\" \"b\")) (export $t \"t\" (type $t'))", 0xffff_fffd).ends(0, FINE),
        pointed("flags-many", "C8", "33 flags, one more than a number has, as of CVE-2026-34943", &format!("(type $t' (flags{})) (export $t \"t\" (type $t'))", (0..33).map(|n| format!(" \"f{n}\"")).collect::<String>()), &[u32::MAX, u32::MAX])
            .refused(2, "is not a component: there are at most 32"),
        pointed("option-seven", "C8 C5", "an option that is neither there nor not", "(type $t (option u32))", &[7, 1]),
        pointed("result-nine", "C8 C5", "a result that is neither good nor bad", "(type $t (result u32 (error u32)))", &[9, 1]),
        pointed("variant-beyond", "C8 C5", "a case that a variant does not have", "(type $t' (variant (case \"a\" u64) (case \"b\"))) (export $t \"t\" (type $t'))", &[200, 0]),
        float("nan-payload", "a NaN with a message in it", "0x7ff4dead00000001").ends(0, "is `NaN`, and nothing of the message").says("NaN"),
        float("infinite", "a number that JSON does not have", "0x7ff0000000000000").ends(0, "is told as a word").says("Infinity"),
        given("realloc-beyond", "C8", "memory for an argument that is outside of the memory", "(i32.const -16)"),
        given("realloc-crooked", "C8", "memory for an argument across the end of the memory", "(i32.const 65530)"),
        given("realloc-loop", "C1", "an endless loop where the host asks for memory", "(loop (br 0)) (i32.const 0)").ends(5, "ends in time"),
        given("realloc-recursion", "C1 C8", "an endless recursion where the host asks for memory", "(call $r (local.get 0) (local.get 1) (local.get 2) (local.get 3))").ends(5, "ends at its stack"),
        given("realloc-trap", "C8", "giving up where the host asks for memory", "unreachable"),
        given("realloc-grows", "C2", "all memory that there is, where the host asks for some", "(drop (memory.grow (i32.const 65000))) (i32.const 0)").ends(5, "ends at its memory"),
        given("realloc-overlap", "C8", "memory for an argument where its own results are", "(i32.const 0)").ends(0, "harms nobody but itself"),
    ]
}
