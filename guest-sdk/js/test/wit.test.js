// The SDK says of `interlock:environment` what the WIT says. It stops a function or a field that one has and the other lacks.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { health, replica, serviceConfig, serviceStatus } from "../environment/index.js";

const wit = readFileSync(new URL("../../wit/environment/environment.wit", import.meta.url), "utf8")
  .replace(/\/\/.*$/gm, "");

const camel = (name) => name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
const body = (kind, name) => new RegExp(`${kind} ${name} \\{([^}]*)\\}`).exec(wit)[1];
const version = /package interlock:environment@([\d.]+);/.exec(wit)[1];

for (const name of ["observe", "remediate", "teardown"]) {
  test(`${name} has the functions of its interface, and the fake too`, async () => {
    // Braces nest in `use types.{…}` only.
    const text = new RegExp(`interface ${name} \\{(?:[^{}]|\\{[^}]*\\})*\\}`).exec(wit)[0];
    const functions = [...text.matchAll(/([a-z-]+): func\(/g)].map(([, one]) => camel(one)).sort();
    assert.ok(functions.length >= 4);
    const client = await import(`../environment/${name}.js`);
    assert.equal(client.INTERFACE, `interlock:environment/${name}@${version}`);
    assert.deepEqual(Object.keys(client).sort(), ["INTERFACE", ...functions].sort());
    assert.deepEqual(Object.keys(await import(client.INTERFACE)).sort(), functions);
  });
}

test("records have the fields of the WIT, in its types", () => {
  const types = {
    u32: { type: "integer", format: "uint32" },
    s32: { type: "integer", format: "int32" },
    string: { type: "string" },
    bool: { type: "boolean" },
  };
  for (const [name, schema] of [["replica", replica], ["service-status", serviceStatus], ["service-config", serviceConfig]]) {
    const fields = [...body("record", name).matchAll(/([a-z-]+): ([a-z0-9<>-]+),/g)];
    assert.deepEqual(Object.keys(schema.properties), fields.map(([, field]) => field.replaceAll("-", "_")));
    for (const [, field, type] of fields) {
      const said = schema.properties[field.replaceAll("-", "_")];
      const [, outer, inner = type] = /^(option|list)<(.*)>$/.exec(type) ?? [];
      if (outer === "list") {
        assert.equal(said.type, "array");
        continue;
      }
      if (inner === "health") continue;
      assert.equal([said.type].flat()[0], types[inner].type, field);
      assert.equal(said.format, types[inner].format, field);
      assert.equal([said.type].flat().includes("null"), outer === "option", field);
    }
  }
  const cases = body("enum", "health").match(/[a-z]+/g);
  assert.deepEqual(health.oneOf.map((one) => one.const), cases);
});
