;; What:   an endless loop as the component is instantiated
;; Call:   run
;; Exit:   5
(component
  (core module $m
    (func $spin (loop (br 0)))
    (start $spin)
    (func (export "run") (result i32) (i32.const 0)))
  (core instance $c (instantiate $m))
  (func (export "run") (result u32) (canon lift (core func $c "run")))
)
