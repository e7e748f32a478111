// Mending one service. Class `change`: never its command, directory or environment variables. Throws `CapabilityError`: as
// `observe`, and `conflict` where the world moved between looking and acting; then nothing was done.

import * as host from "interlock:environment/remediate@0.1.0";

import { ask, text, u32 } from "./host.js";

/** The interface's full name, for `uses: [remediate]`. */
export const INTERFACE = "interlock:environment/remediate@0.1.0";

const of = (environment, service) => [text(environment, "environment"), text(service, "service")];

/**
 * Ends the service's processes and starts them again with the configuration in force. Returns when it has settled, healthy
 * or not, or after the provider's own limit: look at its status.
 */
export const restartService = (environment, service) => void ask(host.restartService, ...of(environment, service));

/** Writes a new configuration version and puts it in force; the service sees it at its next start. Returns its number. */
export const setConfig = (environment, service, content) =>
  ask(host.setConfig, ...of(environment, service), text(content, "content"));

/** Puts an earlier configuration version in force; the service sees it at its next start. */
export const rollbackConfig = (environment, service, version) =>
  void ask(host.rollbackConfig, ...of(environment, service), u32(version, "version"));

/** Runs this many replicas, at least 1. */
export const scaleService = (environment, service, replicas) =>
  void ask(host.scaleService, ...of(environment, service), u32(replicas, "replicas"));
