//! Parts of WebAssembly that no plugin may use: young code in the engine, and results that differ between machines.

use super::super::attack::Attack;
use super::attack;
use super::text::run;

const OFF: &str = "is refused: the feature is off";

pub(super) fn all() -> Vec<Attack> {
    let core = |name: &str, rows: &str, what: &str, module: &str| {
        attack(
            name,
            rows,
            what,
            run(&format!("{module}\n(func (export \"run\") (result i32) (i32.const 1))")),
        )
        .refused(2, OFF)
    };
    let part = |name: &str, rows: &str, what: &str, part: &str| {
        let text = super::text::around(
            part,
            "(func (export \"run\") (result i32) (i32.const 1))",
            "(func (export \"run\") (result u32) (canon lift (core func $c \"run\")))",
        );
        attack(name, rows, what, text).refused(2, OFF)
    };
    vec![
        core(
            "threads",
            "C14 C2",
            "memory shared between threads: a clock, and not counted by limits",
            "(memory 1 1 shared)",
        ),
        core(
            "atomics",
            "C14",
            "an atomic addition, the other half of a counter thread",
            "(memory 1) (func (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1))))",
        ),
        core("memory64", "C2", "a memory with 64-bit addresses", "(memory i64 1)"),
        core("table64", "C2", "a table with 64-bit indexes", "(table i64 1 funcref)"),
        core("multi-memory", "C2", "two memories in one module", "(memory 1) (memory 1)"),
        core("custom-pages", "C2", "a memory with pages of one byte", "(memory 1 (pagesize 1))"),
        core("exceptions", "C8", "an exception", "(tag $t) (func (throw $t))"),
        core("gc-struct", "C8", "an object on the engine's heap", "(type (struct (field i32)))"),
        core(
            "gc-i31",
            "C8",
            "an unboxed number as a reference",
            "(func (drop (ref.i31 (i32.const 1))))",
        ),
        core(
            "function-references",
            "C8",
            "a typed function reference",
            "(type $t (func)) (func (param (ref $t)) (call_ref $t (local.get 0)))",
        ),
        core(
            "wide-arithmetic",
            "C9",
            "128-bit addition, which few compilers have",
            "(func (result i64 i64) (i64.add128 (i64.const 1) (i64.const 0) (i64.const 1) (i64.const 0)))",
        ),
        core(
            "relaxed-swizzle",
            "C13",
            "an instruction whose result is the machine's choice",
            "(func (result v128) (i8x16.relaxed_swizzle (v128.const i64x2 0 0) (v128.const i64x2 0 0)))",
        ),
        core(
            "relaxed-madd",
            "C13",
            "a multiplication that is rounded once or twice",
            "(func (param v128) (result v128) (f32x4.relaxed_madd (local.get 0) (local.get 0) (local.get 0)))",
        ),
        core("stack-switching", "C8", "a continuation", "(type $f (func)) (type $k (cont $f))"),
        part("stream", "C8", "a stream, as of GHSA-x84v-gj2h-g759", "(type (stream u8))"),
        part("future", "C8", "a future, as of CVE-2026-27195", "(type (future u8))"),
        part(
            "error-context",
            "C8",
            "a value that the host keeps as long as the plugin likes",
            "(type error-context)",
        ),
        part("fixed-list", "C5", "a list with a length in its type", "(type (list u8 4))"),
        part("map", "C5", "a map", "(type (map string u8))"),
        part(
            "async-import",
            "C8",
            "a function that the host would have to answer later",
            "(import \"x:y/z@1.0.0\" (instance (export \"f\" (func async))))",
        ),
        part(
            "async-lower",
            "C8",
            "a call of the host that does not wait for its answer",
            "(import \"x:y/z@1.0.0\" (instance $i (export \"f\" (func)))) (core module $q (memory (export \"m\") 1)) (core instance $q (instantiate $q)) (core func (canon lower (func $i \"f\") async (memory (core memory $q \"m\"))))",
        ),
        part(
            "task-builtin",
            "C8",
            "a built-in of the component model's own scheduler",
            "(core func (canon backpressure.inc))",
        ),
        part(
            "value-export",
            "C8",
            "a value that is computed as the component is linked",
            "(type $t u32) (import \"v\" (value $v u32))",
        ),
    ]
}
