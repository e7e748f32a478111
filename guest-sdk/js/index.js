// Write tools for agents in JavaScript: plugins that can do what they were granted and nothing else.
//
// A plugin is a module. `defineTool` makes a function a tool that agents can call, and `export const tools = plugin(…)`
// says which. The mistake it stops: a schema, a description or a refusal that differs from what the code does.

export { CapabilityError, ErrorKind, ToolError } from "./error.js";
export { defineTool, plugin } from "./plugin.js";
export * as schema from "./schema.js";
