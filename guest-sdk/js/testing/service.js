// A service in memory that answers as the WIT says, for the test kit.

import { refusal } from "./door.js";

/** A service that runs; healthy where `healthyWhen` says so of the configuration that it started with. */
export class Service {
  constructor(config, healthyWhen = () => true) {
    Object.assign(this, { versions: [config], inForce: 1, running: 1, started: [1] });
    Object.assign(this, { wanted: 1, starts: 1, lastExit: null, lines: [], healthyWhen });
  }

  /** A later configuration version, in force and read by a restart. */
  config(content) {
    this.setConfig(content);
    this.restart();
    return this;
  }

  /** The process has ended with this exit code. */
  crashed(code) {
    Object.assign(this, { running: null, lastExit: code });
    return this;
  }

  /** A line in its log. */
  log(line) {
    this.lines.push(line);
    return this;
  }

  /** Of a version. */
  content(version) {
    if (version < 1 || version > this.versions.length) {
      throw refusal("not-found", `there is no configuration version ${version}`);
    }
    return this.versions[version - 1];
  }

  /** Whether a version makes it healthy. */
  good(version) {
    return this.healthyWhen(this.versions[version - 1]);
  }

  /** As `service-status` has it. */
  status(environment, service) {
    const up = this.running !== null && this.good(this.running);
    const [health, detail] = up
      ? ["healthy", "the check passes"]
      : this.running === null
        ? ["unknown", "the process is not running"]
        : ["unhealthy", `the check fails under configuration version ${this.running}`];
    const replicas = Array.from({ length: this.wanted }, (_, index) => ({
      index,
      pid: this.running === null ? null : 1000 * this.starts + index,
      health,
      lastExit: this.lastExit,
      detail,
    }));
    const good = this.started.filter((one) => this.good(one) && (up || one !== this.inForce));
    const lastHealthyVersion = good.length ? Math.max(...good) : null;
    const { wanted, inForce: configVersion } = this;
    return { environment, service, healthy: up, wanted, replicas, configVersion, lastHealthyVersion };
  }

  /** With the configuration in force. */
  restart() {
    this.running = this.inForce;
    this.started.push(this.inForce);
    this.starts += 1;
  }

  /** A new version, in force. */
  setConfig(content) {
    this.inForce = this.versions.push(content);
    return this.inForce;
  }

  /** An earlier version, in force. */
  rollback(version) {
    this.content(version);
    this.inForce = version;
  }

  /** To so many. */
  scale(replicas) {
    if (replicas < 1) throw refusal("invalid", "`replicas` must be at least 1");
    this.wanted = replicas;
  }

  /** Until somebody starts it. */
  stop() {
    Object.assign(this, { running: null, lastExit: 128 + 15 });
  }

  /** As its definition has it: no history, no logs, a new process. */
  recreate() {
    this.versions.length = 1;
    Object.assign(this, { inForce: 1, started: [], lines: [], lastExit: null });
    this.restart();
  }
}
