"use strict";
// pricing: what things cost today, which may be less than their list price.

const { Refused } = require("../server");

const PRICES = { sextant: 17500, lantern: 3900, compass: 7200, "ghost-ship": 66600 };

function routesOf() {
  const list = async () => ({ status: 200, body: { prices: PRICES } });
  const show = async ({ params: { sku } }) => {
    if (!Object.hasOwn(PRICES, sku)) throw new Refused(404, "no_such_price");
    return { status: 200, body: { sku, price_cents: PRICES[sku] } };
  };
  return [["GET", "/prices", list], ["GET", "/prices/:sku", show]];
}

module.exports = { routesOf };
