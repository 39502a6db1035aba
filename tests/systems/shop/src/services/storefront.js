"use strict";
// storefront: what customers see. Without pricing it sells at list prices, and says so: `degraded`.

const { CallFailed } = require("../failures");
const { Refused } = require("../server");

function routesOf({ catalog, pricing, orders }) {
  const get = (peer, path, context) => peer.call({ method: "GET", path }, context);

  const list = async ({ context }) => {
    const [{ body }, today] = await Promise.all([get(catalog, "/products", context), pricesToday(context)]);
    const products = (body.products ?? []).map((product) => priced(product, today.prices[product.sku]));
    return { status: 200, body: { products, degraded: today.degraded } };
  };

  const show = async ({ params: { sku }, context }) => {
    const { product, degraded } = await productToday(sku, context);
    return { status: 200, body: { ...product, degraded } };
  };

  const order = async ({ body: { sku, quantity = 1, card }, key, context }) => {
    if (!/^[\w-]+$/.test(sku) || !(quantity >= 1)) throw new Refused(400, "no_such_order");
    const { product, degraded } = await productToday(sku, context);
    const body = { sku, quantity, card, amount_cents: product.price_cents * quantity };
    const answer = await orders.call({ method: "POST", path: "/orders", body, key }, context);
    return { status: answer.status, body: answer.status < 400 ? { ...answer.body, degraded } : answer.body };
  };

  const passOn = (path) => async ({ params, context }) => {
    const { status, body } = await get(orders, path(params), context);
    return { status, body };
  };

  const productToday = async (sku, context) => {
    const asked = [get(catalog, `/products/${sku}`, context), pricesToday(context)];
    const [{ status, body }, today] = await Promise.all(asked);
    if (status >= 400) throw new Refused(status, body.error);
    return { product: priced(body, today.prices[sku]), degraded: today.degraded };
  };

  const pricesToday = async (context) => {
    try {
      const { body } = await get(pricing, "/prices", context);
      return { prices: body.prices ?? {}, degraded: false };
    } catch (failure) {
      if (!(failure instanceof CallFailed) || pricing.has(24)) throw failure; // defect 24: no fallback
      if (pricing.has(25)) return { prices: await pricesOneByOne(context), degraded: true };
      return { prices: {}, degraded: true };
    }
  };

  // Defect 25: what falls back to the service that is out.
  const pricesOneByOne = async (context) => {
    const { body } = await get(pricing, "/prices/lantern", context);
    return { [body.sku]: body.price_cents };
  };

  return [
    ["GET", "/products", list],
    ["GET", "/products/:sku", show],
    ["GET", "/products/:sku/availability", passOn(({ sku }) => `/availability/${sku}`)],
    ["POST", "/orders", order],
    ["GET", "/orders/:id", passOn(({ id }) => `/orders/${id}`)],
  ];
}

const priced = ({ list_price_cents: listed, ...product }, today) => ({ ...product, price_cents: today ?? listed });

module.exports = { routesOf };
