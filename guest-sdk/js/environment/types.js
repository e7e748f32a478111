// Records of `interlock:environment/types@0.1.0` as a tool sees them, with their schemas. Their names are the JSON's
// (`config_version`), so a tool can return a record as it is, and its answer is the one that a tool in Rust would give.

import { choice, i32, list, nullable, object, string, boolean, u32 } from "../schema.js";

/** What the health check says. */
export const health = choice(
  {
    healthy: "The check passes.",
    unhealthy: "The check fails.",
    unknown: "The service has no check, or it has not answered yet.",
  },
  "What the health check says.",
);

/** One process of a service. */
export const replica = object(
  {
    index: u32("From 0."),
    pid: nullable(u32("Absent when the process is not running.")),
    health,
    last_exit: nullable(
      i32("How the last process of this replica ended: its exit code, or 128 + the signal."),
    ),
    detail: string("What the health check last said, in the provider's words."),
  },
  "One process of a service.",
);

/** Processes and health of one service. */
export const serviceStatus = object(
  {
    environment: string("The environment's name."),
    service: string("The service's name."),
    healthy: boolean("Every wanted replica is running, and healthy where there is a health check."),
    wanted: u32("Replicas wanted by the service's definition."),
    replicas: list(replica, "The replicas, by index."),
    config_version: u32("The configuration version in force."),
    last_healthy_version: nullable(
      u32(
        "The newest version, other than the one in force when that one is unhealthy, under which the\n"
          + "service was last seen healthy.",
      ),
    ),
  },
  "Processes and health of one service.",
);

/** One configuration version of a service. */
export const serviceConfig = object(
  {
    version: u32("Its number."),
    content: string("The whole configuration file, UTF-8."),
    versions: list(u32(), "Every version that can be read or rolled back to, oldest first."),
  },
  "One configuration version of a service.",
);
