;; What:   a memory that is declared larger than the limit
;; Call:   run
;; Exit:   5
(component
  (core module $m
    (memory 40000)
    (func (export "run") (result i32) (i32.const 0)))
  (core instance $c (instantiate $m))
  (func (export "run") (result u32) (canon lift (core func $c "run")))
)
