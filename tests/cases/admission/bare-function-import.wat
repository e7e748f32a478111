;; What:  a function imported outside any interface
;; Exit:  2
;; Says:  launch
(component
  (import "launch" (func))
  (core module $m (func (export "harmless") (result i32) (i32.const 0)))
  (core instance $c (instantiate $m))
  (func (export "harmless") (result u32) (canon lift (core func $c "harmless")))
)
