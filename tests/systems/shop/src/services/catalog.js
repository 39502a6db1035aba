"use strict";
// catalog: what the shop sells.

const { Refused } = require("../server");

const PRODUCTS = [
  { sku: "sextant", name: "Brass sextant", list_price_cents: 18900 },
  { sku: "lantern", name: "Storm lantern", list_price_cents: 4500 },
  { sku: "compass", name: "Dry compass", list_price_cents: 7200 },
  { sku: "ghost-ship", name: "Ghost ship in a bottle", list_price_cents: 66600 },
];

function routesOf() {
  const list = async () => ({ status: 200, body: { products: PRODUCTS } });
  const show = async ({ params }) => {
    const product = PRODUCTS.find((each) => each.sku === params.sku);
    if (!product) throw new Refused(404, "no_such_product");
    return { status: 200, body: product };
  };
  return [["GET", "/products", list], ["GET", "/products/:sku", show]];
}

module.exports = { routesOf };
