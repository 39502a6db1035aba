// Drives a Toxiproxy server by the public client toxiproxy-node-client, as its README does, and prints what it saw.
// node toxiproxy_client.js API UPSTREAM_PORT FREE_PORT, with NODE_PATH where the client is installed.
"use strict";
const net = require("net");
const { Toxiproxy, ToxiproxyError } = require("toxiproxy-node-client");

const [api, upstream, free] = process.argv.slice(2);
const seen = [];

function see(name, value) {
  const text = JSON.stringify(value).replaceAll(`:${free}`, ":FREE").replaceAll(`:${upstream}`, ":UPSTREAM");
  seen.push([name, JSON.parse(text)]);
}

async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    return [error instanceof ToxiproxyError, error.message];
  }
  return "not refused";
}

// What comes back when "ping" is sent through a port: the bytes, or why there are none.
function echoed(port) {
  return new Promise((resolve) => {
    const caller = net.connect(Number(port), "127.0.0.1", () => caller.write("ping"));
    caller.once("data", (data) => { caller.destroy(); resolve(String(data)); });
    caller.once("error", (error) => resolve(error.code));
    caller.once("close", () => resolve("closed"));
  });
}

async function main() {
  const toxiproxy = new Toxiproxy(api);
  see("version", Object.keys(JSON.parse(await toxiproxy.getVersion())));
  const body = { name: "p", listen: `127.0.0.1:${free}`, upstream: `127.0.0.1:${upstream}`, enabled: true };
  const proxy = await toxiproxy.createProxy(body);
  see("created", proxy.toJson());
  see("created twice", await refusal(toxiproxy.createProxy(body)));
  see("got", (await toxiproxy.get("p")).toJson());
  see("got none", await refusal(toxiproxy.get("none")));
  see("all", Object.keys(await toxiproxy.getAll()));
  see("echoed", await echoed(free));

  const kinds = [
    { type: "latency", attributes: { latency: 1, jitter: 0 } },
    { type: "bandwidth", attributes: { rate: 1000 } },
    { type: "slow_close", attributes: { delay: 1 } },
    { type: "timeout", attributes: { timeout: 1000 } },
    { type: "reset_peer", attributes: { timeout: 1000 } },
    { type: "slicer", attributes: { average_size: 64, size_variation: 32, delay: 10 } },
    { type: "limit_data", attributes: { bytes: 1000 } },
  ];
  for (const kind of kinds) {
    const toxic = await proxy.addToxic({ name: kind.type, stream: "upstream", toxicity: 0.5, ...kind });
    see(`added ${kind.type}`, toxic.toJson());
  }
  const slow = await proxy.getToxic("latency");
  see("updated toxic", (await slow.update({ attributes: { latency: 2 }, toxicity: 0.25 })).toJson());
  see("toxic again", (await proxy.getToxic("latency")).toJson());
  see("added twice", await refusal(proxy.addToxic({ name: "latency", type: "latency", stream: "upstream", toxicity: 1, attributes: {} })));
  see("added nonsense", await refusal(proxy.addToxic({ name: "n", type: "nonsense", stream: "upstream", toxicity: 1, attributes: {} })));
  await slow.remove();
  see("removed toxic", await refusal(proxy.getToxic("latency")));
  await toxiproxy.reset();
  see("reset", await refusal(proxy.getToxic("slicer")));

  see("disabled", (await proxy.update({ enabled: false, listen: body.listen, upstream: body.upstream })).toJson());
  see("refused", await echoed(free));
  see("enabled", (await proxy.update({ enabled: true, listen: body.listen, upstream: body.upstream })).toJson());
  see("echoed again", await echoed(free));

  const populated = await toxiproxy.populate([body, { name: "q", listen: "127.0.0.1:0", upstream: "127.0.0.1:1" }]);
  see("populated", Object.keys(populated));
  await populated.q.remove();
  await proxy.remove();
  see("removed", Object.keys(await toxiproxy.getAll()));
}

main().then(() => console.log(JSON.stringify(seen)), (error) => { console.error(error); process.exit(1); });
