;; attack: a mark left in memory, in a global and in a table, for whoever runs next in the same place
;; threat: C10
;; must:   finds everything as the component says it, each time
;; stops:  run
;; exit:   0
;; again:  same
;; says:   "result":0
(component
  (core module $m
    (memory 4)
    (global $g (mut i32) (i32.const 0))
    (table $t 4 funcref)
    (func $f)
    (elem declare func $f)
    (func (export "run") (result i32) (local $found i32)
      ;; What the run before left: none of it may be here.
      (local.set $found (i32.add (global.get $g) (i32.add (i32.load (i32.const 200000))
        (i32.eqz (ref.is_null (table.get $t (i32.const 3)))))))
      (global.set $g (i32.const 1))
      (i32.store (i32.const 200000) (i32.const 1))
      (table.set $t (i32.const 3) (ref.func $f))
      (local.get $found)))
  (core instance $c (instantiate $m))
  (func (export "run") (result u32) (canon lift (core func $c "run")))
)
