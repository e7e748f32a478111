;; attack: fresh memory read from end to end, for what another run or the host has left in it
;; threat: C10
;; must:   finds nothing but zeros, each time
;; stops:  run
;; exit:   0
;; again:  same
;; says:   "result":0
(component
  (core module $m
    (memory 1)
    (func (export "run") (result i32) (local $at i32) (local $found i32)
      (drop (memory.grow (i32.const 500)))
      (local.set $at (i32.const 32833528))
      (loop $l
        (local.set $found (i32.or (local.get $found) (i64.ne (i64.load (local.get $at)) (i64.const 0))))
        (local.set $at (i32.sub (local.get $at) (i32.const 8)))
        (br_if $l (i32.gt_s (local.get $at) (i32.const 0))))
      (memory.fill (i32.const 0) (i32.const 0x5a) (i32.const 32833536))
      (local.get $found)))
  (core instance $c (instantiate $m))
  (func (export "run") (result u32) (canon lift (core func $c "run")))
)
