"use strict";
// A service's server: its routes, what it says of its health, and its end.

const http = require("node:http");
const { contextOf } = require("./context");
const { CallFailed } = require("./failures");

const MOST_AT_ONCE = 256;
const MOST_BODY_BYTES = 16 * 1024;
const KEPT_MS = 10_000;
const GRACE_MS = 8000;

/** What a handler throws to answer with an error of its caller's. */
class Refused extends Error {
  constructor(status, error) {
    super(error);
    this.status = status;
  }
}

/**
 * Serves `routes`, a list of [method, path with `:names`, handler], until SIGTERM: then what is under way is answered,
 * nothing new is taken, and the process ends. A handler gets `{ params, query, body, key, context }`.
 */
function serve({ name, port, limitMs, routes, peers, has }) {
  const life = { isEnding: false, underWay: 0 };
  const table = [...healthOf(name, life, peers, has), ...routes].map(compiled);
  const server = http.createServer({ keepAliveTimeout: KEPT_MS }, (request, response) =>
    answer(request, response, { table, limitMs, life }),
  );
  server.listen(port, "127.0.0.1", () => console.log(`${name} listens on ${server.address().port}`));
  if (!has(33, name)) process.on("SIGTERM", () => end(server, life)); // defect 33: what is under way is not answered
}

function end(server, life) {
  life.isEnding = true;
  server.close(() => process.exit(0)); // of idle connections it takes care itself
  setTimeout(() => process.exit(1), GRACE_MS).unref();
}

async function answer(request, response, { table, limitMs, life }) {
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  life.underWay += 1;
  const said = await outcomeOf(request, { table, life, context: contextOf(request.headers, limitMs, gone.signal) });
  life.underWay -= 1;
  const content = said.body === undefined ? "" : JSON.stringify(said.body);
  response.writeHead(said.status, {
    ...said.headers,
    ...(content && { "content-type": "application/json" }),
    ...(said.status !== 204 && { "content-length": Buffer.byteLength(content) }),
    ...(life.isEnding && { connection: "close" }),
  });
  response.end(content);
}

async function outcomeOf(request, { table, life, context }) {
  try {
    if (life.underWay > MOST_AT_ONCE) return unavailable({ error: "overloaded" }, 1000);
    const { pathname, searchParams } = new URL(request.url, "http://here");
    const { handler, params } = found(table, request.method, pathname);
    const body = parsed(await received(request));
    return await handler({ params, query: searchParams, body, key: request.headers["idempotency-key"], context });
  } catch (error) {
    if (error instanceof Refused) return { status: error.status, body: { error: error.message } };
    if (error instanceof CallFailed) {
      const body = { error: "dependency_unavailable", dependency: error.dependency, detail: error.message };
      return unavailable(body, error.retryAfterMs);
    }
    if (!context.gone.aborted) console.error(error);
    return { status: 500, body: { error: "internal" } };
  }
}

function unavailable(body, retryAfterMs) {
  return { status: 503, body, headers: { "retry-after": String(Math.max(1, Math.ceil(retryAfterMs / 1000))) } };
}

function healthOf(name, life, peers, has) {
  const needed = peers.filter((peer) => !peer.edge.isOptional);
  const alive = async () => ({ status: 200, body: { service: name, alive: true } });
  const ready = async ({ context }) => {
    if (has(28, name)) return { status: 200, body: { ready: true } }; // defect 28: nobody looked
    await Promise.all(needed.map((peer) => peer.check(context)));
    return life.isEnding ? unavailable({ error: "ending" }, 1000) : { status: 200, body: { ready: true } };
  };
  return [["GET", "/healthz", alive], ["GET", "/readyz", ready]];
}

function compiled([method, path, handler]) {
  return { method, pattern: new RegExp(`^${path.replace(/:(\w+)/g, "(?<$1>[\\w-]+)")}$`), handler };
}

function found(table, method, path) {
  const there = table.filter((route) => route.pattern.test(path));
  const route = there.find((each) => each.method === method);
  if (!route) throw new Refused(there.length ? 405 : 404, there.length ? "method_not_allowed" : "not_found");
  return { handler: route.handler, params: route.pattern.exec(path).groups ?? {} };
}

async function received(request) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > MOST_BODY_BYTES) throw new Refused(413, "too_large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parsed(text) {
  if (text === "") return {};
  try {
    return JSON.parse(text) ?? {};
  } catch {
    throw new Refused(400, "not_json");
  }
}

module.exports = { serve, Refused };
