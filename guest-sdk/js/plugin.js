// A plugin's list of tools and the dispatch behind `describe` and `call`. The native test kit and the component's exports
// go through the same two functions, so a test cannot pass by another road.

import { ErrorKind, ToolError } from "./error.js";
import { parse, write } from "./json.js";
import { check, closed, object } from "./schema.js";

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

/**
 * Makes a function a tool: `defineTool({ name, title, description, input, output, uses }, run)`. The description is what
 * agents read; `input` and `output` are schemas (`schema.object(…)`), the former of an object.
 *
 * `uses: [observe]` narrows the tool: the host withholds the plugin's other imports while it runs.
 */
export function defineTool({ name, title = null, description, input = object({}), output = null, uses = null }, run) {
  if (typeof name !== "string" || !NAME.test(name)) {
    throw new TypeError(`\`${name}\` cannot be a tool's name: lower-case letters, digits and \`-\`, at most 63`);
  }
  if (typeof description !== "string" || description.trim() === "") {
    throw new TypeError(`tool \`${name}\` needs a description: it is what agents read`);
  }
  if (typeof run !== "function") throw new TypeError(`tool \`${name}\` needs a function to run`);
  if (input?.type !== "object") throw new TypeError(`tool \`${name}\` takes an object: \`schema.object(…)\``);
  const interfaces = uses?.map((one) => {
    const named = typeof one === "string" ? one : one?.INTERFACE;
    if (typeof named !== "string") throw new TypeError(`tool \`${name}\` uses something that is no interface`);
    return named;
  });
  return Object.freeze({
    name,
    title,
    description,
    input: closed(input),
    output,
    uses: interfaces ?? null,
    run,
    isTool: true,
  });
}

/**
 * `export const tools = plugin(a, b)`: which tools the plugin has, in the order in which agents see them.
 *
 * The list is explicit on purpose: a dependency cannot add a tool to a plugin. `describe` and `call` are the contract's
 * `interlock:tool/tools`; `definitions` and `run` are the same for tests, in words of JavaScript.
 */
export function plugin(...tools) {
  const byName = new Map();
  for (const tool of tools) {
    if (tool?.isTool !== true) throw new TypeError("this is not a tool: make it with `defineTool`");
    if (byName.has(tool.name)) throw new TypeError(`two tools of this plugin have the name \`${tool.name}\``);
    byName.set(tool.name, tool);
  }

  /** Runs a tool on a JSON object; its result as JSON. Throws `ToolError`. */
  function run(name, text) {
    const tool = byName.get(name);
    if (!tool) {
      const known = [...byName.keys()].map((one) => `\`${one}\``).join(", ");
      throw new ToolError(`there is no tool \`${name}\` here; this plugin has ${known}`, { kind: ErrorKind.UNKNOWN_TOOL });
    }
    const given = read(text);
    check(given, tool.input);
    let result;
    try {
      result = tool.run(given);
    } catch (error) {
      throw ToolError.of(error);
    }
    if (typeof result?.then === "function") throw new TypeError(`tool \`${name}\` gave a promise; tools do not wait`);
    try {
      return write(result);
    } catch (error) {
      throw new ToolError(`the result cannot be written as JSON: ${error.message}`, { cause: error });
    }
  }

  return {
    definitions: tools,
    run,
    describe: () => tools.map(definition),
    call(name, text) {
      try {
        return run(name, text);
      } catch (error) {
        // Only what is no `Error` crosses as the contract's error. Every other ends the run as a trap, with its stack.
        throw error instanceof ToolError ? toolError(error) : error;
      }
    },
  };
}

function read(text) {
  let given;
  try {
    given = parse(text);
  } catch (error) {
    throw ToolError.invalidArguments(`the arguments are not a JSON object: ${error.message}`);
  }
  if (given === null || typeof given !== "object" || Array.isArray(given)) {
    throw ToolError.invalidArguments("the arguments are not a JSON object");
  }
  return given;
}

/** In the contract's types. */
function definition({ name, title, description, input, output, uses }) {
  return {
    name,
    title,
    description,
    inputSchema: JSON.stringify(input),
    outputSchema: output === null ? null : JSON.stringify(output),
    uses,
  };
}

/** The same. Details that cannot be written as JSON are left out: an error must not fail. */
function toolError({ kind, message, details }) {
  let written = null;
  try {
    if (details !== undefined && details !== null) written = write(details);
  } catch {
    written = null;
  }
  return { kind, message, details: written };
}
