;; What:  a version of a capability that the host does not have; wasmtime's linker alone would take it
;; Grant: interlock:environment/remediate@0.1.0=environment/prod
;; Exit:  2
;; Says:  interlock:environment/remediate@0.1.7
(component
  (import "interlock:environment/types@0.1.0" (instance $types
    (type $error (variant
      (case "denied" string) (case "not-found" string) (case "invalid" string)
      (case "conflict" string) (case "failed" string)))
    (export "error" (type (eq $error)))))
  (alias export $types "error" (type $error))
  (import "interlock:environment/remediate@0.1.7" (instance $i
    (alias outer 1 $error (type $outer))
    (export "error" (type $e (eq $outer)))
    (export "restart-service" (func (param "environment" string) (param "service" string) (result (result (error $e)))))))
  (core module $m (func (export "harmless") (result i32) (i32.const 0)))
  (core instance $c (instantiate $m))
  (func (export "harmless") (result u32) (canon lift (core func $c "harmless")))
)
