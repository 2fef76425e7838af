;; The smallest policy that can be told apart from an empty one: a component around one empty core module.
(component
  (core module))
