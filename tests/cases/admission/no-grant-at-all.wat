;; What:  a capability, and a grant of nothing
;; Exit:  3
;; Says:  interlock:environment/observe@0.1.0
;; Says:  list-environments
(component
  (import "interlock:environment/types@0.1.0" (instance $types
    (type $error (variant
      (case "denied" string) (case "not-found" string) (case "invalid" string)
      (case "conflict" string) (case "failed" string)))
    (export "error" (type (eq $error)))))
  (alias export $types "error" (type $error))
  (import "interlock:environment/observe@0.1.0" (instance $i
    (alias outer 1 $error (type $outer))
    (export "error" (type $e (eq $outer)))
    (export "list-environments" (func  (result (result (list string) (error $e)))))))
  (core module $m (func (export "harmless") (result i32) (i32.const 0)))
  (core instance $c (instantiate $m))
  (func (export "harmless") (result u32) (canon lift (core func $c "harmless")))
)
