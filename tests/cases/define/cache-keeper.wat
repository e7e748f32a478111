;; The plugin of docs/guides/define-a-capability.md: a component that knows nothing of Interlock. Each of its
;; three exports calls one function of the capability and says how many keys or bytes it was, or which error.
(component
  (import "acme:cache/types@1.0.0" (instance $types
    (type $error (variant (case "denied" string) (case "not-found") (case "conflict" string) (case "failed" string)))
    (export "error" (type (eq $error)))
    (type $usage (record (field "keys" u32) (field "bytes" u64)))
    (export "usage" (type (eq $usage)))))
  (alias export $types "error" (type $error))
  (alias export $types "usage" (type $usage))
  (import "acme:cache/admin@1.0.0" (instance $admin
    (alias outer 1 $error (type $oe))
    (export "error" (type $e (eq $oe)))
    (alias outer 1 $usage (type $ou))
    (export "usage" (type $u (eq $ou)))
    (export "stats" (func (param "cluster" string) (result (result $u (error $e)))))
    (export "evict" (func (param "cluster" string) (param "key" string) (result (result u32 (error $e)))))))
  (import "acme:cache/wipe@1.0.0" (instance $wipe
    (alias outer 1 $error (type $oe))
    (export "error" (type $e (eq $oe)))
    (export "drop-all" (func (param "cluster" string) (result (result u32 (error $e)))))))

  (core module $Libc
    (memory (export "mem") 2)
    (data (i32.const 16) "denied") (data (i32.const 32) "not-found")
    (data (i32.const 48) "conflict") (data (i32.const 64) "failed")
    (data (i32.const 80) "\06\09\08\06")
    (global $next (mut i32) (i32.const 65536))
    (func $realloc (export "realloc") (param i32 i32 i32 i32) (result i32) (local $p i32)
      (local.set $p (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
      (global.set $next (i32.add (local.get $p) (local.get 3)))
      (block $done (loop $grow
        (br_if $done (i32.le_u (global.get $next) (i32.mul (memory.size) (i32.const 65536))))
        (drop (memory.grow (i32.const 16)))
        (br $grow)))
      (local.get $p)))
  (core instance $libc (instantiate $Libc))
  (alias core export $libc "mem" (core memory $mem))
  (alias core export $libc "realloc" (core func $realloc))
  (core func $stats (canon lower (func $admin "stats") (memory $mem) (realloc (func $realloc))))
  (core func $evict (canon lower (func $admin "evict") (memory $mem) (realloc (func $realloc))))
  (core func $drop (canon lower (func $wipe "drop-all") (memory $mem) (realloc (func $realloc))))

  (core module $m
    (import "libc" "mem" (memory 1))
    (import "host" "stats" (func $stats (param i32 i32 i32)))
    (import "host" "evict" (func $evict (param i32 i32 i32 i32 i32)))
    (import "host" "drop" (func $drop (param i32 i32 i32)))
    ;; The answer is at 128, what it carries at `$at`: a result<u32, string> of it.
    (func $answer (param $at i32) (result i32)
      (if (i32.load8_u (i32.const 128))
        (then
          (i32.store8 (i32.const 192) (i32.const 1))
          (i32.store (i32.const 196)
            (i32.add (i32.const 16) (i32.mul (i32.load8_u (local.get $at)) (i32.const 16))))
          (i32.store (i32.const 200) (i32.load8_u (i32.add (i32.const 80) (i32.load8_u (local.get $at))))))
        (else
          (i32.store8 (i32.const 192) (i32.const 0))
          (i32.store (i32.const 196) (i32.load (local.get $at)))))
      (i32.const 192))
    (func (export "stats") (param i32 i32) (result i32)
      (call $stats (local.get 0) (local.get 1) (i32.const 128))
      (call $answer (i32.const 136)))
    (func (export "evict") (param i32 i32 i32 i32) (result i32)
      (call $evict (local.get 0) (local.get 1) (local.get 2) (local.get 3) (i32.const 128))
      (call $answer (i32.const 132)))
    (func (export "drop") (param i32 i32) (result i32)
      (call $drop (local.get 0) (local.get 1) (i32.const 128))
      (call $answer (i32.const 132))))
  (core instance $i (instantiate $m
    (with "libc" (instance $libc))
    (with "host" (instance
      (export "stats" (func $stats)) (export "evict" (func $evict)) (export "drop" (func $drop))))))
  (func (export "keys") (param "cluster" string) (result (result u32 (error string)))
    (canon lift (core func $i "stats") (memory $mem) (realloc (func $realloc))))
  (func (export "evict") (param "cluster" string) (param "key" string) (result (result u32 (error string)))
    (canon lift (core func $i "evict") (memory $mem) (realloc (func $realloc))))
  (func (export "drop-all") (param "cluster" string) (result (result u32 (error string)))
    (canon lift (core func $i "drop") (memory $mem) (realloc (func $realloc)))))
