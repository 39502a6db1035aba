"use strict";
// orders: an order is placed when its goods are kept and paid. Sent again with its Idempotency-Key it is the same one.

const { createHash, randomUUID } = require("node:crypto");
const { Refused } = require("../server");

function routesOf({ stock, payments }) {
  const orders = new Map();

  const place = async ({ body: { sku, quantity, amount_cents: amount, card }, key = randomUUID(), context }) => {
    const id = `ord-${createHash("sha256").update(key).digest("hex").slice(0, 20)}`;
    if (orders.has(id)) return { status: 200, body: orders.get(id) };
    await reserve(id, { sku, quantity }, context);
    const payment = await pay(id, { order_id: id, amount_cents: amount, card }, context);
    orders.set(id, { id, sku, quantity, amount_cents: amount, payment_id: payment.id });
    return { status: 201, body: orders.get(id) };
  };

  const reserve = async (id, body, context) => {
    const answer = await stock.call({ method: "PUT", path: `/reservations/${id}`, body }, context);
    if (answer.status >= 400) throw new Refused(answer.status, answer.body.error);
  };

  // Whether a payment that failed was taken is not known: its goods stay kept until the order is sent again.
  const pay = async (id, body, context) => {
    const answer = await payments.call({ method: "POST", path: "/payments", body, key: id }, context);
    if (answer.status < 400) return answer.body;
    await stock.call({ method: "DELETE", path: `/reservations/${id}` }, context);
    throw new Refused(answer.status, answer.body.error);
  };

  const show = async ({ params: { id }, context }) => {
    const order = orders.get(id);
    if (!order) throw new Refused(404, "no_such_order");
    const { body } = await payments.call({ method: "GET", path: `/payments/${order.payment_id}` }, context);
    return { status: 200, body: { ...order, payment: body.state ?? "UNKNOWN" } };
  };

  const availability = async ({ params: { sku }, context }) => {
    const { status, body } = await stock.call({ method: "GET", path: `/stock/${sku}` }, context);
    return { status, body: status < 400 ? { sku, available: body.available ?? 0 } : body };
  };

  return [["POST", "/orders", place], ["GET", "/orders/:id", show], ["GET", "/availability/:sku", availability]];
}

module.exports = { routesOf };
