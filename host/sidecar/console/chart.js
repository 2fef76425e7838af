// Pictures of time: a curve of what was used, and the terms of licenses.

import { date, drawn, number } from "./page.js";

const WIDTH = 720;
const HEIGHT = 180;
const LEFT = 8;
const TOP = 18;
const BOTTOM = 22;

/** What was used over time, and the maximum. Where a period ends the curve does, too. */
export function chart(title, points, max, [from, until]) {
  const most = Math.max(1, ...points.map(({ used }) => used), max && max <= 4 * Math.max(...points.map(({ used }) => used)) ? max : 0);
  const x = (at) => LEFT + ((at - from) / Math.max(1, until - from)) * (WIDTH - 2 * LEFT);
  const y = (used) => HEIGHT - BOTTOM - (used / most) * (HEIGHT - TOP - BOTTOM);
  let path = "";
  points.forEach(({ at, used, period }, index) => {
    const goes = index > 0 && points[index - 1].period === period;
    path += `${goes ? "L" : "M"}${x(at).toFixed(1)} ${y(used).toFixed(1)}`;
    if (!goes) path += `h0.1`;
  });
  const label = (left, top, anchor, text) => drawn("text", { x: left, y: top, "text-anchor": anchor }, text);
  return drawn("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "chart", role: "img", "aria-label": title },
    drawn("title", {}, title),
    drawn("line", { class: "axis", x1: LEFT, x2: WIDTH - LEFT, y1: y(0), y2: y(0) }),
    max && max <= most && drawn("line", { class: "most", x1: LEFT, x2: WIDTH - LEFT, y1: y(max), y2: y(max) }),
    max && max <= most && label(WIDTH - LEFT, y(max) - 4, "end", `maximum ${number(max)}`),
    drawn("path", { class: "curve", d: path }),
    label(LEFT, TOP - 6, "start", number(most)),
    label(LEFT, HEIGHT - 6, "start", date(from)),
    label(WIDTH - LEFT, HEIGHT - 6, "end", date(until)));
}

const ROW = 34;

/** The terms of licenses below each other, and where now is. */
export function terms(licenses, now) {
  const begins = licenses.map(({ starts, issued }) => starts ?? issued ?? now);
  const ends = licenses.map(({ expires }) => expires).filter((end) => end !== null && end !== undefined);
  const from = Math.min(now, ...begins);
  const last = Math.max(now, ...ends);
  const margin = Math.max(1, (last - from) * 0.06);
  const until = last + margin;
  const x = (at) => LEFT + ((at - from) / (until - from)) * (WIDTH - 2 * LEFT);
  const height = TOP + licenses.length * ROW + BOTTOM;
  const rows = licenses.flatMap((license, row) => {
    const top = TOP + row * ROW;
    const [begin, end] = [x(begins[row]), x(license.expires ?? until)];
    const text = `${license.id} · ${license.expires ? `until ${date(license.expires)}` : "without an end"} · ${license.reason}`;
    return [
      drawn("rect", { class: `term ${license.state}`, x: begin, y: top + 16, width: Math.max(2, end - begin), height: 12, rx: 3 },
        drawn("title", {}, text)),
      drawn("text", { x: Math.min(begin, WIDTH / 2), y: top + 11, "text-anchor": "start" }, text),
    ];
  });
  const title = "The terms of the licenses over time";
  return drawn("svg", { viewBox: `0 0 ${WIDTH} ${height}`, class: "terms", role: "img", "aria-label": title },
    drawn("title", {}, title),
    rows,
    drawn("line", { class: "now", x1: x(now), x2: x(now), y1: TOP - 8, y2: height - BOTTOM + 4 }),
    drawn("text", { x: x(now), y: height - 6, "text-anchor": x(now) > WIDTH * 0.8 ? "end" : "start" }, `now, ${date(now)}`));
}
