"use strict";
// One service of the shop: `node main.js SERVICE`. PORT is where it listens, NAME_URL where what it calls is.

const { setTimeout: sleep } = require("node:timers/promises");
const { contextOf } = require("./context");
const { edgesOf, LIMIT_MS } = require("./edges");
const { defectsOf } = require("./defects");
const { Peer } = require("./peer");
const { serve } = require("./server");

const PATIENCE_MS = 5000;

async function main(name) {
  const has = defectsOf(process.env.DEFECTS ?? "");
  const peers = edgesOf(name).map((edge) => new Peer(edge, addressOf(edge.callee), has));
  if (has(29, name)) await untilThere(peers); // defect 29: no start without what it calls
  const called = Object.fromEntries(peers.map((peer) => [peer.edge.callee, peer]));
  const routes = require(`./services/${name}`).routesOf(called);
  serve({ name, port: Number(process.env.PORT ?? 0), limitMs: LIMIT_MS[name], routes, peers, has });
}

function addressOf(service) {
  const variable = `${service.toUpperCase()}_URL`;
  if (!process.env[variable]) throw new Error(`${variable} is not set: the address of ${service}`);
  return process.env[variable];
}

async function untilThere(peers) {
  const giveUpAt = Date.now() + PATIENCE_MS;
  for (const peer of peers) {
    while (!(await isThere(peer))) {
      if (Date.now() > giveUpAt) throw new Error(`${peer.edge.callee} is not there`);
      await sleep(200);
    }
  }
}

const isThere = (peer) =>
  peer.check(contextOf({}, 1000, new AbortController().signal)).then(() => true, () => false);

main(process.argv[2]).catch((error) => {
  console.error(error.message);
  process.exit(3);
});
