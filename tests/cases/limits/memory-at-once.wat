;; What:   all memory that a 32-bit component can ask for, in one step
;; Call:   run
;; Exit:   5
(component
  (core module $m
    (memory 1)
    (func (export "run") (result i32) (memory.grow (i32.const 65000))))
  (core instance $c (instantiate $m))
  (func (export "run") (result u32) (canon lift (core func $c "run")))
)
