;; Writes and deletes in the folder `notes`, whatever path it is given. For the test of the files capability.
(component
  (import "interlock:files/types@0.1.0" (instance $types
    (type $error (variant
      (case "denied" string) (case "not-found" string) (case "invalid" string)
      (case "conflict" string) (case "full" string) (case "failed" string)))
    (export "error" (type (eq $error)))))
  (alias export $types "error" (type $error))
  (import "interlock:files/write@0.1.0" (instance $write
    (alias outer 1 $error (type $outer))
    (export "error" (type $e (eq $outer)))
    (export "write-text" (func (param "folder" string) (param "path" string)
      (param "content" string) (result (result (error $e)))))))
  (import "interlock:files/remove@0.1.0" (instance $remove
    (alias outer 1 $error (type $outer))
    (export "error" (type $e (eq $outer)))
    (export "delete-file" (func (param "folder" string) (param "path" string)
      (result (result (error $e)))))))

  (core module $Libc
    (memory (export "mem") 1)
    (data (i32.const 16) "notes")
    (global $next (mut i32) (i32.const 1024))
    ;; A call is short, and its memory is its own: nothing is given back.
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local $p i32)
      (local.set $p (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
      (global.set $next (i32.add (local.get $p) (local.get 3)))
      (local.get $p)))
  (core instance $libc (instantiate $Libc))
  (alias core export $libc "mem" (core memory $mem))
  (alias core export $libc "realloc" (core func $realloc))
  (core func $write (canon lower (func $write "write-text") (memory $mem) (realloc (func $realloc))))
  (core func $delete (canon lower (func $remove "delete-file") (memory $mem) (realloc (func $realloc))))

  (core module $m
    (import "libc" "mem" (memory 1))
    (import "host" "write" (func $write (param i32 i32 i32 i32 i32 i32 i32)))
    (import "host" "delete" (func $delete (param i32 i32 i32 i32 i32)))
    (func (export "write") (param i32 i32 i32 i32) (result i32)
      (call $write (i32.const 16) (i32.const 5) (local.get 0) (local.get 1)
        (local.get 2) (local.get 3) (i32.const 128))
      (i32.eqz (i32.load8_u (i32.const 128))))
    (func (export "delete") (param i32 i32) (result i32)
      (call $delete (i32.const 16) (i32.const 5) (local.get 0) (local.get 1) (i32.const 128))
      (i32.eqz (i32.load8_u (i32.const 128)))))
  (core instance $i (instantiate $m
    (with "libc" (instance $libc))
    (with "host" (instance (export "write" (func $write)) (export "delete" (func $delete))))))
  ;; Whether it was done.
  (func (export "write") (param "path" string) (param "content" string) (result bool)
    (canon lift (core func $i "write") (memory $mem) (realloc (func $realloc))))
  (func (export "delete") (param "path" string) (result bool)
    (canon lift (core func $i "delete") (memory $mem) (realloc (func $realloc)))))
