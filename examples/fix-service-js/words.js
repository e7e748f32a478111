// Facts about a service, in words that an agent or a person can act on.

/** What is wrong with the service, or that nothing is. */
export function problem(status) {
  const who = `\`${status.service}\` in \`${status.environment}\``;
  if (status.healthy) return `${who} is healthy under configuration version ${status.config_version}`;
  const running = status.replicas.filter((replica) => replica.pid !== null).length;
  const sentence =
    `${who} is unhealthy under configuration version ${status.config_version}: ${running} of ${status.wanted} replicas run`;
  return [sentence, ...status.replicas.map(one)].join("; ");
}

function one({ index, pid, health, last_exit: exit, detail }) {
  const how = pid !== null ? `is ${health}` : exit !== null ? `ended with ${exit}` : "does not run";
  return `replica ${index} ${how}${detail ? ` (${detail})` : ""}`;
}

/** What `heal` would do, in order. */
export function proposal({ config_version: version, last_healthy_version: good }) {
  const rollback = good === null ? [] : [`roll the configuration back from version ${version} to ${good}`];
  return [...rollback, "restart the service"];
}

/** The lines that two configurations do not share: `- was` and `+ is`. */
export function difference(before, now) {
  const [was, is] = [lines(before), lines(now)];
  const gone = was.filter((line) => !is.includes(line)).map((line) => `- ${line}`);
  return [...gone, ...is.filter((line) => !was.includes(line)).map((line) => `+ ${line}`)];
}

/** A last line that ends is not followed by an empty one. */
function lines(text) {
  const all = text.split(/\r?\n/);
  if (all.at(-1) === "") all.pop();
  return all;
}
