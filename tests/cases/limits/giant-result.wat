;; What:   a result of 8 MiB, more than the output limit
;; Call:   run
;; Exit:   5
(component
  (core module $m
    (memory (export "memory") 200)
    (func (export "run") (result i32)
      (memory.fill (i32.const 1024) (i32.const 97) (i32.const 8388608))
      (i32.store (i32.const 8) (i32.const 1024))
      (i32.store (i32.const 12) (i32.const 8388608))
      (i32.const 8)))
  (core instance $c (instantiate $m))
  (func (export "run") (result string) (canon lift (core func $c "run") (memory $c "memory")))
)
