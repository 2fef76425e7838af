// Pictures of time: a curve of what was used, and the terms of licenses. What is written stands beside them, in the size of all text.

import { date, drawn, element, number } from "./page.js";

const WIDTH = 720;
const HEIGHT = 180;
const EDGE = 6;

/** What was used over time, and the maximum. Where a period ends the curve does, too. */
export function chart(title, points, max, [from, until]) {
  const highest = Math.max(1, ...points.map(({ used }) => used));
  const isNear = max && max <= 4 * highest;
  const most = isNear ? Math.max(highest, max) : highest;
  const x = (at) => EDGE + ((at - from) / Math.max(1, until - from)) * (WIDTH - 2 * EDGE);
  const y = (used) => HEIGHT - EDGE - (used / most) * (HEIGHT - 2 * EDGE);
  let path = "";
  points.forEach(({ at, used, period }, index) => {
    const goes = index > 0 && points[index - 1].period === period;
    path += `${goes ? "L" : "M"}${x(at).toFixed(1)} ${y(used).toFixed(1)}`;
    if (!goes) path += `h0.1`;
  });
  const across = (name, at) => drawn("line", { class: name, x1: EDGE, x2: WIDTH - EDGE, y1: y(at), y2: y(at) });
  const beside = (left, right) => element("p", { class: "beside" }, element("span", {}, left), element("span", {}, right));
  return element("div", {},
    beside(most === max ? "" : `up to ${number(most)}`, isNear ? `maximum ${number(max)}` : ""),
    drawn("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", class: "chart", role: "img", "aria-label": title },
      across("axis", 0),
      isNear && across("most", max),
      drawn("path", { class: "curve", d: path })),
    beside(date(from), date(until)));
}

/** The terms of licenses below each other, and where now is. */
export function terms(licenses, now) {
  const begins = licenses.map(({ starts, issued }) => starts ?? issued ?? now);
  const ends = licenses.map(({ expires }) => expires).filter((end) => end !== null && end !== undefined);
  const from = Math.min(now, ...begins);
  const last = Math.max(now, ...ends);
  const until = last + Math.max(1, (last - from) * 0.06);
  const share = (at) => ((at - from) / (until - from)) * 100;
  const placed = (name, begin, end) => {
    const node = element("span", { class: name });
    node.style.left = `${begin}%`;
    if (end !== undefined) node.style.width = `${end - begin}%`;
    return node;
  };
  const rows = licenses.map((license, row) => element("li", {},
    element("p", {}, element("strong", {}, license.id),
      ` · ${license.expires ? `until ${date(license.expires)}` : "without an end"} · ${license.reason}`),
    element("div", { class: "track", "aria-hidden": "true" },
      placed(`term ${license.state}`, share(begins[row]), share(license.expires ?? until)), placed("now", share(now)))));
  return [element("ul", { class: "terms" }, rows), element("p", { class: "quiet" }, `The line is now, ${date(now)}.`)];
}
