//! Components that are valid and out of bounds: too deep, too many, or small to write and large to compile.

use super::super::attack::Attack;
use super::attack;
use super::text::{around, run};

const BODY: &str = "(func (export \"run\") (result i32) (i32.const 1))";
const RUN: &str = "(func (export \"run\") (result u32) (canon lift (core func $c \"run\")))";
const OUT: &str = "is refused before anything is compiled";

fn before(name: &str, rows: &str, what: &str, part: &str) -> Attack {
    attack(name, rows, what, around(part, BODY, RUN)).refused(2, OUT)
}

/// A tool with a parameter of a type.
fn takes(name: &str, what: &str, types: &str) -> Attack {
    let text = around(
        "",
        "(memory (export \"mem\") 1) (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 1024)) (func (export \"run\") (param i32 i32) (result i32) (i32.const 1)) (func (export \"one\") (param i32) (result i32) (i32.const 1))",
        types,
    );
    attack(name, "C5", what, text)
}

pub(super) fn all() -> Vec<Attack> {
    let cases: String = (0..5_000).map(|n| format!(" \"c{n}\"")).collect();
    let variants: String = (0..1_000).map(|n| format!(" (case \"c{n}\" u32)")).collect();
    let fields: String = (0..600).map(|n| format!(" (field \"f{n}\" u8)")).collect();
    let deep = |depth: usize| -> String {
        (1..depth).map(|n| format!("(type $t{n} (list $t{}))", n - 1)).collect()
    };
    let wide: String =
        (1..14).map(|n| format!("(type $t{n} (tuple $t{} $t{}))", n - 1, n - 1)).collect();
    let lift = |ty: &str, core: &str| {
        format!(
            "(func (export \"run\") (param \"x\" {ty}) (result u32) (canon lift (core func $c \"{core}\") (memory (core memory $c \"mem\")) (realloc (core func $c \"realloc\"))))"
        )
    };
    let tools: String = (0..129)
        .map(|n| {
            format!("(func (export \"t{n}\") (result u32) (canon lift (core func $c \"run\")))")
        })
        .collect();
    let long = "x".repeat(50_000);
    let encoded = |encoding: &str| {
        around(
            "",
            "(memory (export \"mem\") 1) (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 1024)) (func (export \"run\") (param i32 i32) (result i32) (i32.const 1))",
            &format!(
                "(func (export \"run\") (param \"x\" string) (result u32) (canon lift (core func $c \"run\") (memory (core memory $c \"mem\")) (realloc (core func $c \"realloc\")) string-encoding={encoding}))"
            ),
        )
    };
    let blocks = "(block ".repeat(20_000) + &")".repeat(20_000);
    let labels = " 0".repeat(60_000);
    let many_functions = "(func)".repeat(250_001);
    let adds = "(i32.add (i32.const 1) ".repeat(3_000) + "(i32.const 1)" + &")".repeat(3_000);
    vec![
        attack("core-text", "C7", "a core module in text form", format!("(module {BODY})")).refused(2, OUT),
        attack("text-deep", "C7", "text of a hundred thousand parentheses", "(".repeat(100_000)).refused(2, OUT),
        attack("text-unknown", "C7", "text with an instruction that there is not", run("(func (export \"run\") (result i32) (i32.destroy))")).refused(2, OUT),
        before("nested-20", "C5 C7", "components in components, 20 deep", &("(component ".repeat(20) + &")".repeat(20))),
        before("modules-1001", "C7", "1,001 modules", &"(core module)".repeat(1_001)),
        before("functions-250001", "C7", "250,001 functions", &format!("(core module {many_functions})")),
        before("cases-5000", "C5", "an enum with 5,000 cases", &format!("(type $v' (enum{cases})) (export $v \"v\" (type $v'))")),
        before("cases-in-import", "C5", "a variant with 1,000 cases, in the type of an import", &format!("(import \"acme:a/b@1.0.0\" (instance (type $v' (variant{variants})) (export \"v\" (type $v (eq $v')))))")),
        before("cases-in-component", "C5", "a record with 600 fields, in the type of a component inside", &format!("(component (type $r' (record{fields})) (export \"r\" (type $r')))")),
        before("lists-10000", "C5", "lists of lists, 10,000 deep", &format!("(type $t0 u8){}", deep(10_000))),
        takes("lists-60", "lists of lists, 60 deep, which the engine admits", &format!("(type $t0 u8){}{}", deep(60), lift("$t59", "run"))).refused(2, "is no tool: no value so deep is taken"),
        takes("tuples-doubled", "a type that doubles with each line of it: 8,192 parts", &format!("(type $t0 (tuple u8 u8)){wide}{}", lift("$t13", "one"))).refused(2, "is no tool: its schema would drown an agent"),
        attack("tools-129", "A1 C5", "129 tools", around("", BODY, &tools)).refused(2, "has more tools than are admitted"),
        attack("no-tools", "A4", "no tool at all", around("", BODY, "")).refused(2, "has nothing to call"),
        attack("tool-name-long", "A4 C6", "a tool whose name has 50,000 characters", around("", BODY, &format!("(func (export \"{long}\") (result u32) (canon lift (core func $c \"run\")))"))).refused(2, "is no tool, and its name is not repeated in full"),
        attack("tool-name-capital", "A4", "a tool whose name differs from another's in one capital", around("", BODY, "(func (export \"RUN\") (result u32) (canon lift (core func $c \"run\")))")).refused(2, "is no tool of ours"),
        attack("tool-of-other-version", "A6", "the contract of the SDK in another version", around("", BODY, "(func $f (result u32) (canon lift (core func $c \"run\"))) (instance $i (export \"call\" (func $f))) (export \"interlock:tool/tools@0.2.0\" (instance $i))")).refused(2, "has no tools for this host"),
        attack("tool-of-other-types", "A6 C8", "the contract of the SDK with functions of other types", around("", BODY, "(func $f (result u32) (canon lift (core func $c \"run\"))) (instance $i (export \"describe\" (func $f)) (export \"call\" (func $f))) (export \"interlock:tool/tools@0.1.0\" (instance $i))")).refused(2, "is refused, with the first difference to the contract"),
        attack("utf16", "C8", "strings as UTF-16, as of CVE-2026-34942", encoded("utf16")).refused(2, OUT),
        attack("latin1", "C8", "strings as latin1 or UTF-16, as of CVE-2026-34941", encoded("latin1+utf16")).refused(2, OUT),
        before("utf16-inside", "C8", "strings as UTF-16 in a component inside", "(component (core module $q (memory (export \"m\") 1) (func (export \"f\") (param i32 i32)) (func (export \"r\") (param i32 i32 i32 i32) (result i32) (i32.const 0))) (core instance $q (instantiate $q)) (func (export \"f\") (param \"x\" string) (canon lift (core func $q \"f\") (memory (core memory $q \"m\")) (realloc (core func $q \"r\")) string-encoding=utf16)))"),
        attack("blocks-20000", "C7", "20,000 blocks in blocks", run(&format!("(func (export \"run\") (result i32) {blocks} (i32.const 1))"))).ends(0, "is compiled within its limits"),
        attack("branches-60000", "C7", "one branch with 60,000 targets", run(&format!("(func (export \"run\") (result i32) (block (br_table{labels} (i32.const 9))) (i32.const 1))"))).ends(0, "is compiled within its limits"),
        attack("stack-3000", "C7", "an expression 3,000 deep", run(&format!("(func (export \"run\") (result i32) {adds})"))).ends(0, "is compiled within its limits"),
        before("locals-60000", "C7", "a function with 60,000 variables", &format!("(core module (func (local{})))", " v128".repeat(60_000))),
        before("parameters-2000", "C7", "a function with 2,000 parameters", &format!("(core module (func (param{})))", " i32".repeat(2_000))),
        before("instances-nested", "C5", "types that name each other in a circle", "(core rec (type $a (struct (field (ref null $b)))) (type $b (struct (field (ref null $a)))))"),
        attack("adapter-strings", "C8", "text handed from one component inside to another", adapter()).ends(0, "is handed over between their memories, and nothing else"),
        attack("start-section", "C1 C8", "a component that starts by itself", around("(core module $s (func $spin (loop (br 0))) (start $spin)) (core instance (instantiate $s))", BODY, RUN)).ends(5, "is not started before its first call, and ends in time"),
    ]
}

