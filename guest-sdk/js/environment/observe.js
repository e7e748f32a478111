// Looking. Class `read`: nothing here changes anything. Throws `CapabilityError`: `denied` where the host refuses,
// `not-found` where there is no such environment, service or version.

import * as host from "interlock:environment/observe@0.1.0";

import { ask, text, u32 } from "./host.js";

/** The interface's full name, for `uses: [observe]`. */
export const INTERFACE = "interlock:environment/observe@0.1.0";

const of = (environment, service) => [text(environment, "environment"), text(service, "service")];

/** The names of all environments, sorted. */
export const listEnvironments = () => ask(host.listEnvironments);

/** The names of an environment's services, sorted. */
export const listServices = (environment) => ask(host.listServices, text(environment, "environment"));

/** Processes and health of one service, checked now. */
export const serviceStatus = (environment, service) => ask(host.serviceStatus, ...of(environment, service));

/** A configuration version; the one in force where `version` is absent. */
export const readConfig = (environment, service, version = null) =>
  ask(host.readConfig, ...of(environment, service), version === null ? null : u32(version, "version"));

/** The last lines that the service wrote, oldest first, at most 1,000 lines and 64 KiB. */
export const logs = (environment, service, lines) =>
  ask(host.logs, ...of(environment, service), u32(lines, "lines"));
