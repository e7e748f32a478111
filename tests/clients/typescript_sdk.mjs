// An unmodified client of the TypeScript SDK against interlock: list, call, error, cancel, progress, a call that
// waits for people, and one that waits as a task. It stops clients from being surprised by answers that only our
// own client reads.
//
//     node typescript_sdk.mjs (v1|legacy|auto) stdio COMMAND...
//     node typescript_sdk.mjs (v1|legacy|auto) http URL          with the token in INTERLOCK_TOKEN
//
// v1: `@modelcontextprotocol/sdk`. legacy and auto: its successor `@modelcontextprotocol/client`, which is told
// to speak as v1 does, or to find the newest version. Node finds packages beside a script and above it, so this
// one is copied to where they are installed. Each step is printed as one line of JSON. After a step that has a
// `request` it reads a line from standard input: by then people have approved. Exit status 0: every step was as
// it should be.

import { deepStrictEqual as same, ok } from 'node:assert';
import readline from 'node:readline';

const REBUILD = 'rebuild-environment__rebuild';
const ARGUMENTS = { environment: 'prod', reason: 'a test' };
const ME = { name: 'typescript-sdk', version: '1' };

const [mode, way, ...rest] = process.argv.slice(2);
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

function step(name, more = {}) {
  console.log(JSON.stringify({ step: name, ...more }));
}

