// Adds a bearer token to each request and passes everything else on as it is, Host and Origin included.
//
// The conformance suite can send no Authorization header, and `interlock serve` lets nobody in without one.
//
//     INTERLOCK_TOKEN=… node with_bearer.mjs
//
// It says its port, then reads HOST:PORT of the host from a line of standard input, and ends when that does.

import http from 'node:http';
import readline from 'node:readline';

const bearer = `Bearer ${process.env.INTERLOCK_TOKEN}`;
let target;

const proxy = http.createServer((asked, answer) => {
  const headers = [...asked.rawHeaders, 'Authorization', bearer];
  const passed = http.request({ ...target, method: asked.method, path: asked.url, headers }, (answered) => {
    answer.writeHead(answered.statusCode, answered.rawHeaders);
    answer.flushHeaders();
    answered.pipe(answer);
  });
  passed.on('error', () => answer.destroy());
  // A stream that the client closes is closed: a proxy that kept it open would hide that from the host.
  answer.on('close', () => passed.destroy());
  asked.pipe(passed);
});
proxy.listen(0, '127.0.0.1', () => console.log(proxy.address().port));

readline
  .createInterface({ input: process.stdin })
  .on('line', (line) => {
    const [host, port] = line.split(':');
    target = { host, port };
  })
  .on('close', () => process.exit(0));
