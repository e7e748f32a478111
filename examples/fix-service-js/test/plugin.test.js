// Both tools against environments in memory: `npm test`.

import assert from "node:assert/strict";
import test from "node:test";

import { CapabilityError, ErrorKind } from "interlock-guest";
import * as observe from "interlock-guest/environment/observe";
import * as remediate from "interlock-guest/environment/remediate";
import { Fake, Service } from "interlock-guest/testing";

import { tools } from "../plugin.js";
import { difference } from "../words.js";

const API = { environment: "prod", service: "api" };

const broken = () =>
  new Service("port = 8080\nworkers = 2", (config) => config.includes("port = 8080"))
    .config("port = eighty\nworkers = 2")
    .log("listening on 8080")
    .log("invalid port: eighty");

function refused(fake, name) {
  try {
    fake.call(tools, name, API);
  } catch (error) {
    return error;
  }
  throw new Error("it succeeded");
}

test("diagnose says what changed and changes nothing", () => {
  const fake = new Fake({ prod: { api: broken() } });
  const diagnosis = fake.call(tools, "diagnose", API);
  assert.equal(diagnosis.healthy, false);
  assert.deepEqual(diagnosis.changed, ["- port = 8080", "+ port = eighty"]);
  assert.deepEqual(diagnosis.proposal, ["roll the configuration back from version 2 to 1", "restart the service"]);
  assert.equal(diagnosis.logs, "listening on 8080\ninvalid port: eighty\n");
  assert.deepEqual(fake.effects, []);
});

test("heal rolls back, restarts and checks", () => {
  const fake = new Fake({ prod: { api: broken() } });
  const healed = fake.call(tools, "heal", API);
  assert.equal(healed.status.healthy, true);
  assert.equal(healed.status.config_version, 1);
  assert.deepEqual(fake.effects, ["rollback-config(prod, api, 1)", "restart-service(prod, api)"]);
});

test("heal leaves a healthy service alone", () => {
  const fake = new Fake({ prod: { api: new Service("port = 8080") } });
  assert.deepEqual(fake.call(tools, "heal", API).did, []);
  assert.deepEqual(fake.effects, []);
});

test("heal only restarts where the configuration is not to blame", () => {
  const fake = new Fake({ prod: { api: new Service("port = 8080", () => false) } });
  const told = refused(fake, "heal");
  assert.equal(told.kind, ErrorKind.FAILED);
  assert.match(told.message, /^restarted the service, and it is still unhealthy/);
  assert.deepEqual(told.details.did, ["restarted the service"]);
  assert.deepEqual(fake.effects, ["restart-service(prod, api)"]);
});

test("heal says what it did before it failed", () => {
  const conflict = new CapabilityError("conflict", "somebody restarted `api`");
  const fake = new Fake({ prod: { api: broken() } }, { fail: { "restart-service": conflict } });
  const told = refused(fake, "heal");
  assert.equal(
    told.message,
    "rolled the configuration back from version 2 to 1, then: the world moved: somebody restarted `api`",
  );
  assert.deepEqual(told.details, { error: "conflict" });
  assert.deepEqual(fake.effects, ["rollback-config(prod, api, 1)"]);
});

test("a withheld capability is a denial", () => {
  const fake = new Fake({ prod: { api: broken() } }, { withhold: [remediate] });
  assert.equal(refused(fake, "heal").kind, ErrorKind.DENIED);
  assert.deepEqual(fake.effects, []);
});

test("an unknown service is named", () => {
  const told = refused(new Fake({ prod: {} }), "diagnose");
  assert.equal(told.message, "not found: there is no service `api` in `prod`");
});

test("diagnose declares that it only observes", () => {
  assert.deepEqual(tools.describe().map(({ name, uses }) => [name, uses]), [
    ["diagnose", [observe.INTERFACE]],
    ["heal", null],
  ]);
});

test("a last line that ends makes no difference", () => {
  assert.deepEqual(difference("a\n", "a"), []);
  assert.deepEqual(difference("a\r\nb", "a\nc\n"), ["- b", "+ c"]);
});
