"use strict";
// One request over the wire, and the whole of its answer.

const http = require("node:http");

/**
 * How an edge sends: `send({ url, method, headers, body, agent, ms, gone })` resolves with `{ status, headers, body }`,
 * where `body` is parsed JSON or null, and rejects when the answer is not whole or not in time.
 */
function sendingOf(has, edge, wait) {
  const read = readingOf(has, edge);
  return ({ url, method, headers, body, agent, ms, gone }) =>
    new Promise((resolve, reject) => {
      const request = http.request(url, { method, headers, agent });
      wait(request, ms, gone);
      request.on("error", reject);
      request.on("response", (response) => read(response, resolve, reject));
      request.end(body);
    });
}

function readingOf(has, edge) {
  if (has(30, edge)) return unlessItFailed;
  if (has(31, edge)) return asFarAsItCame;
  return whole;
}

function whole(response, resolve, reject) {
  const chunks = [];
  response.on("data", (chunk) => chunks.push(chunk));
  response.on("error", reject); // cut short
  response.on("end", () => {
    try {
      resolve(answered(response, parsed(chunks)));
    } catch (error) {
      reject(error);
    }
  });
}

// Defect 30: an answer that will not be looked at is not read, so its connection never comes back to the agent.
function unlessItFailed(response, resolve, reject) {
  if (response.statusCode >= 500) resolve(answered(response, null));
  else whole(response, resolve, reject);
}

// Defect 31: what cannot be parsed is taken for an answer with nothing in it, and so is one that was cut short.
function asFarAsItCame(response, resolve) {
  const chunks = [];
  response.on("data", (chunk) => chunks.push(chunk));
  response.on("error", () => {});
  response.on("close", () => {
    try {
      resolve(answered(response, parsed(chunks)));
    } catch {
      resolve(answered(response, {}));
    }
  });
}

const answered = (response, body) => ({ status: response.statusCode, headers: response.headers, body });

function parsed(chunks) {
  const text = Buffer.concat(chunks).toString("utf8");
  return text === "" ? null : JSON.parse(text);
}

module.exports = { sendingOf };
