"use strict";
// stock: how much there is, and for which orders it is kept.

const { Refused } = require("../server");

const DELIVERED = { sextant: 1_000_000, lantern: 1_000_000, compass: 1_000_000, "ghost-ship": 0 };

function routesOf() {
  const free = new Map(Object.entries(DELIVERED));
  const reservations = new Map();

  const show = async ({ params: { sku } }) => {
    if (!free.has(sku)) throw new Refused(404, "no_such_product");
    return { status: 200, body: { sku, available: free.get(sku) } };
  };
  const reserve = async ({ params: { id }, body: { sku, quantity } }) => {
    if (reservations.has(id)) return { status: 200, body: reservations.get(id) };
    if (!free.has(sku) || !(quantity >= 1)) throw new Refused(400, "no_such_reservation");
    if (free.get(sku) < quantity) throw new Refused(409, "sold_out");
    free.set(sku, free.get(sku) - quantity);
    reservations.set(id, { id, sku, quantity });
    return { status: 201, body: reservations.get(id) };
  };
  const release = async ({ params: { id } }) => {
    const kept = reservations.get(id);
    if (kept) free.set(kept.sku, free.get(kept.sku) + kept.quantity);
    reservations.delete(id);
    return { status: 204 };
  };
  return [
    ["GET", "/stock/:sku", show],
    ["PUT", "/reservations/:id", reserve],
    ["DELETE", "/reservations/:id", release],
  ];
}

module.exports = { routesOf };
