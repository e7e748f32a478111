;; What:   a plugin that gives up
;; Call:   run
;; Exit:   5
(component
  (core module $m
    (func (export "run") (result i32) unreachable))
  (core instance $c (instantiate $m))
  (func (export "run") (result u32) (canon lift (core func $c "run")))
)
