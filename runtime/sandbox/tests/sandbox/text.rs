//! Pieces of component text.

/// The smallest plugin there is.
pub(crate) const ADD: &str = r#"(component
  (core module $m (func (export "add") (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1))))
  (core instance $i (instantiate $m))
  (func (export "add") (param "a" u32) (param "b" u32) (result u32)
    (canon lift (core func $i "add"))))"#;

/// A memory, and an allocator that grows it. Static data may use the first 64 KiB.
pub(crate) const LIBC: &str = r#"
  (core module $Libc
    (memory (export "mem") 2)
    (global $next (mut i32) (i32.const 65536))
    (func $realloc (export "realloc") (param i32 i32 i32 i32) (result i32) (local $p i32)
      (local.set $p (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
      (global.set $next (i32.add (local.get $p) (local.get 3)))
      (block $done (loop $grow
        (br_if $done (i32.le_u (global.get $next) (i32.mul (memory.size) (i32.const 65536))))
        (drop (memory.grow (i32.const 16)))
        (br $grow)))
      (local.get $p)))
  (core instance $libc (instantiate $Libc))
  (alias core export $libc "mem" (core memory $mem))
  (alias core export $libc "realloc" (core func $realloc))
"#;

/// A component with one exported function without parameters and results, `go`, whose body is given.
pub(crate) fn go(body: &str) -> String {
    format!(
        r#"(component
  (core module $m
    (memory (export "mem") 1) (table $t 1 funcref)
    (func $go (export "go") {body}))
  (core instance $i (instantiate $m))
  (func (export "go") (canon lift (core func $i "go"))))"#
    )
}

const ERROR: &str = r#"
    (type $e' (variant (case "denied" string) (case "not-found" string) (case "invalid" string)
      (case "conflict" string) (case "failed" string)))
    (export "error" (type $e (eq $e')))
    (type $nothing (result (error $e)))
    (type $number (result u32 (error $e)))
    (type $text (result string (error $e)))"#;

/// The environment's functions as imports: interface and function as WIT has them.
pub(crate) fn environment_function(function: &str) -> String {
    let target = r#"(param "environment" string) (param "service" string)"#;
    let signature = match function {
        "list-environments" => "(result $names)".to_owned(),
        "list-services" => r#"(param "environment" string) (result $names)"#.to_owned(),
        "service-status" => format!("{target} (result $status-result)"),
        "read-config" => {
            format!(r#"{target} (param "version" (option u32)) (result $config-result)"#)
        }
        "logs" => format!(r#"{target} (param "lines" u32) (result $text)"#),
        "set-config" => format!(r#"{target} (param "content" string) (result $number)"#),
        "rollback-config" => format!(r#"{target} (param "version" u32) (result $nothing)"#),
        "scale-service" => format!(r#"{target} (param "replicas" u32) (result $nothing)"#),
        "restart-service" | "stop-service" | "delete-service" => {
            format!("{target} (result $nothing)")
        }
        "delete-environment" | "recreate-environment" => {
            r#"(param "environment" string) (result $nothing)"#.to_owned()
        }
        other => panic!("no function {other}"),
    };
    format!("(export \"{function}\" (func {signature}))")
}

/// The records that `observe` passes.
const STATUS: &str = r#"
    (type $names (result (list string) (error $e)))
    (type $health' (enum "healthy" "unhealthy" "unknown"))
    (export "health" (type $health (eq $health')))
    (type $replica' (record (field "index" u32) (field "pid" (option u32)) (field "health" $health)
      (field "last-exit" (option s32)) (field "detail" string)))
    (export "replica" (type $replica (eq $replica')))
    (type $status' (record (field "environment" string) (field "service" string)
      (field "healthy" bool) (field "wanted" u32) (field "replicas" (list $replica))
      (field "config-version" u32) (field "last-healthy-version" (option u32))))
    (export "service-status-record" (type $status (eq $status')))
    (type $status-result (result $status (error $e)))
    (type $config' (record (field "version" u32) (field "content" string) (field "versions" (list u32))))
    (export "service-config" (type $config (eq $config')))
    (type $config-result (result $config (error $e)))"#;

/// An import of an interface with these functions.
pub(crate) fn import(name: &str, id: &str, functions: &[&str]) -> String {
    let status = if name.contains("observe") { STATUS } else { "" };
    let functions: String = functions.iter().map(|f| environment_function(f)).collect();
    format!("(import \"{name}\" (instance ${id} {ERROR} {status} {functions}))\n")
}

/// A component that calls `restart-service("prod", "api")` once and returns the text of its error, or
/// `done`. The import is given, so that it can be wrong.
pub(crate) fn restarter(import: &str) -> String {
    format!(
        r#"(component
  {import}
  {LIBC}
  (core func $restart (canon lower (func $r "restart-service")
    (memory $mem) (realloc (func $realloc))))
  (core module $m
    (import "libc" "mem" (memory 2))
    (import "host" "restart" (func $restart (param i32 i32 i32 i32 i32)))
    (data (i32.const 16) "prodapidone")
    (func (export "heal") (result i32)
      (call $restart (i32.const 16) (i32.const 4) (i32.const 20) (i32.const 3) (i32.const 64))
      (if (i32.eqz (i32.load8_u (i32.const 64))) (then
        (i32.store (i32.const 72) (i32.const 23))
        (i32.store (i32.const 76) (i32.const 4))))
      (i32.const 72)))
  (core instance $i (instantiate $m
    (with "libc" (instance $libc))
    (with "host" (instance (export "restart" (func $restart))))))
  (func (export "heal") (result string)
    (canon lift (core func $i "heal") (memory $mem) (realloc (func $realloc)))))"#
    )
}
