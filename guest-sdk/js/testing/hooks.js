// Node's hooks that give `interlock:…` modules: the functions of each interface, each a call of the fake's one door. An
// interface that is not listed here is an error while it is imported, never an empty module.

const PARTS = {
  "interlock:environment/observe@0.1.0": ["listEnvironments", "listServices", "serviceStatus", "readConfig", "logs"],
  "interlock:environment/remediate@0.1.0": ["restartService", "setConfig", "rollbackConfig", "scaleService"],
  "interlock:environment/teardown@0.1.0": [
    "stopService",
    "deleteService",
    "deleteEnvironment",
    "recreateEnvironment",
  ],
};

/** An interface's name is its module's address. */
export async function resolve(specifier, context, next) {
  if (!specifier.startsWith("interlock:")) return next(specifier, context);
  if (!Object.hasOwn(PARTS, specifier)) throw new Error(`there is no fake of \`${specifier}\``);
  return { url: specifier, format: "module", shortCircuit: true };
}

/** Its text. */
export async function load(url, context, next) {
  if (!Object.hasOwn(PARTS, url)) return next(url, context);
  const door = JSON.stringify(new URL("./door.js", import.meta.url).href);
  const lines = PARTS[url].map((name) => {
    const wit = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    return `export const ${name} = (...rest) => answer(${JSON.stringify(url)}, "${wit}", rest);`;
  });
  const source = [`import { answer } from ${door};`, ...lines].join("\n");
  return { format: "module", source, shortCircuit: true };
}
