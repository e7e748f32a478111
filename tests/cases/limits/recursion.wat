;; What:   a function that calls itself without end
;; Call:   run
;; Exit:   5
(component
  (core module $m
    (func $down (param i32) (result i32) (i32.add (call $down (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
    (func (export "run") (result i32) (call $down (i32.const 0))))
  (core instance $c (instantiate $m))
  (func (export "run") (result u32) (canon lift (core func $c "run")))
)
