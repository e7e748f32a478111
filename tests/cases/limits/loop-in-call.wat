;; What:   an endless loop in a tool
;; Call:   run
;; Exit:   5
(component
  (core module $m
    (func (export "run") (result i32) (loop (br 0)) (i32.const 0)))
  (core instance $c (instantiate $m))
  (func (export "run") (result u32) (canon lift (core func $c "run")))
)
