"use strict";
// Queues that only a defect needs: calls wait in them, for one another and without end.

class Limit {
  constructor(places) {
    this.free = places;
    this.waiting = [];
  }

  /** Runs `work` as soon as a place is free. */
  async run(work) {
    if (this.free > 0) this.free -= 1;
    else await new Promise((resolve) => this.waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.free += 1;
    }
  }
}

const ofAllCalls = new Limit(10);

/** Returns `limited(work)`: at once in a healthy service. */
function limitOf(has, edge) {
  if (has(22, edge.caller)) return (work) => ofAllCalls.run(work); // defect 22: ten calls at once, whomever to
  if (has(16, edge.name)) { // defect 16: one call at once
    const lock = new Limit(1);
    return (work) => lock.run(work);
  }
  return (work) => work();
}

module.exports = { limitOf };
