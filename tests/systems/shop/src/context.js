"use strict";
// What goes with a request to every service it reaches: its trace, its id, until when it is waited for, and by whom.

const { randomBytes } = require("node:crypto");

const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})$/;

/** The context that a request's headers carry; `limitMs` is how long its service works for whoever names no time. */
function contextOf(headers, limitMs, gone) {
  const [, trace = randomBytes(16).toString("hex"), flags = "01"] = TRACEPARENT.exec(headers.traceparent ?? "") ?? [];
  const id = headers["x-request-id"] ?? randomBytes(8).toString("hex");
  const asked = Number.parseInt(headers["x-timeout-ms"], 10);
  return {
    gone,
    deadline: Date.now() + Math.min(limitMs, Number.isNaN(asked) ? limitMs : asked),
    headers: () => ({ traceparent: `00-${trace}-${randomBytes(8).toString("hex")}-${flags}`, "x-request-id": id }),
  };
}

module.exports = { contextOf };
