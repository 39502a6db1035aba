"use strict";
// payments: takes money from cards, once for an Idempotency-Key.

const { randomUUID } = require("node:crypto");
const { Refused } = require("../server");

function routesOf() {
  const payments = new Map();
  const taken = new Map();

  const pay = async ({ body: { amount_cents: amount, card }, key = randomUUID() }) => {
    if (taken.has(key)) return { status: 200, body: taken.get(key) };
    if (!(amount > 0) || !card) throw new Refused(400, "no_such_payment");
    if (card === "declined") throw new Refused(402, "card_declined");
    const payment = { id: `pay-${payments.size + 1}`, amount_cents: amount, state: "CAPTURED" };
    payments.set(payment.id, payment);
    taken.set(key, payment);
    return { status: 201, body: payment };
  };
  const show = async ({ params: { id } }) => {
    if (!payments.has(id)) throw new Refused(404, "no_such_payment");
    return { status: 200, body: payments.get(id) };
  };
  return [["POST", "/payments", pay], ["GET", "/payments/:id", show]];
}

module.exports = { routesOf };
