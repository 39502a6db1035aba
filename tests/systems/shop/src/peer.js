"use strict";
// A service as one that calls it sees it: a place, a breaker, a timeout, retries, kept connections.

const http = require("node:http");
const { performance } = require("node:perf_hooks");
const { CallFailed, Held } = require("./failures");
const { guardOf } = require("./guard");
const { limitOf } = require("./limits");
const { retriesOf } = require("./retries");
const { waitingOf } = require("./waiting");
const { sendingOf } = require("./wire");

const IDLE_MS = 4000; // less than a server keeps an idle connection, so that it is ours to close
const SLOW_SHARE = 0.6; // of its timeout: an answer that took longer is a failure to the breaker, if not to the caller
const FRESH_MS = 1000;
const PASSING = [502, 503, 504];

class Peer {
  /** `edge`: `{ name, caller, callee, timeoutMs, places, retries, isOptional }`; `url` is where it is. */
  constructor(edge, url, has) {
    this.edge = edge;
    this.url = url.replace(/\/$/, "");
    this.agent = new http.Agent({ keepAlive: true, timeout: IDLE_MS });
    this.has = (number) => has(number, edge.name);
    this.send = sendingOf(has, edge.name, waitingOf(has, edge.name));
    this.guard = guardOf(has, edge);
    this.limited = limitOf(has, edge);
    this.retried = retriesOf(has, edge, this.guard.isClosed);
    this.succeededAt = -Infinity;
  }

  /**
   * Makes a call of `{ method, path, body, key }` on behalf of a request, whose `context` it passes on.
   * Resolves with an answer below 500, rejects with `CallFailed`.
   */
  call(call, context) {
    const attempt = (one) => this.limited(() => this.guard.guarded(() => this.attempt(one, context)));
    return this.retried(attempt, { ...call, deadline: Math.min(Date.now() + this.edge.timeoutMs, context.deadline) });
  }

  /** Rejects if the service is out: by what is known of it, or by asking. */
  async check(context) {
    if (this.guard.isClosed() && performance.now() - this.succeededAt < FRESH_MS) return;
    await this.call({ method: "GET", path: "/healthz" }, context);
  }

  async attempt(call, context) {
    const ms = Math.min(this.edge.timeoutMs, call.deadline - Date.now());
    if (ms <= 0) throw new CallFailed(this.edge.callee, "no time left", { isTheirs: false });
    const began = performance.now();
    const answer = await this.exchange(call, context, ms);
    if (answer.status >= 500) throw this.failed(answer);
    this.succeededAt = performance.now();
    const isSlow = performance.now() - began > SLOW_SHARE * this.edge.timeoutMs;
    if (isSlow && !this.has(12)) throw new Held(answer); // defect 12: an answer is a good one, however slow
    if (answer.status >= 400 && this.has(11)) throw new Held(answer); // defect 11: `if (!response.ok) throw`
    return answer;
  }

  async exchange(call, context, ms) {
    const body = call.body && JSON.stringify(call.body);
    try {
      return await this.send({
        url: this.url + call.path,
        method: call.method,
        headers: headersOf(call, body, context, ms),
        body,
        agent: this.agent,
        ms,
        gone: context.gone,
      });
    } catch (error) {
      const isLate = error.code === "LATE";
      const isTheirs = isLate ? ms > SLOW_SHARE * this.edge.timeoutMs : error.code !== "GONE";
      throw new CallFailed(this.edge.callee, error.message, { isTransient: isTheirs && !isLate, isTheirs });
    }
  }

  /** A 5xx; one that names a dependency is not the fault of who sent it, and was retried where it was. */
  failed({ status, headers, body }) {
    const isTheirs = !body?.dependency;
    const retryAfterMs = 1000 * (Number(headers["retry-after"]) || 0);
    return new CallFailed(this.edge.callee, `answered ${status}`, {
      status,
      isTheirs,
      isTransient: isTheirs && PASSING.includes(status),
      retryAfterMs,
    });
  }
}

function headersOf(call, body, context, ms) {
  const headers = { ...context.headers(), "x-timeout-ms": String(Math.ceil(ms)) };
  if (call.key) headers["idempotency-key"] = call.key;
  if (body) Object.assign(headers, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
  return headers;
}

module.exports = { Peer };
