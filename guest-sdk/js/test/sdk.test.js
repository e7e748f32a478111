// The SDK by itself: schemas, arguments, errors, what crosses to the host, and the fake's one door. `npm test`

import assert from "node:assert/strict";
import test from "node:test";

import * as observe from "../environment/observe.js";
import * as remediate from "../environment/remediate.js";
import * as teardown from "../environment/teardown.js";
import { serviceConfig, serviceStatus } from "../environment/index.js";
import { CapabilityError, ErrorKind, ToolError, defineTool, plugin, schema } from "../index.js";
import { Fake, Service, call } from "../testing/index.js";

const { choice, integer, list, map, nullable, number, object, string } = schema;

const many = object(
  {
    name: string("Who."),
    parts: list(object({ of: integer() })),
    speed: nullable(choice(["slow", "fast"])),
    note: nullable(string(null, { maxLength: 9 })),
    more: nullable(map(number())),
  },
  "What is asked.",
);

const echo = defineTool(
  {
    name: "echo-all",
    title: "Echo",
    description: "Gives back what it was given.",
    input: many,
    uses: ["interlock:environment/observe"],
    output: many,
  },
  ({ name, parts, speed = "slow", note = null, more = null }) => ({ name, parts, speed, note, more }),
);

const nothing = defineTool({ name: "nothing", description: "Restarts `api`, whatever it is called with." }, () => {
  remediate.restartService("prod", "api");
});

const narrow = defineTool(
  { name: "narrow", description: "Says that it looks, and restarts.", uses: [observe], output: string() },
  () => {
    remediate.restartService("prod", "api");
    return "done";
  },
);

const tools = plugin(echo, nothing, narrow);

function thrown(run) {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error("it succeeded");
}

const told = (name, given) => thrown(() => call(tools, name, given));
const one = (run, more) => plugin(defineTool({ name: "one", description: "One.", ...more }, run));

test("describe says what the code says", () => {
  const [first, second, third] = tools.describe();
  assert.deepEqual([first.name, first.title, first.description], ["echo-all", "Echo", "Gives back what it was given."]);
  assert.deepEqual(first.uses, ["interlock:environment/observe"]);
  const input = JSON.parse(first.inputSchema);
  assert.deepEqual(input.required, ["name", "parts"]);
  assert.equal(input.additionalProperties, false);
  assert.deepEqual(input.properties.name, { type: "string", description: "Who." });
  assert.deepEqual(input.properties.note, { type: ["string", "null"], maxLength: 9 });
  assert.deepEqual(input.properties.speed, { anyOf: [{ type: "string", enum: ["slow", "fast"] }, { type: "null" }] });
  const output = JSON.parse(first.outputSchema);
  assert.deepEqual(output.required, ["name", "parts", "speed", "note", "more"]);
  assert.equal(output.additionalProperties, undefined);
  assert.equal(second.outputSchema, null);
  assert.deepEqual(JSON.parse(second.inputSchema), { type: "object", properties: {}, additionalProperties: false });
  assert.deepEqual(third.uses, [observe.INTERFACE]);
});

test("what was given comes back", () => {
  const given = { name: "a", parts: [{ of: 1 }], speed: "fast", note: null, more: { x: 1.5 } };
  assert.deepEqual(call(tools, "echo-all", given), given);
  assert.equal(call(tools, "echo-all", { name: "a", parts: [] }).speed, "slow");
});

