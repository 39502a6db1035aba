"use strict";
// Who calls whom, and on what terms. A timeout is shorter than that of the calls which lead to its caller.

const EDGES = [
  { caller: "storefront", callee: "catalog", timeoutMs: 250, places: 64, retries: 1 },
  { caller: "storefront", callee: "pricing", timeoutMs: 150, places: 32, retries: 1, isOptional: true },
  { caller: "storefront", callee: "orders", timeoutMs: 800, places: 64, retries: 1 },
  { caller: "orders", callee: "stock", timeoutMs: 250, places: 64, retries: 1 },
  { caller: "orders", callee: "payments", timeoutMs: 300, places: 64, retries: 1 },
].map((edge) => ({ isOptional: false, ...edge, name: `${edge.caller}->${edge.callee}` }));

const LIMIT_MS = { storefront: 1200, orders: 700, catalog: 400, pricing: 400, stock: 400, payments: 400 };

const edgesOf = (caller) => EDGES.filter((edge) => edge.caller === caller);

module.exports = { edgesOf, LIMIT_MS };
