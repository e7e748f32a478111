// `node --import interlock-guest/testing/register --test`: from then on an import of `interlock:environment/…` is the fake,
// as it is the host in a component. The plugin under test is the file that is built, not a copy with other imports.

import { register } from "node:module";

register("./hooks.js", import.meta.url);