/** The SDK of a mode; `call` has what differs between the two in how a tool is called. */
async function sdk() {
  if (mode === 'v1') {
    const { Client } = await import('@modelcontextprotocol/sdk/client/index.js');
    const { StdioClientTransport } = await import('@modelcontextprotocol/sdk/client/stdio.js');
    const http = await import('@modelcontextprotocol/sdk/client/streamableHttp.js');
    const call = (client, params, options) => client.callTool(params, undefined, options);
    return { client: new Client(ME), call, StdioClientTransport, ...http };
  }
  const { Client, StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client');
  const { StdioClientTransport } = await import('@modelcontextprotocol/client/stdio');
  const client = new Client(ME, { versionNegotiation: { mode } });
  const call = (client, params, options) => client.callTool(params, options);
  return { client, call, StdioClientTransport, StreamableHTTPClientTransport };
}

function transport({ StdioClientTransport, StreamableHTTPClientTransport }) {
  if (way === 'stdio') {
    const [command, ...args] = rest;
    return new StdioClientTransport({ command, args, env: { ...process.env } });
  }
  const headers = { Authorization: `Bearer ${process.env.INTERLOCK_TOKEN}` };
  return new StreamableHTTPClientTransport(new URL(rest[0]), { requestInit: { headers } });
}

/** Which version is spoken: the client of v1 says it to its transport alone. */
function spoken(transport) {
  const told = {};
  const pass = transport.setProtocolVersion?.bind(transport);
  transport.setProtocolVersion = (version) => {
    told.protocol = version;
    pass?.(version);
  };
  return told;
}

async function tools(client, call, protocol) {
  const all = new Map((await client.listTools()).tools.map((tool) => [tool.name, tool]));
  step('list', { tools: [...all.keys()].sort(), protocol });
  same(all.get(REBUILD).annotations.readOnlyHint, false);
  same(all.get(REBUILD).annotations.destructiveHint, true);
  same(all.get('word-count__count').annotations.readOnlyHint, true);

  // The SDK holds structured content to the tool's output schema, and throws where it does not fit.
  const done = await call({ name: 'word-count__count', arguments: { text: 'one two' } });
  same(done.structuredContent.status, 'done');
  step('call', { result: done.structuredContent.result, text: done.content[0].text });

  const wrong = await call({ name: 'word-count__count', arguments: { txt: 'one two' } });
  same(wrong.isError, true);
  step('error', { code: wrong.structuredContent.status, help: wrong.structuredContent.help });
  const error = await call({ name: 'word-count__nothing', arguments: {} }).then(
    () => ok(false, 'a tool that is not there was called'),
    (error) => error,
  );
  step('misuse', { code: error.code });
}

async function cancel(call) {
  const heard = [];
  const stop = new AbortController();
  const onprogress = ({ progress, message }) => {
    heard.push([progress, message]);
    if (message.includes('running')) stop.abort();
  };
  const running = call({ name: 'spinner__spin', arguments: {} }, { signal: stop.signal, onprogress });
  const ended = await running.catch((error) => error);
  ok(stop.signal.aborted && ended instanceof Error, `it ended by itself: ${JSON.stringify(ended)}`);
  const counted = heard.map(([progress]) => progress);
  same(counted, [...new Set(counted)].sort((one, other) => one - other), 'progress grows');
  step('cancel', { heard: heard.map(([, message]) => message) });
}

/** The digest of what people read, which the asker reads too. */
async function document(client, request) {
  const read = async (part) => {
    const { contents } = await client.readResource({ uri: `interlock://request/${request}/${part}` });
    return contents[0].text;
  };
  const [text, result] = [await read('document'), JSON.parse(await read('result'))];
  const digest = result.document.replace('sha256:', '');
  ok(text.includes('EXACTLY THIS MAY HAPPEN') && text.includes(digest), text);
  return digest;
}

async function waits(client, call) {
  const asked = await call({ name: REBUILD, arguments: ARGUMENTS });
  const told = asked.structuredContent;
  same([asked.isError ?? false, told.status, told.happened], [false, 'approval-required', []]);
  const digest = await document(client, told.request);
  same(told.document, `sha256:${digest}`);
  step('waits', { request: told.request, document: digest });
  await lines.next();
  const arguments_ = { ...ARGUMENTS, interlock_request: told.request };
  const done = await call({ name: REBUILD, arguments: arguments_ });
  same(done.structuredContent.status, 'done');
  const again = await call({ name: REBUILD, arguments: arguments_ });
  same(again.structuredContent, done.structuredContent, 'the same again');
  step('applied', { happened: done.structuredContent.happened });
}

/** What `@modelcontextprotocol/ext-tasks` asks of a host: to send what the SDK's own client has no words for. */
function beside(transport) {
  const waiting = new Map();
  const pass = transport.onmessage;
  transport.onmessage = (message, more) => {
    const answer = waiting.get(message.id);
    if (!answer) return pass(message, more);
    waiting.delete(message.id);
    answer(message.error ? { kind: 'error', error: message.error } : { kind: 'result', result: message.result });
  };
  return (request) =>
    new Promise((answer, fail) => {
      const id = `beside-${waiting.size}-${Date.now()}`;
      waiting.set(id, answer);
      transport.send({ jsonrpc: '2.0', id, ...request }).catch(fail);
    });
}

async function task(client, transport, protocolVersion) {
  const { createTaskSessionFromClient } = await import('@modelcontextprotocol/ext-tasks/client');
  const session = createTaskSessionFromClient(client, {
    endpointId: 'interlock',
    rawDispatch: beside(transport),
    v2RequestFraming: { protocolVersion, clientInfo: ME, clientCapabilities: {} },
  });
  const execution = await session.callTool(REBUILD, { ...ARGUMENTS, reason: 'a task' });
  same(execution.kind, 'task');
  const states = [];
  let told = false;
  const onEvent = async ({ type, task }) => {
    if (type !== 'task') return;
    states.push(task.status);
    if (told) return;
    told = true;
    step('task', { request: task.taskId, document: await document(client, task.taskId) });
    await lines.next();
  };
  const { outcome } = await execution.settle({ onEvent });
  same(outcome.status, 'completed');
  same(outcome.result.structuredContent.status, 'done');
  step('completed', { states, happened: outcome.result.structuredContent.happened });
  await session.close();
}

const { client, call, ...transports } = await sdk();
const server = transport(transports);
const told = spoken(server);
await client.connect(server);
const protocol = client.getNegotiatedProtocolVersion?.() ?? told.protocol;
const calling = (params, options) => call(client, params, options);
await tools(client, calling, protocol);
await cancel(calling);
await waits(client, calling);
if (mode === 'auto') await task(client, server, protocol);
await client.close();
step('end');
process.exit(0);
