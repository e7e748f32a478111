;; What:  text that is not WebAssembly text
;; Exit:  2
(component (func (export "broken"
