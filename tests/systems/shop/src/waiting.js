"use strict";
// For how long a call is waited for.

/**
 * Ends `request` when `ms` are over, wherever it is by then, or when `gone` says that nobody waits for it any more.
 * Returns what ends the waiting itself.
 */
function wholly(request, ms, gone) {
  const timer = setTimeout(() => request.destroy(timedOut(ms)), ms);
  const leave = () => request.destroy(hungUp());
  gone.addEventListener("abort", leave);
  const done = () => {
    clearTimeout(timer);
    gone.removeEventListener("abort", leave);
  };
  request.on("close", done);
  return done;
}

// Defect 1: for ever.
function forEver() {}

// Defect 2: the timeout is that of connecting.
function untilConnected(request, ms) {
  request.on("socket", (socket) => {
    if (!socket.connecting) return;
    const timer = setTimeout(() => request.destroy(timedOut(ms)), ms);
    for (const event of ["connect", "close"]) socket.once(event, () => clearTimeout(timer));
  });
}

// Defect 3: `setTimeout` of a request is about a socket that is idle, and one that drips is not.
function whileIdle(request, ms) {
  request.setTimeout(ms, () => request.destroy(timedOut(ms)));
}

// Defect 4: longer than the caller waits, and whether it still does.
function tooLong(request) {
  wholly(request, 5000, new AbortController().signal);
}

// Defect 30: with an answer that will not be read it is over, and nobody ends it.
function untilFailed(request, ms, gone) {
  const done = wholly(request, ms, gone);
  request.on("response", (response) => response.statusCode >= 500 && done());
}

// Defect 32: the breaker has a timeout, so the call was thought to need none.
const DEFECTIVE = { 1: forEver, 2: untilConnected, 3: whileIdle, 4: tooLong, 30: untilFailed, 32: forEver };

/** How the calls of an edge are waited for, as `wholly` does. */
function waitingOf(has, edge) {
  const defect = Object.keys(DEFECTIVE).find((number) => has(Number(number), edge));
  return defect ? DEFECTIVE[defect] : wholly;
}

const timedOut = (ms) => Object.assign(new Error(`no answer after ${ms} ms`), { code: "LATE" });
const hungUp = () => Object.assign(new Error("the caller hung up"), { code: "GONE" });

module.exports = { waitingOf };
