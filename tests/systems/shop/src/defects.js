"use strict";
// The defects a process was started with: DEFECTS is a list of `N[:PLACE]`, with commas between. N is the number of
// one, PLACE an edge ("orders->stock") or a service, which stands for itself and for every edge that leaves it.

/** Returns `has(number, place)`. Throws for a text that names no defect. */
function defectsOf(text) {
  const listed = text.split(",").filter(Boolean).map((part) => {
    const said = /^(\d+)(?::(\w+(?:->\w+)?))?$/.exec(part.trim());
    if (!said) throw new Error(`DEFECTS: '${part}' is no defect; right would be 5 or 5:orders or 5:orders->stock`);
    return { number: Number(said[1]), place: said[2] };
  });
  const covers = (listedPlace, place) =>
    listedPlace === undefined || listedPlace === place || place.startsWith(`${listedPlace}->`);
  return (number, place) => listed.some((each) => each.number === number && covers(each.place, place));
}

module.exports = { defectsOf };
