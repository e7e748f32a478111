;; What:   memory, a page at a time, until there is none
;; Call:   run
;; Exit:   5
(component
  (core module $m
    (memory 1)
    (func (export "run") (result i32)
      (loop (drop (memory.grow (i32.const 16))) (br 0)) (i32.const 0)))
  (core instance $c (instantiate $m))
  (func (export "run") (result u32) (canon lift (core func $c "run")))
)