test("wrong arguments are told with their path", () => {
  for (const [given, says] of [
    [{ parts: [] }, "missing field `name`"],
    [{ name: 1, parts: [] }, "`name`: invalid type: number, expected string"],
    [{ name: "a", parts: [{ of: 1 }, { of: "x" }] }, "`parts[1].of`: invalid type: string"],
    [{ name: "a", parts: [{ of: true }] }, "`parts[0].of`: invalid type: boolean"],
    [{ name: "a", parts: [{ of: 1.5 }] }, "`parts[0].of`: invalid type: number, expected integer"],
    [{ name: "a", parts: [], speed: "odd" }, "expected one of `slow`, `fast`"],
    [{ name: "a", parts: [], more: { x: "y" } }, "`more.x`: invalid type: string"],
    [{ name: "a", parts: [], nmae: "b" }, "there is no argument `nmae`; this tool takes `name`"],
    [{ name: "a", parts: [], toString: "b" }, "there is no argument `toString`"],
    [{ name: "a", parts: {} }, "expected array"],
    [["a"], "not a JSON object"],
    [null, "not a JSON object"],
  ]) {
    const error = told("echo-all", given);
    assert.equal(error.kind, ErrorKind.INVALID_ARGUMENTS);
    assert.ok(error.message.includes(says), error.message);
  }
  assert.equal(told("nothing", { x: 1 }).kind, ErrorKind.INVALID_ARGUMENTS);
  assert.equal(told("other", {}).kind, ErrorKind.UNKNOWN_TOOL);
});

test("what JSON would lose without a word is refused", () => {
  for (const [text, says] of [
    ['{"name":"a","name":"b","parts":[]}', "duplicate field `name`"],
    ['{"name":"a","parts":[{"of":1,"o\\u0066":2}]}', "duplicate field `of`"],
    ['{"name":"a","parts":[{"of":9007199254740993}]}', "9007199254740993 is too large"],
    ['{"name":"a","parts":[],"more":{"x":NaN}}', "not a JSON object"],
    ['{"__proto__":{"name":"a"},"parts":[]}', "there is no argument `__proto__`"],
    ["{", "not a JSON object"],
  ]) {
    const error = thrown(() => tools.run("echo-all", text));
    assert.equal(error.kind, ErrorKind.INVALID_ARGUMENTS);
    assert.ok(error.message.includes(says), error.message);
  }
  const twice = '{"name":"{\\"name\\":1,","parts":[{"of":1},{"of":1}]}';
  assert.equal(JSON.parse(tools.run("echo-all", twice)).name, '{"name":1,');
  for (const result of [Infinity, [NaN], { of: 1n }, () => 1, new Map()]) {
    const error = thrown(() => one(() => result).run("one", "{}"));
    assert.equal(error.kind, ErrorKind.FAILED);
    assert.match(error.message, /cannot be written as JSON/);
  }
  assert.equal(one(() => undefined).run("one", "{}"), "null");
});

test("a denial stays a denial and a failure names its case", () => {
  assert.equal(told("nothing", {}).kind, ErrorKind.DENIED);
  assert.match(told("nothing", {}).message, /^not-granted: /);
  const error = thrown(() => new Fake({}).call(tools, "nothing", {}));
  assert.deepEqual([error.kind, error.details], [ErrorKind.FAILED, { error: "not-found" }]);
});

test("errors cross as the contract's, and mistakes as traps", () => {
  const failed = one(() => {
    throw new ToolError("no", { details: { left: 1 } });
  });
  const crossed = thrown(() => failed.call("one", "{}"));
  // The bindings make a trap of an `Error`, whatever is in it.
  assert.ok(!(crossed instanceof Error));
  assert.deepEqual(crossed, { kind: "failed", message: "no", details: '{"left":1}' });
  const cyclic = {};
  cyclic.self = cyclic;
  const endless = one(() => {
    throw new ToolError("no", { details: cyclic });
  });
  assert.equal(thrown(() => endless.call("one", "{}")).details, null);
  const mistaken = one(() => undefined.field);
  assert.ok(thrown(() => mistaken.call("one", "{}")) instanceof TypeError);
  assert.match(thrown(() => one(async () => 1).call("one", "{}")).message, /tools do not wait/);
});

test("uses narrows the tool", () => {
  const fake = new Fake({ prod: { api: new Service("") } });
  assert.match(thrown(() => fake.call(tools, "narrow", {})).message, /^withheld: /);
  assert.deepEqual(fake.effects, []);
  fake.call(tools, "nothing", {});
  assert.deepEqual(fake.effects, ["restart-service(prod, api)"]);
});

