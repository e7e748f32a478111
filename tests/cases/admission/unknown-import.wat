;; What:  an interface that nobody knows
;; Exit:  2
;; Says:  acme:rockets/launch@1.0.0
(component
  (import "acme:rockets/launch@1.0.0" (instance (export "launch" (func))))
  (core module $m (func (export "harmless") (result i32) (i32.const 0)))
  (core instance $c (instantiate $m))
  (func (export "harmless") (result u32) (canon lift (core func $c "harmless")))
)