/// Two components inside, one of which passes 60 KiB to the other.
fn adapter() -> String {
    "(component
      (component $A
        (core module $m (memory (export \"mem\") 2) (func (export \"r\") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
          (func (export \"take\") (param i32 i32) (result i32) (local.get 1)))
        (core instance $i (instantiate $m))
        (func (export \"take\") (param \"x\" string) (result u32)
          (canon lift (core func $i \"take\") (memory (core memory $i \"mem\")) (realloc (core func $i \"r\")))))
      (component $B
        (import \"take\" (func $take (param \"x\" string) (result u32)))
        (core module $mem (memory (export \"mem\") 2))
        (core instance $mem (instantiate $mem))
        (core func $take' (canon lower (func $take) (memory (core memory $mem \"mem\"))))
        (core module $m (import \"h\" \"take\" (func $take (param i32 i32) (result i32)))
          (func (export \"run\") (result i32) (call $take (i32.const 0) (i32.const 60000))))
        (core instance $i (instantiate $m (with \"h\" (instance (export \"take\" (func $take'))))))
        (func (export \"run\") (result u32) (canon lift (core func $i \"run\"))))
      (instance $a (instantiate $A))
      (instance $b (instantiate $B (with \"take\" (func $a \"take\"))))
      (export \"run\" (func $b \"run\")))"
        .to_owned()
}