test("nothing is made into a number or a name on its way to the host", () => {
  const fake = new Fake({ prod: { api: new Service("") } });
  fake.during(() => {
    for (const bad of [-1, 1.5, 2 ** 32, NaN, "2", undefined, null]) {
      assert.throws(() => remediate.scaleService("prod", "api", bad), TypeError);
      assert.throws(() => remediate.rollbackConfig("prod", "api", bad), TypeError);
      assert.throws(() => observe.logs("prod", "api", bad), TypeError);
    }
    assert.throws(() => observe.readConfig("prod", "api", -1), TypeError);
    for (const bad of [undefined, null, 1, ["api"]]) {
      assert.throws(() => remediate.restartService("prod", bad), TypeError);
      assert.throws(() => remediate.setConfig("prod", "api", bad), TypeError);
      assert.throws(() => teardown.deleteEnvironment(bad), TypeError);
    }
  });
  assert.deepEqual(fake.calls, []);
});

test("the fake answers as the WIT says", () => {
  const fake = new Fake({ prod: { api: new Service("a").log("x").log("y") }, empty: {} });
  fake.during(() => {
    assert.deepEqual(observe.listEnvironments(), ["empty", "prod"]);
    assert.deepEqual(observe.listServices("prod"), ["api"]);
    assert.equal(observe.logs("prod", "api", 1), "y\n");
    assert.equal(observe.logs("prod", "api", 0), "");
    assert.equal(remediate.setConfig("prod", "api", "b"), 2);
    assert.equal(observe.readConfig("prod", "api").content, "b");
    assert.deepEqual(observe.readConfig("prod", "api", 1), { version: 1, content: "a", versions: [1, 2] });
    remediate.scaleService("prod", "api", 2);
    assert.equal(observe.serviceStatus("prod", "api").replicas.length, 2);
    schema.check(observe.serviceStatus("prod", "api"), serviceStatus);
    schema.check(observe.readConfig("prod", "api"), serviceConfig);
    teardown.stopService("prod", "api");
    assert.equal(observe.serviceStatus("prod", "api").healthy, false);
    assert.equal(observe.serviceStatus("prod", "api").replicas[0].last_exit, 143);
    schema.check(observe.serviceStatus("prod", "api"), serviceStatus);
    teardown.recreateEnvironment("prod");
    assert.equal(observe.serviceStatus("prod", "api").healthy, true);
    teardown.deleteService("prod", "api");
    assert.deepEqual(observe.listServices("prod"), []);
    teardown.deleteEnvironment("prod");
    assert.deepEqual(observe.listEnvironments(), ["empty"]);
    for (const bad of ["", "../x", "a/b"]) {
      const error = thrown(() => observe.listServices(bad));
      assert.ok(error instanceof CapabilityError);
      assert.equal(error.case, "denied");
    }
  });
  assert.equal(fake.effects[0], "set-config(prod, api, b)");
});

test("what cannot be a tool is told where it is written", () => {
  const run = () => 1;
  const good = { name: "one", description: "One." };
  for (const [bad, does] of [
    [{ ...good, description: "" }, run],
    [{ ...good, name: "Odd" }, run],
    [{ ...good, name: "a".repeat(64) }, run],
    [{ ...good, input: string() }, run],
    [{ ...good, uses: [{}] }, run],
    [good, undefined],
  ]) {
    assert.throws(() => defineTool(bad, does), TypeError);
  }
  assert.throws(() => plugin(run), TypeError);
  assert.throws(() => plugin(nothing, nothing), TypeError);
  assert.throws(() => new ToolError("no", { kind: "odd" }), TypeError);
});

test("a result that is not what its output says fails the test", () => {
  const lying = one(() => ({ count: "1" }), { output: object({ count: integer() }) });
  assert.throws(() => call(lying, "one", {}), /not what its `output` says: `count`/);
  const short = one(() => ({ count: undefined }), { output: object({ count: integer() }) });
  assert.throws(() => call(short, "one", {}), /missing field `count`/);
});

test("an interface without a fake is an error", async () => {
  await assert.rejects(import("interlock:environment/other@0.1.0"), /there is no fake of/);
});
