"use strict";
// How a call to another service fails.

/**
 * A call that gave no answer to believe. `isTransient`: another try may help; `isTheirs`: it is held against who was
 * called; `isRefusal`: it was not even made, as its breaker is open.
 */
class CallFailed extends Error {
  constructor(dependency, reason, details = {}) {
    super(`${dependency}: ${reason}`);
    Object.assign(this, { dependency, isTransient: false, isTheirs: true, isRefusal: false, retryAfterMs: 0 }, details);
  }
}

/** An answer that is given on to the caller, and that the breaker counts as a failure. */
class Held extends Error {
  constructor(answer) {
    super("an answer held against its service");
    this.answer = answer;
  }
}

module.exports = { CallFailed, Held };
