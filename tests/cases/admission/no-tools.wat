;; What:  a component that exports nothing
;; Exit:  2
;; Says:  tool
(component
  (core module $m)
  (core instance $c (instantiate $m))
)
