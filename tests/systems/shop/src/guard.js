"use strict";
// What stands between an edge and its calls: opossum's breaker, which is its bulkhead, too.

const CircuitBreaker = require("opossum");
const { CallFailed, Held } = require("./failures");

const RULES = {
  timeout: false, // a call has a timeout of its own, by which it is ended, not only left
  errorThresholdPercentage: 50,
  volumeThreshold: 10,
  rollingCountTimeout: 5000,
  rollingCountBuckets: 10,
  resetTimeout: 1500,
  enableSnapshots: false,
};
const IN_A_ROW = 10;

/** Returns `isClosed()` and `guarded(send)`, which resolves with the answer of `send()` or rejects by `CallFailed`. */
function guardOf(has, edge) {
  const breaker = has(13, edge.caller) ? theOneOf(has, edge) : breakerOf(has, edge);
  const through = wayOf(has, edge, breaker);
  const guarded = (send) => through(send).catch((error) => {
    if (error instanceof Held) return error.answer;
    throw asFailure(error, edge);
  });
  return { guarded, isClosed: () => breaker.closed };
}

function breakerOf(has, edge) {
  const breaker = new CircuitBreaker((send) => send(), rulesOf(has, edge));
  if (has(9, edge.name)) opensAfterARow(breaker);
  return breaker;
}

function rulesOf(has, edge) {
  const rules = { ...RULES, capacity: edge.places, errorFilter: isNotTheirs };
  if (has(5, edge.name)) rules.volumeThreshold = 100_000; // defect 5: more than there ever are in 5 s
  if (has(6, edge.name)) rules.resetTimeout = 1500 * 1000; // defect 6: milliseconds taken for seconds
  if (has(9, edge.name)) rules.errorThresholdPercentage = 100;
  if (has(10, edge.name)) rules.errorFilter = isNoBrokenCall;
  if (has(22, edge.caller)) delete rules.capacity; // defect 22: see limits.js
  if (has(32, edge.name)) rules.timeout = edge.timeoutMs; // defect 32: the call itself has none
  return rules;
}

// Said of the caller, not of the service it calls: its places are taken, or it gave up by itself.
const isNotTheirs = (error) => error.code === "ESEMLOCKED" || error.isTheirs === false;

// Defect 10: an answer is an answer.
const isNoBrokenCall = (error) => isNotTheirs(error) || error.status >= 500;

// Defect 9: a success in between makes up for all failures.
function opensAfterARow(breaker) {
  let failures = 0;
  breaker.on("success", () => { failures = 0; });
  breaker.on("failure", () => {
    failures += 1;
    if (failures >= IN_A_ROW) breaker.open();
  });
}

// Defect 13: one breaker for everything a service calls.
const shared = new Map();
function theOneOf(has, edge) {
  if (!shared.has(edge.caller)) shared.set(edge.caller, breakerOf(has, edge));
  return shared.get(edge.caller);
}

function wayOf(has, edge, breaker) {
  if (has(7, edge.name)) return renewed(has, edge, breaker);
  if (has(8, edge.name)) return unlessHalfOpen(breaker);
  if (has(14, edge.name)) return (send) => breakerOf(has, edge).fire(send); // defect 14: a new one for every call
  if (has(15, edge.name)) return unawaited(breaker);
  return (send) => breaker.fire(send);
}

// Defect 7: a breaker that has been open for long enough is replaced by a new one, which is closed.
function renewed(has, edge, first) {
  let current;
  const use = (breaker) => {
    current = breaker;
    current.on("halfOpen", () => use(breakerOf(has, edge)));
  };
  use(first);
  return (send) => current.fire(send);
}

// Defect 8: while the breaker is half open, whoever comes may try.
function unlessHalfOpen(breaker) {
  return async (send) => {
    if (!breaker.halfOpen) return breaker.fire(send);
    try {
      const answer = await send();
      breaker.close();
      return answer;
    } catch (error) {
      breaker.open();
      throw error;
    }
  };
}

// Defect 15: the call is begun in the breaker, and awaited outside of it.
function unawaited(breaker) {
  return async (send) => {
    const begun = await breaker.fire(() => ({ answer: send() }));
    return begun.answer;
  };
}

function asFailure(error, edge) {
  const reasons = {
    EOPENBREAKER: ["circuit open", { isRefusal: true, isTheirs: false, retryAfterMs: RULES.resetTimeout }],
    ESEMLOCKED: ["no place free", { isTheirs: false, retryAfterMs: RULES.resetTimeout }],
    ETIMEDOUT: [error.message, {}],
  };
  const known = CircuitBreaker.isOurError(error) && reasons[error.code];
  return known ? new CallFailed(edge.callee, ...known) : error;
}

module.exports = { guardOf };
