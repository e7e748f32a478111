// The fake's one door: grants, names and planted failures before the world, the record after it. It speaks as the
// bindings of a component do (their names, their errors), so what the SDK makes of them is tested too.

const SEGMENT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** The fake in force, and what the tool that runs says it uses. */
const now = { fake: null, uses: null };

/** Runs something with these in force, and puts back what was before, whatever happens. */
export function during(change, run) {
  const before = { ...now };
  Object.assign(now, change);
  try {
    return run();
  } finally {
    Object.assign(now, before);
  }
}

/** An error as the bindings throw it. */
export function refusal(of, text) {
  return Object.assign(new Error("[object Object] (see error.payload)"), { payload: { tag: of, val: text } });
}

/** What the other side says to a call. */
export function answer(interface_, name, rest) {
  const { fake, uses } = now;
  if (fake === null) {
    throw refusal(
      "denied",
      `not-granted: \`${interface_}\` has no provider here; use a \`Fake\` of \`interlock-guest/testing\``,
    );
  }
  const names = [interface_, interface_.split("@")[0]];
  if (uses !== null && !uses.some((one) => names.includes(one))) {
    throw refusal("denied", `withheld: this tool does not say that it uses \`${interface_}\``);
  }
  if (fake.withheld.has(interface_)) throw refusal("denied", `withheld: \`${interface_}\` is withheld`);
  const segments = name === "list-environments" ? 0 : /-(services|environment)$/.test(name) ? 1 : 2;
  for (const one of rest.slice(0, segments)) {
    if (!SEGMENT.test(one)) throw refusal("denied", `bad-resource: \`${one}\` cannot be a name`);
  }
  const planted = fake.failures.get(name);
  if (planted) {
    fake.failures.delete(name);
    throw refusal(planted.case, planted.text);
  }
  const result = fake.act(name, rest.slice(0, segments), rest.slice(segments));
  const told = `${name}(${rest.filter((one) => one !== null).join(", ")})`;
  fake.calls.push(told);
  if (!interface_.includes("/observe@")) fake.effects.push(told);
  return result;
}
