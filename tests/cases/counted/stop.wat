;; Effects of class `destroy` that can be counted on disk: each of the sample's three services is stopped,
;; which its state says. For tests of crashes; no process runs.
(component
  (import "interlock:environment/types@0.1.0" (instance $types
    (type $error (variant
      (case "denied" string) (case "not-found" string) (case "invalid" string)
      (case "conflict" string) (case "failed" string)))
    (export "error" (type (eq $error)))))
  (alias export $types "error" (type $error))
  (import "interlock:environment/teardown@0.1.0" (instance $teardown
    (alias outer 1 $error (type $outer))
    (export "error" (type $e (eq $outer)))
    (export "stop-service"
      (func (param "environment" string) (param "service" string) (result (result (error $e)))))))

  (core module $Libc
    (memory (export "mem") 1)
    (data (i32.const 16) "prod") (data (i32.const 32) "api")
    (data (i32.const 48) "db") (data (i32.const 64) "worker")
    ;; Answers are not kept: each goes to the same place.
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $libc (instantiate $Libc))
  (alias core export $libc "mem" (core memory $mem))
  (alias core export $libc "realloc" (core func $realloc))
  (core func $stop (canon lower (func $teardown "stop-service") (memory $mem) (realloc (func $realloc))))

  (core module $m
    (import "libc" "mem" (memory 1))
    (import "host" "stop" (func $stop (param i32 i32 i32 i32 i32)))
    (func $one (param i32 i32) (result i32)
      (call $stop (i32.const 16) (i32.const 4) (local.get 0) (local.get 1) (i32.const 128))
      (i32.eqz (i32.load8_u (i32.const 128))))
    (func (export "three") (result i32)
      (i32.add (call $one (i32.const 32) (i32.const 3))
        (i32.add (call $one (i32.const 48) (i32.const 2))
          (call $one (i32.const 64) (i32.const 6))))))
  (core instance $i (instantiate $m
    (with "libc" (instance $libc))
    (with "host" (instance (export "stop" (func $stop))))))
  ;; `api`, `db` and `worker`, in this order.
  (func (export "three") (result u32) (canon lift (core func $i "three"))))
