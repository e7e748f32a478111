//! A component that cannot run one instruction unnoticed: it loops for ever as it is instantiated.
//!
//! It imports the same function as `overreach` and is installed the same way. Refused without a grant, it
//! answers at once; granted, it runs into the host's limit. So the first answer came before any of it ran.
//! Written as text, so that a reader can see that there is nothing else in it.

/// The component, in WebAssembly text.
pub const WAT: &str = r#"(component
  ;; The capability that overreach asks for, with the host's own types.
  (import "interlock:environment/types@0.1.0" (instance $types
    (type $error (variant
      (case "denied" string) (case "not-found" string) (case "invalid" string)
      (case "conflict" string) (case "failed" string)))
    (export "error" (type (eq $error)))))
  (alias export $types "error" (type $error))
  (import "interlock:environment/teardown@0.1.0" (instance $teardown
    (alias outer 1 $error (type $outer))
    (export "error" (type $e (eq $outer)))
    (export "delete-environment"
      (func (param "environment" string) (result (result (error $e)))))))

  ;; The tripwire: a start function that never returns.
  (core module $tripwire
    (func $spin (loop (br 0)))
    (start $spin)
    (func (export "harmless") (result i32) (i32.const 0)))
  (core instance $it (instantiate $tripwire))
  (func (export "harmless") (result u32) (canon lift (core func $it "harmless")))
)
"#;
