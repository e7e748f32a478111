//! The plugins of a sequence, as text: two builds of one that changes what it is told to, and one that destroys.

/// A plugin that evicts keys of clusters, the result of the last call being its own; `seen` evicts `z` where
/// the look was no good. The end of its data is what makes another build of it.
pub(crate) fn caller(build: u8) -> String {
    let evict = |cluster: u8, key: &str| {
        format!(
            r#"(call $evict (i32.const {cluster}) (i32.const 1) {key} (i32.const 1) (i32.const 64))"#
        )
    };
    let (k, z) = (evict(16, "(i32.const 17)"), evict(16, "(i32.const 18)"));
    let seen = evict(16, "(i32.add (i32.const 17) (i32.load8_u (i32.const 64)))");
    let other = evict(19, "(i32.const 17)");
    let look = "(call $stats (i32.const 16) (i32.const 1) (i32.const 64))";
    let tools = [
        ("look", look.to_owned()),
        ("one", k.clone()),
        ("three", format!("{k} {z} {k}")),
        ("seen", format!("{look} {seen}")),
        ("other", other),
    ];
    let body = |(name, body): &(&str, String)| {
        format!(r#"(func (export "{name}") (result i32) {body} (i32.load8_u (i32.const 64)))"#)
    };
    let lift = |(name, _): &(&str, String)| {
        format!(r#"(func (export "{name}") (result u32) (canon lift (core func $i "{name}")))"#)
    };
    let bodies: String = tools.iter().map(body).collect();
    let lifts: String = tools.iter().map(lift).collect();
    format!(
        r#"{calls}    (data (i32.const 16) "akzb{build}") {bodies})
{one}  {lifts})"#,
        calls = crate::fixture::calls_the_cache!(),
        one = crate::fixture::and_is_one_instance!(),
    )
}

/// A plugin that flushes the cluster.
pub(crate) const WIPER: &str = concat!(
    r#"(component
  (import "acme:cache/wipe@1.0.0" (instance $wipe
    (export "flush" (func (param "cluster" string) (result (result (error string)))))))
"#,
    crate::fixture::memory_of_strings!(),
    r#"  (core func $flush (canon lower (func $wipe "flush") (memory $mem) (realloc (func $realloc))))
  (core module $m
    (import "libc" "mem" (memory 1))
    (import "host" "flush" (func $flush (param i32 i32 i32)))
    (data (i32.const 16) "a")
    (func (export "wipe") (result i32)
      (call $flush (i32.const 16) (i32.const 1) (i32.const 64)) (i32.load8_u (i32.const 64))))
  (core instance $i (instantiate $m (with "libc" (instance $libc))
    (with "host" (instance (export "flush" (func $flush))))))
  (func (export "wipe") (result u32) (canon lift (core func $i "wipe"))))"#
);
