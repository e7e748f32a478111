// JSON Schemas of arguments and results, made by functions, and values held to them. What stands in the schema is what is
// enforced: an argument that is not listed is refused, not ignored.

import { ToolError } from "./error.js";

const said = (schema, words, more) => ({ ...schema, ...(words ? { description: words } : {}), ...more });

/** A string. `more` adds keywords for agents to read; those are the host's to enforce, before the tool is called. */
export const string = (words, more) => said({ type: "string" }, words, more);
/** `true` or `false`. */
export const boolean = (words, more) => said({ type: "boolean" }, words, more);
/** A whole number. */
export const integer = (words, more) => said({ type: "integer" }, words, more);
/** A whole number from 0 to 4,294,967,295, as most of the capabilities' are. */
export const u32 = (words, more) => said({ type: "integer", format: "uint32", minimum: 0 }, words, more);
/** A whole number of 32 bits. */
export const i32 = (words, more) => said({ type: "integer", format: "int32" }, words, more);
/** Any number. */
export const number = (words, more) => said({ type: "number" }, words, more);
/** A list of equals. */
export const list = (items, words, more) => said({ type: "array", items }, words, more);
/** An object of any keys, whose values are equals. */
export const map = (values, words, more) => said({ type: "object", additionalProperties: values }, words, more);

/** One of some strings: `["slow", "fast"]`, or `{ slow: "What it means.", … }`. */
export function choice(values, words, more) {
  if (Array.isArray(values)) return said({ type: "string", enum: values }, words, more);
  const oneOf = Object.entries(values).map(([value, means]) => ({ type: "string", const: value, description: means }));
  return said({ oneOf }, words, more);
}

/** What may be `null`; as an argument, what may be absent too. */
export function nullable(schema) {
  if (typeof schema.type === "string" && !schema.enum) return { ...schema, type: [schema.type, "null"] };
  return { anyOf: [schema, { type: "null" }] };
}

/** An object with these properties, each of them required. */
export function object(properties, words, more) {
  const required = Object.keys(properties);
  return said({ type: "object", properties, ...(required.length ? { required } : {}) }, words, more);
}

/** The schema of arguments: nothing else may stand beside the properties, and what may be `null` may be absent. */
export function closed(schema) {
  const required = (schema.required ?? []).filter((name) => !allowsNull(schema.properties[name]));
  const { required: _, ...rest } = schema;
  return { ...rest, ...(required.length ? { required } : {}), additionalProperties: false };
}

const allowsNull = (schema) =>
  schema.type === "null" || schema.type?.includes?.("null") === true && Array.isArray(schema.type)
  || (schema.anyOf ?? []).some(allowsNull);

/** What JSON says, held to a schema; `invalid-arguments` with the path of the first mistake. */
export function check(value, schema, path = "") {
  const some = schema.anyOf ?? schema.oneOf;
  if (some) return checkSome(value, some, path);
  const types = [schema.type].flat();
  if (!types.some((type) => fits(value, type))) wrong(value, types.join(" or "), path);
  if (value === null) return;
  if (schema.enum && !schema.enum.includes(value)) wrong(value, oneOf(schema.enum), path);
  if ("const" in schema && value !== schema.const) wrong(value, oneOf([schema.const]), path);
  if (Array.isArray(value)) {
    value.forEach((one, at) => schema.items && check(one, schema.items, `${path}[${at}]`));
  } else if (typeof value === "object") {
    checkObject(value, schema, path);
  }
}

function checkSome(value, some, path) {
  const constants = some.filter((one) => "const" in one).map((one) => one.const);
  if (constants.length === some.length) {
    if (!constants.includes(value)) wrong(value, oneOf(constants), path);
    return;
  }
  if (value === null && some.some(allowsNull)) return;
  const real = some.filter((one) => one.type !== "null");
  // `nullable` makes one; a union that somebody wrote by hand holds where one of its cases does.
  if (real.length === 1) return check(value, real[0], path);
  if (!real.some((one) => holds(value, one, path))) wrong(value, "one of the schema's cases", path);
}

function holds(value, schema, path) {
  try {
    check(value, schema, path);
    return true;
  } catch (error) {
    if (error instanceof ToolError) return false;
    throw error;
  }
}

function checkObject(value, schema, path) {
  const properties = schema.properties ?? {};
  const others = schema.additionalProperties;
  for (const key of Object.keys(value)) {
    if (Object.hasOwn(properties, key)) continue;
    if (others === false) {
      const takes = Object.keys(properties).map((name) => `\`${name}\``).join(", ") || "no arguments";
      throw ToolError.invalidArguments(`there is no argument \`${key}\`; this tool takes ${takes}`);
    }
    if (typeof others === "object") check(value[key], others, join(path, key));
  }
  for (const [name, inner] of Object.entries(properties)) {
    if (Object.hasOwn(value, name)) {
      check(value[name], inner, join(path, name));
    } else if (schema.required?.includes(name)) {
      throw ToolError.invalidArguments(`missing field \`${join(path, name)}\``);
    }
  }
}

function fits(value, type) {
  if (type === undefined) return true;
  if (type === "integer") return Number.isInteger(value);
  return kindOf(value) === type;
}

function kindOf(value) {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

const oneOf = (values) => `one of ${values.map((one) => `\`${one}\``).join(", ")}`;
const join = (path, name) => (path ? `${path}.${name}` : name);

function wrong(value, wanted, path) {
  const where = path ? `\`${path}\`: ` : "";
  throw ToolError.invalidArguments(`${where}invalid type: ${kindOf(value)}, expected ${wanted}`);
}
