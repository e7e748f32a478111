;; What:  a core module is not a component
;; Exit:  2
;; Says:  component
(module (func (export "harmless") (result i32) (i32.const 0)))
