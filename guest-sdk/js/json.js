// JSON, read and written without the quiet losses of `JSON`: a key given twice (the last one would win), a whole number
// that JavaScript cannot hold (another one would take its place), and values that JSON does not have (`null` would).

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[{}[\],:]/g;

/** What `text` says. Throws `SyntaxError`. */
export function parse(text) {
  const value = JSON.parse(text);
  // It is JSON from here on, so its tokens can be told apart without looking at what is around them.
  const open = [];
  let last = null;
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === "{" || token === "[") {
      open.push(token === "{" ? new Set() : null);
    } else if (token === "}" || token === "]") {
      open.pop();
    } else if (token === ":") {
      const keys = open.at(-1);
      const key = JSON.parse(last);
      if (keys.has(key)) throw new SyntaxError(`duplicate field \`${key}\``);
      keys.add(key);
    } else if (/^-?\d+$/.test(token) && !Number.isSafeInteger(Number(token))) {
      throw new SyntaxError(`the number ${token} is too large for JavaScript to hold exactly`);
    }
    last = token;
  }
  return value;
}

/** A value as JSON. Throws `TypeError` for what JSON cannot say. */
export function write(value) {
  // What a function returns that returns nothing.
  if (value === undefined) return "null";
  return JSON.stringify(value, (key, one) => {
    const says = typeof one;
    const where = key === "" ? "it" : `\`${key}\``;
    if (says === "number" && !Number.isFinite(one)) throw new TypeError(`${where} is ${one}`);
    if (says === "bigint" || says === "function" || says === "symbol") throw new TypeError(`${where} is a ${says}`);
    if (one instanceof Map || one instanceof Set) throw new TypeError(`${where} is a ${one.constructor.name}`);
    return one;
  });
}
