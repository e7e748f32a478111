;; Effects of class `change` that can be counted on disk: each is a new configuration version of
;; `environment/prod/service/api`. For tests of approvals, budgets and crashes; no process runs.
(component
  (import "interlock:environment/types@0.1.0" (instance $types
    (type $error (variant
      (case "denied" string) (case "not-found" string) (case "invalid" string)
      (case "conflict" string) (case "failed" string)))
    (export "error" (type (eq $error)))))
  (alias export $types "error" (type $error))
  (import "interlock:environment/remediate@0.1.0" (instance $remediate
    (alias outer 1 $error (type $outer))
    (export "error" (type $e (eq $outer)))
    (export "set-config"
      (func (param "environment" string) (param "service" string) (param "content" string)
        (result (result u32 (error $e)))))))

  (core module $Libc
    (memory (export "mem") 2)
    (data (i32.const 16) "prod") (data (i32.const 32) "api")
    (data (i32.const 48) "one") (data (i32.const 64) "two") (data (i32.const 80) "three")
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
  (core func $set (canon lower (func $remediate "set-config") (memory $mem) (realloc (func $realloc))))

  (core module $m
    (import "libc" "mem" (memory 1))
    (import "host" "set" (func $set (param i32 i32 i32 i32 i32 i32 i32)))
    ;; 1 where it was done, 0 where the answer is an error.
    (func $write (export "write") (param i32 i32) (result i32)
      (call $set (i32.const 16) (i32.const 4) (i32.const 32) (i32.const 3)
        (local.get 0) (local.get 1) (i32.const 128))
      (i32.eqz (i32.load8_u (i32.const 128))))
    (func (export "three") (result i32)
      (i32.add (call $write (i32.const 48) (i32.const 3))
        (i32.add (call $write (i32.const 64) (i32.const 3))
          (call $write (i32.const 80) (i32.const 5))))))
  (core instance $i (instantiate $m
    (with "libc" (instance $libc))
    (with "host" (instance (export "set" (func $set))))))
  ;; One version with this content.
  (func (export "write") (param "content" string) (result u32)
    (canon lift (core func $i "write") (memory $mem) (realloc (func $realloc))))
  ;; Three versions: `one`, `two`, `three`.
  (func (export "three") (result u32) (canon lift (core func $i "three"))))
