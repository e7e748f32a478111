;; What:   a result that points outside of the plugin's memory
;; Call:   run
;; Exit:   5
(component
  (core module $m
    (memory (export "memory") 1)
    (func (export "run") (result i32)
      (i32.store (i32.const 8) (i32.const 65000))
      (i32.store (i32.const 12) (i32.const 65000))
      (i32.const 8)))
  (core instance $c (instantiate $m))
  (func (export "run") (result string) (canon lift (core func $c "run") (memory $c "memory")))
)
