// What goes over to the host and what comes back. It stops the conversions that JavaScript makes without a word: to the
// bindings -1 replicas are 4,294,967,295, version 1.5 is version 1, and `undefined` ends the component.

import { CapabilityError } from "../error.js";

const U32 = 2 ** 32 - 1;

/** A name or a text, and nothing that would be made into one. */
export function text(value, name) {
  if (typeof value !== "string") throw new TypeError(`\`${name}\` must be a string, not ${JSON.stringify(value)}`);
  return value;
}

/** A whole number from 0 to 4,294,967,295. */
export function u32(value, name) {
  if (!Number.isInteger(value) || value < 0 || value > U32) {
    throw new TypeError(`\`${name}\` must be a whole number from 0 to ${U32}, not ${JSON.stringify(value)}`);
  }
  return value;
}

/** The answer of a host's function, in our types. Throws `CapabilityError`. */
export function ask(call, ...arguments_) {
  let answer;
  try {
    answer = call(...arguments_);
  } catch (error) {
    // The bindings put the variant of `interlock:environment/types.error` beside the stack.
    if (typeof error?.payload?.tag !== "string") throw error;
    throw new CapabilityError(error.payload.tag, error.payload.val);
  }
  return ours(answer);
}

/** From the bindings' names to the JSON's: `configVersion` is `config_version`. */
function ours(value) {
  if (Array.isArray(value)) return value.map(ours);
  if (value === null || typeof value !== "object") return value ?? null;
  const named = ([name, one]) => [name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), ours(one)];
  return Object.fromEntries(Object.entries(value).map(named));
}
