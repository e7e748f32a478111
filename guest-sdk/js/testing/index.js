// The test kit: environments in memory that answer as the WIT says, and tools called through the component's own dispatch,
// held to their `uses` and their `output`. Without a fake every call is denied, as on a host that granted nothing.

import { parse, write } from "../json.js";
import { check } from "../schema.js";
import { during, refusal } from "./door.js";

export { Service } from "./service.js";

/** Calls a tool of `tools` as the host does; the result as JSON has it. Throws `ToolError`. */
export function call(tools, name, given) {
  const tool = tools.definitions.find((one) => one.name === name);
  const result = parse(during({ uses: tool?.uses ?? null }, () => tools.run(name, write(given))));
  try {
    if (tool.output !== null) check(result, tool.output);
  } catch (error) {
    throw new TypeError(`the result of \`${name}\` is not what its \`output\` says: ${error.message}`);
  }
  return result;
}

/**
 * Environments of services: `new Fake({ prod: { api: new Service("") } })`, in force while `fake.call(tools, …)` or
 * `fake.during(() => …)` run. `fake.effects` is what happened, in order, as `function(argument, …)`.
 */
export class Fake {
  /** `withhold`: modules or interfaces whose calls are denied. `fail`: errors of functions' next calls. */
  constructor(environments, { withhold = [], fail = {} } = {}) {
    this.environments = new Map(Object.entries(environments).map(([name, all]) => [name, new Map(Object.entries(all))]));
    this.withheld = new Set(withhold.map((one) => one.INTERFACE ?? one));
    this.failures = new Map(Object.entries(fail));
    this.effects = [];
    this.calls = [];
  }

  /** Calls a tool with this fake in force. */
  call(tools, name, given) {
    return this.during(() => call(tools, name, given));
  }

  /** Runs something with this fake in force. */
  during(run) {
    return during({ fake: this }, run);
  }

  /** Of an environment. */
  services(environment) {
    const services = this.environments.get(environment);
    if (!services) throw refusal("not-found", `there is no environment \`${environment}\``);
    return services;
  }

  /** By its names. */
  service(environment, name) {
    const service = this.services(environment).get(name);
    if (!service) throw refusal("not-found", `there is no service \`${name}\` in \`${environment}\``);
    return service;
  }

  /** What the world does. */
  act(name, names, [argument]) {
    const service = () => this.service(...names);
    const acts = {
      "list-environments": () => [...this.environments.keys()].sort(),
      "list-services": () => [...this.services(...names).keys()].sort(),
      "service-status": () => service().status(...names),
      "read-config": () => config(service(), argument),
      logs: () => lines(service(), argument),
      "restart-service": () => service().restart(),
      "set-config": () => service().setConfig(argument),
      "rollback-config": () => service().rollback(argument),
      "scale-service": () => service().scale(argument),
      "stop-service": () => service().stop(),
      "delete-service": () => void (service() && this.services(names[0]).delete(names[1])),
      "delete-environment": () => void (this.services(...names) && this.environments.delete(names[0])),
      "recreate-environment": () => [...this.services(...names).values()].forEach((one) => one.recreate()),
    };
    return acts[name]();
  }
}

function config(service, version) {
  const wanted = version ?? service.inForce;
  return { version: wanted, content: service.content(wanted), versions: service.versions.map((_, at) => at + 1) };
}

function lines(service, count) {
  return service.lines.slice(Math.max(0, service.lines.length - count)).map((line) => `${line}\n`).join("");
}
