// Runs pieces of JavaScript with Cube's clients connected to a server: one JSON object a line comes in, with the code and
// the server's addresses, and one goes out, with what the code returns or how it failed.
//
// Starts in a folder whose node_modules has the clients.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const require = createRequire(`${process.cwd()}/package.json`);
// As a page that is built from modules gets it; require would find the other build.
const core = 'node_modules/@cubejs-client/core/dist/src/index.js';
const { default: cube, ResultSet } = await import(pathToFileURL(`${process.cwd()}/${core}`));
const Transport = require('@cubejs-client/ws-transport');

const AsyncFunction = (async () => {}).constructor;
const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

// What a rejected promise says.
const refusal = (promise) => promise.then(
  () => null,
  (error) => ({ message: error.message, status: error.status, response: error.response })
);

// Values handed to a callback, to be awaited one by one.
const calls = () => {
  const values = [];
  const waiting = [];
  return {
    values,
    take: (...value) => (waiting.length ? waiting.shift()(value) : values.push(value)),
    next: () => (values.length ? Promise.resolve(values.shift()) : new Promise((resolve) => waiting.push(resolve))),
  };
};

const run = async ({ url, socketUrl, token, code }) => {
  const transports = [];
  const connect = (options = {}, bearer = token) => cube(bearer, { apiUrl: url, pollInterval: 0.05, ...options });
  const connectSocket = (options = {}, bearer = token) => {
    const transport = new Transport({ authorization: bearer, apiUrl: socketUrl, ...options });
    transports.push(transport);
    return cube(bearer, { transport });
  };
  const scope = { cube, ResultSet, connect, connectSocket, sleep, refusal, calls, url, token, api: connect() };
  try {
    return await new AsyncFunction(...Object.keys(scope), `{ ${code} }`)(...Object.values(scope));
  } finally {
    for (const transport of transports) {
      transport.messageIdToSubscription = {}; // else it would connect again
      if (transport.ws) transport.ws.close();
    }
  }
};

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = { result: (await run(JSON.parse(line))) ?? null };
  } catch (error) {
    answer = { error: String(error?.stack ?? error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit(0);
