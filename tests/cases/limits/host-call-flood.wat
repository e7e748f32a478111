;; What:   capability calls without end
;; Grant:  interlock:environment/observe@0.1.0=environment/prod
;; Call:   run
;; Exit:   5
(component
  (import "interlock:environment/types@0.1.0" (instance $types
    (type $error (variant
      (case "denied" string) (case "not-found" string) (case "invalid" string)
      (case "conflict" string) (case "failed" string)))
    (export "error" (type (eq $error)))))
  (alias export $types "error" (type $error))
  (import "interlock:environment/observe@0.1.0" (instance $observe
    (alias outer 1 $error (type $outer))
    (export "error" (type $e (eq $outer)))
    (export "list-services" (func (param "environment" string) (result (result (list string) (error $e)))))))
  (core module $heap
    (memory (export "memory") 2)
    (data (i32.const 16) "prod")
    ;; Every answer goes to the same place: this plugin never reads one.
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $h (instantiate $heap))
  (alias core export $h "memory" (core memory $memory))
  (core func $list (canon lower (func $observe "list-services")
    (memory $memory) (realloc (func $h "realloc"))))
  (core module $m
    (import "host" "list" (func $list (param i32 i32 i32)))
    (func (export "run") (result i32)
      (loop (call $list (i32.const 16) (i32.const 4) (i32.const 64)) (br 0)) (i32.const 0)))
  (core instance $c (instantiate $m (with "host" (instance (export "list" (func $list))))))
  (func (export "run") (result u32) (canon lift (core func $c "run")))
)
