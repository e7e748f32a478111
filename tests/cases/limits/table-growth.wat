;; What:   a table of functions without end
;; Call:   run
;; Exit:   5
(component
  (core module $m
    (table $t 1 funcref)
    (func (export "run") (result i32)
      (loop (drop (table.grow $t (ref.null func) (i32.const 100000))) (br 0)) (i32.const 0)))
  (core instance $c (instantiate $m))
  (func (export "run") (result u32) (canon lift (core func $c "run")))
)
