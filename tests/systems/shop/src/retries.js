"use strict";
// Which failed call is made again, and when.

const { randomUUID } = require("node:crypto");
const { setTimeout: sleep } = require("node:timers/promises");

const PAUSE_MS = 40;
const BUDGET_SHARE = 0.1;
const BUDGET_MOST = 5;

/** Returns `retried(attempt, call)`: `attempt(call)` resolves with an answer, or rejects with `CallFailed`. */
function retriesOf(has, edge, isClosed) {
  if (has(17, edge.name)) return thrice(thrice(once));
  if (has(19, edge.name)) return againUnderAnotherKey;
  if (has(20, edge.name)) return untilLetThrough(withBudget(edge, isClosed));
  if (has(21, edge.name)) return alsoFor4xx;
  const pause = has(18, edge.name) ? () => 0 : pauseFor; // defect 18: at once
  return withBudget(edge, isClosed, pause);
}

const once = (attempt, call) => attempt(call);

// At least half of it, so that it is a pause; and at least as long as was asked for.
const pauseFor = (failure) => Math.max(PAUSE_MS * (0.5 + Math.random()), failure.retryAfterMs);

/** One call in ten, and never more than a few in a row, is made again: if that may help and does no harm. */
function withBudget(edge, isClosed, pause = pauseFor) {
  let saved = BUDGET_MOST;
  return async (attempt, call) => {
    saved = Math.min(BUDGET_MOST, saved + BUDGET_SHARE);
    try {
      return await attempt(call);
    } catch (failure) {
      const ms = pause(failure);
      const helps = failure.isTransient && isClosed() && ms < call.deadline - Date.now();
      if (!edge.retries || !isIdempotent(call) || !helps || saved < 1) throw failure;
      saved -= 1;
      await sleep(ms);
      return attempt(call);
    }
  };
}

// Defect 17: three tries of whatever is inside, which may be three tries of its own.
const thrice = (inner) => async (attempt, call) => {
  for (let tries = 1; ; tries += 1) {
    try {
      return await inner(attempt, call);
    } catch (failure) {
      if (tries === 3 || !failure.isTransient || !isIdempotent(call)) throw failure;
      await sleep(PAUSE_MS * Math.random());
    }
  }
};

// Defect 19: a call whose answer did not come is made again as if it had not been done.
async function againUnderAnotherKey(attempt, call) {
  try {
    return await attempt(call);
  } catch (failure) {
    if (!failure.isTheirs) throw failure;
    return attempt({ ...call, key: call.key && randomUUID(), deadline: Infinity });
  }
}

// Defect 20: an open breaker is asked again and again.
const untilLetThrough = (inner) => async (attempt, call) => {
  for (;;) {
    try {
      return await inner(attempt, call);
    } catch (failure) {
      if (!failure.isRefusal || Date.now() + 10 > call.deadline) throw failure;
      await sleep(5);
    }
  }
};

// Defect 21: any answer but a good one is asked for again, however long one was told to wait.
async function alsoFor4xx(attempt, call) {
  const again = () => sleep(PAUSE_MS * Math.random()).then(() => attempt(call));
  let answer;
  try {
    answer = await attempt(call);
  } catch (failure) {
    if (failure.isTransient && isIdempotent(call)) return again();
    throw failure;
  }
  return answer.status >= 400 && isIdempotent(call) ? again() : answer;
}

const isIdempotent = (call) => call.method !== "POST";

module.exports = { retriesOf };
