//! Time, memory, stack, tables, instances: everything that one run may have too much of.

use super::super::attack::Attack;
use super::attack;
use super::text::{around, run};

const TIME: &str = "ends in time";
const MEMORY: &str = "ends at its memory";
const COUNT: &str = "ends at the number that it may have";
const STACK: &str = "ends at its stack";
const TRAP: &str = "ends the run, and nothing else";

/// A tool that does this.
fn does(name: &str, rows: &str, what: &str, module: &str, body: &str, must: &str) -> Attack {
    attack(name, rows, what, run(&format!("{module}\n(func (export \"run\") (result i32) {body})")))
        .ends(5, must)
}

/// A component that makes a module so often.
fn many(name: &str, rows: &str, what: &str, module: &str, times: usize, must: &str) -> Attack {
    let instances: String = (0..times).map(|_| "(core instance (instantiate $many))\n").collect();
    let before = format!("(core module $many {module})\n{instances}");
    let text = around(
        &before,
        "(func (export \"run\") (result i32) (i32.const 1))",
        "(func (export \"run\") (result u32) (canon lift (core func $c \"run\")))",
    );
    attack(name, rows, what, text).ends(5, must)
}

pub(super) fn all() -> Vec<Attack> {
    let locals =
        "(local v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128)";
    let vectors: String = (0..64).map(|_| "(v128.load (local.get 0))").collect();
    let sums: String = (0..63).map(|_| "i64x2.add ").collect();
    vec![
        does(
            "loop-nested",
            "C1",
            "loops in loops, none of which calls anything",
            "",
            "(loop (loop (loop (br 2)))) (i32.const 0)",
            TIME,
        ),
        does(
            "loop-switch",
            "C1",
            "a loop through a table of branches",
            "(global $n (mut i32) (i32.const 0))",
            "(loop $l (block $a (block $b (br_table $a $b $l (i32.and (global.get $n) (i32.const 3))))) (global.set $n (i32.add (global.get $n) (i32.const 1))) (br $l)) (i32.const 0)",
            TIME,
        ),
        does(
            "loop-tail-calls",
            "C1",
            "functions that end in each other's call, for ever",
            "(func $a (return_call $b)) (func $b (return_call $a))",
            "(call $a) (i32.const 0)",
            TIME,
        ),
        does(
            "loop-indirect",
            "C1",
            "calls through a table, for ever",
            "(type $t (func)) (table 1 funcref) (elem (i32.const 0) $f) (func $f)",
            "(loop (call_indirect (type $t) (i32.const 0)) (br 0)) (i32.const 0)",
            TIME,
        ),
        does(
            "loop-float",
            "C1 C13",
            "a loop of divisions by zero",
            "(global $f (mut f64) (f64.const 1))",
            "(loop (global.set $f (f64.div (global.get $f) (f64.const 0))) (br 0)) (i32.const 0)",
            TIME,
        ),
        does(
            "loop-trapless",
            "C1",
            "a loop of conversions that saturate",
            "",
            "(loop (drop (i32.trunc_sat_f64_s (f64.const 1e300))) (br 0)) (i32.const 0)",
            TIME,
        ),
        does(
            "fill-60mib",
            "C12 C1",
            "60 MiB filled again and again, each time in one instruction",
            "(memory 960)",
            "(loop (memory.fill (i32.const 0) (i32.const 7) (i32.const 62914560)) (br 0)) (i32.const 0)",
            "ends within a quarter second after its time",
        ),
        does(
            "copy-60mib",
            "C12 C1",
            "60 MiB copied over themselves, again and again",
            "(memory 960)",
            "(loop (memory.copy (i32.const 1) (i32.const 0) (i32.const 62914559)) (br 0)) (i32.const 0)",
            "ends within a quarter second after its time",
        ),
        does(
            "table-fill",
            "C12 C1",
            "a table of 90,000 filled again and again",
            "(table $t 90000 funcref)",
            "(loop (table.fill $t (i32.const 0) (ref.null func) (i32.const 90000)) (br 0)) (i32.const 0)",
            "ends within a quarter second after its time",
        ),
        does(
            "table-copy",
            "C12 C1",
            "a table copied over itself, again and again",
            "(table $t 90000 funcref)",
            "(loop (table.copy $t $t (i32.const 1) (i32.const 0) (i32.const 89999)) (br 0)) (i32.const 0)",
            "ends within a quarter second after its time",
        ),
        does(
            "grow-nothing",
            "C12 C2",
            "a memory grown by nothing, for ever",
            "(memory 1)",
            "(loop (drop (memory.grow (i32.const 0))) (br 0)) (i32.const 0)",
            TIME,
        ),
        does(
            "memory-steps",
            "C2",
            "memory, a page at a time, until there is none",
            "(memory 1)",
            "(loop (drop (memory.grow (i32.const 1))) (br 0)) (i32.const 0)",
            MEMORY,
        ),
        does(
            "memory-once",
            "C2",
            "all that a 32-bit memory can be, at once",
            "(memory 1)",
            "(memory.grow (i32.const 65535))",
            MEMORY,
        ),
        does(
            "memory-touched",
            "C2",
            "all memory that is allowed, each page written, and a page more",
            "(memory 1)",
            "(drop (memory.grow (i32.const 1023))) (memory.fill (i32.const 0) (i32.const 7) (i32.const 67108864)) (memory.grow (i32.const 1))",
            MEMORY,
        ),
        does(
            "memory-declared",
            "C2",
            "a memory that is declared larger than is allowed",
            "(memory 40000)",
            "(i32.const 0)",
            MEMORY,
        ),
        many(
            "memories-together",
            "C2",
            "five memories of 16 MiB, each of which is allowed",
            "(memory 256)",
            5,
            MEMORY,
        ),
        many("memories-17", "C2", "17 memories of nothing", "(memory 0)", 17, COUNT),
        many("instances-300", "C2", "300 instances", "", 300, COUNT),
        many("tables-65", "C2", "65 tables", "(table 0 funcref)", 65, COUNT),
        does(
            "table-steps",
            "C2",
            "a table, step by step, until there is none",
            "(table $t 1 funcref)",
            "(loop (drop (table.grow $t (ref.null func) (i32.const 1000))) (br 0)) (i32.const 0)",
            "ends at the elements of its tables",
        ),
        does(
            "table-once",
            "C2",
            "a table of 4 billion functions",
            "(table $t 1 funcref)",
            "(table.grow $t (ref.null func) (i32.const -2))",
            "ends at the elements of its tables",
        ),
        does(
            "table-externs",
            "C2",
            "a table of references that are not functions",
            "(table $t 1 externref)",
            "(table.grow $t (ref.null extern) (i32.const 10000000))",
            "ends at the elements of its tables",
        )
        .refused(2, "is refused: the feature is off"),
        does(
            "table-declared",
            "C2",
            "a table that is declared larger than is allowed",
            "(table 9000000 funcref)",
            "(i32.const 0)",
            "ends at the elements of its tables",
        ),
        does(
            "recursion",
            "C1 C8",
            "a function that calls itself",
            "(func $f (param i32) (result i32) (i32.add (call $f (local.get 0)) (i32.const 1)))",
            "(call $f (i32.const 0))",
            STACK,
        ),
        does(
            "recursion-wide",
            "C1 C8",
            "a function with 64 vectors on its stack that calls itself",
            &format!(
                "(memory 1) (func $f (param i32) (result v128) {locals} {vectors} {sums} (call $f (i32.const 0)) i64x2.add)"
            ),
            "(drop (call $f (i32.const 0))) (i32.const 0)",
            STACK,
        ),
        does(
            "recursion-indirect",
            "C1 C8",
            "two functions that call each other through a table",
            "(type $t (func (result i32))) (table 2 funcref) (elem (i32.const 0) $a $b) (func $a (result i32) (i32.add (call_indirect (type $t) (i32.const 1)) (i32.const 1))) (func $b (result i32) (i32.add (call_indirect (type $t) (i32.const 0)) (i32.const 1)))",
            "(call $a)",
            STACK,
        ),
        does(
            "recursion-in-start",
            "C1 C8",
            "a recursion before any tool was called",
            "(func $f (result i32) (i32.add (call $f) (i32.const 1))) (func $s (drop (call $f))) (start $s)",
            "(i32.const 0)",
            STACK,
        ),
        does(
            "grow-in-start",
            "C2",
            "all memory before any tool was called",
            "(memory 1) (func $s (drop (memory.grow (i32.const 65000)))) (start $s)",
            "(i32.const 0)",
            MEMORY,
        ),
        does(
            "trap-in-start",
            "C8",
            "giving up before any tool was called",
            "(func $s unreachable) (start $s)",
            "(i32.const 0)",
            TRAP,
        ),
        does(
            "data-beyond",
            "C8",
            "data outside of the memory that it is for",
            "(memory 1) (data (i32.const 65530) \"0123456789\")",
            "(i32.const 0)",
            TRAP,
        ),
        does(
            "elements-beyond",
            "C8",
            "functions outside of the table that they are for",
            "(table 1 funcref) (elem (i32.const 9) $f) (func $f)",
            "(i32.const 0)",
            TRAP,
        ),
        does(
            "divide-by-zero",
            "C8",
            "a division by zero",
            "",
            "(i32.div_s (i32.const 1) (i32.const 0))",
            TRAP,
        ),
        does(
            "divide-overflow",
            "C8",
            "the one division that overflows",
            "",
            "(i32.div_s (i32.const 0x80000000) (i32.const -1))",
            TRAP,
        ),
        does(
            "convert-infinite",
            "C8",
            "a number that is no integer",
            "",
            "(i32.trunc_f64_s (f64.const inf))",
            TRAP,
        ),
        does(
            "call-null",
            "C8",
            "a call of no function",
            "(type $t (func)) (table 1 funcref)",
            "(call_indirect (type $t) (i32.const 0)) (i32.const 0)",
            TRAP,
        ),
        does(
            "call-other-type",
            "C8 C9",
            "a function called as another type of function",
            "(type $t (func (param i64 i64) (result i32))) (table 1 funcref) (elem (i32.const 0) $f) (func $f)",
            "(call_indirect (type $t) (i64.const 1) (i64.const 2) (i32.const 0))",
            TRAP,
        ),
        does(
            "call-beyond",
            "C8 C14",
            "a call of a function behind the table",
            "(type $t (func)) (table 1 funcref)",
            "(call_indirect (type $t) (i32.const 0x7fffffff)) (i32.const 0)",
            TRAP,
        ),
        does(
            "load-far",
            "C9",
            "a load at the largest offset from the largest address",
            "(memory 1)",
            "(i32.load offset=4294967295 (i32.const -1))",
            TRAP,
        ),
        does(
            "load-edge",
            "C9",
            "a load of which the last byte is outside",
            "(memory 1)",
            "(i32.load (i32.const 65533))",
            TRAP,
        ),
        does(
            "store-vector-edge",
            "C9",
            "a vector of which the last byte is outside",
            "(memory 1)",
            "(v128.store (i32.const 65521) (v128.const i64x2 0 0)) (i32.const 0)",
            TRAP,
        ),
        does(
            "load-copysign",
            "C9",
            "a sign from behind the memory, as of CVE-2026-24116",
            "(memory 1)",
            "(i32.trunc_sat_f64_s (f64.copysign (f64.const 1) (f64.load offset=8 (i32.const 65528))))",
            TRAP,
        ),
        does(
            "load-splat",
            "C9",
            "a vector of a number behind the memory, as of CVE-2026-34944",
            "(memory 1)",
            "(i32x4.extract_lane 0 (f64x2.splat (f64.load offset=8 (i32.const 65528))))",
            TRAP,
        ),
        does(
            "load-copysign-last",
            "C9",
            "a sign from the last bytes of the memory, read as wide as a register",
            "(memory 1)",
            "(i32.trunc_sat_f64_s (f64.copysign (f64.const 1) (f64.load (i32.const 65528))))",
            TRAP,
        )
        .ends(0, "reads those eight bytes and no more"),
        does(
            "index-negative",
            "C9 C14",
            "an address that is negative where it is a number of 64 bits",
            "(memory 1) (func $at (param i64) (result i32) (i32.load (i32.wrap_i64 (local.get 0))))",
            "(call $at (i64.const 0xffffffff80000000))",
            TRAP,
        ),
        does(
            "init-twice",
            "C9",
            "data that was given back",
            "(memory 1) (data $d \"abc\")",
            "(data.drop $d) (memory.init $d (i32.const 0) (i32.const 0) (i32.const 3)) (i32.const 0)",
            TRAP,
        ),
        does("unreachable", "C8", "giving up", "", "unreachable", TRAP),
    ]
}
