// Taking away. Class `destroy`: it happens only after people approved exactly that effect. A host that was not told to grant
// it refuses a plugin that imports it before any of it runs. Throws `CapabilityError`, as `remediate`.

import * as host from "interlock:environment/teardown@0.1.0";

import { ask, text } from "./host.js";

/** The interface's full name, for `uses: [teardown]`. */
export const INTERFACE = "interlock:environment/teardown@0.1.0";

const of = (environment, service) => [text(environment, "environment"), text(service, "service")];

/** Ends the service's processes and keeps them ended. */
export const stopService = (environment, service) => void ask(host.stopService, ...of(environment, service));

/** Ends the service and deletes its definition, configuration versions and logs. */
export const deleteService = (environment, service) => void ask(host.deleteService, ...of(environment, service));

/** Deletes an environment with all its services. */
export const deleteEnvironment = (environment) => void ask(host.deleteEnvironment, text(environment, "environment"));

/** Deletes an environment's services with their configuration history and logs, and starts them anew. */
export const recreateEnvironment = (environment) =>
  void ask(host.recreateEnvironment, text(environment, "environment"));
