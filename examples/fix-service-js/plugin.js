// Diagnose and heal one service: the partial fix, as `fix-service` in Rust does it. It cannot take anything away: its world
// does not import `teardown`, so there is nothing behind that to call.

import { CapabilityError, ToolError, defineTool, plugin, schema } from "interlock-guest";
import { serviceStatus } from "interlock-guest/environment";
import * as observe from "interlock-guest/environment/observe";
import * as remediate from "interlock-guest/environment/remediate";

import { difference, problem, proposal } from "./words.js";

const { boolean, list, object, string } = schema;

const target = object({
  environment: string("Environment name, for example `prod`."),
  service: string("The one service, for example `api`."),
});

const diagnose = defineTool(
  {
    name: "diagnose",
    description: "Say what is wrong with one service, and what `heal` would do about it. Changes nothing.",
    uses: [observe],
    input: target,
    output: object({
      healthy: boolean(),
      problem: string("What is wrong, in words."),
      proposal: list(string(), "What `heal` would do about it, in order; empty where nothing needs doing."),
      changed: list(string(), "What the configuration in force changed since it was last healthy."),
      logs: string("The last lines that the service wrote."),
    }),
  },
  ({ environment, service }) => {
    const status = observe.serviceStatus(environment, service);
    const config = observe.readConfig(environment, service);
    const good = status.last_healthy_version;
    let changed = [];
    if (good !== null && good !== config.version) {
      changed = difference(observe.readConfig(environment, service, good).content, config.content);
    }
    return {
      healthy: status.healthy,
      problem: problem(status),
      proposal: status.healthy ? [] : proposal(status),
      changed,
      logs: observe.logs(environment, service, 20),
    };
  },
);

const heal = defineTool(
  {
    name: "heal",
    description: "Heal one unhealthy service: roll back a bad configuration, restart it, and check it.",
    input: target,
    output: object({
      did: list(string(), "What was done, in order; empty where nothing needed doing."),
      status: { ...serviceStatus, description: "Processes and health afterwards." },
    }),
  },
  ({ environment, service }) => {
    let status = observe.serviceStatus(environment, service);
    const did = [];
    if (status.healthy) return { did, status };
    try {
      const good = status.last_healthy_version;
      if (good !== null) {
        remediate.rollbackConfig(environment, service, good);
        did.push(`rolled the configuration back from version ${status.config_version} to ${good}`);
      }
      remediate.restartService(environment, service);
      did.push("restarted the service");
      // The last thing it does: a plan ends at a read of what an earlier effect changed.
      status = observe.serviceStatus(environment, service);
    } catch (error) {
      // An error that does not hide what had already been done. Any other than a capability's is a mistake of this code.
      if (!(error instanceof CapabilityError) || did.length === 0) throw error;
      throw ToolError.of(error).context(`${did.join(", ")}, then`);
    }
    if (status.healthy) return { did, status };
    throw new ToolError(`${did.join(", ")}, and it is still unhealthy: ${problem(status)}`, { details: { did, status } });
  },
);

export const tools = plugin(diagnose, heal);
