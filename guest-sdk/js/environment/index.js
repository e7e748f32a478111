// The built-in capability `interlock:environment@0.1.0`: look at services, mend them, tear them down.
//
// Each interface is a module of its own, beside this one. A component has those that `wit/world.wit` imports; a module of
// another one does not load in it. On the developer's machine the same functions meet the `Fake` of `interlock-guest/testing`.

export { health, replica, serviceConfig, serviceStatus } from "./types.js";
