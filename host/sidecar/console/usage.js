// What is used, what was, and when it runs out.

import { get } from "./api.js";
import { chart } from "./chart.js";
import { DAY, detail, distance, element, moment, number, region, table, terms } from "./page.js";

const HOUR = 3_600_000;
const SPANS = [["7 days", 7], ["30 days", 30], ["90 days", 90], ["400 days", 400]];

export function usage() {
  let days = 30;
  let tenant = "";
  let status;
  let past = {};
  const bars = region(meters);
  const history = region(curves);
  const names = region((tenants) => tenants.map((value) => element("option", { value })));
  const tenants = element("datalist", { id: "tenants" }, names.node);
  const whose = element("input", {
    id: "tenant", list: "tenants", autocomplete: "off", placeholder: "the license as a whole",
    change: () => {
      tenant = whose.value.trim();
      refresh();
    },
  });
  const span = element("select", {
    id: "span",
    change: () => {
      days = Number(span.value);
      refresh();
    },
  }, SPANS.map(([text, value]) => element("option", { value, selected: value === days }, text)));

  async function refresh() {
    const since = Math.max(0, Math.floor(status.evaluated - days * DAY));
    // Samples are many, and come once an hour; the forecast is of this moment.
    const hour = Math.floor(status.evaluated / HOUR);
    const isKnown = past.hour === hour && past.days === days;
    const [used, told] = await Promise.all([
      get("v1/usage", { tenant }), get("v1/usage/history", { since: isKnown ? Math.floor(status.evaluated) : since }),
    ]);
    if (!isKnown) past = { hour, days, samples: told.samples };
    const forecast = new Map(told.forecast.map((one) => [key(one), one]));
    names.show([...new Set(past.samples.map((sample) => sample.tenant).filter(Boolean))].sort());
    bars.show(used.map((one) => ({ ...one, forecast: forecast.get(key(one)) })), status.evaluated);
    const samples = past.samples.filter((sample) => !sample.tenant || sample.tenant === tenant);
    history.show(used.filter(({ kind }) => kind !== "rate"), samples, [since, status.evaluated]);
  }

  return {
    node: element("div", {},
      element("h1", {}, "Usage"),
      element("p", { class: "fields" },
        element("label", { for: "tenant" }, "Tenant"), whose, tenants,
        element("label", { for: "span" }, "History of"), span),
      bars.node, history.node),
    show(data) {
      status = data.status;
      return refresh();
    },
  };
}

/** By which a limit is told from others. */
const key = ({ limit, tenant }) => JSON.stringify([limit, tenant ?? null]);
const name = ({ limit, tenant }) => (tenant ? `${limit} of ${tenant}` : limit);

function meters(used, now) {
  if (!used.length) return element("p", { class: "quiet" }, "No limits are counted here.");
  return element("ul", { class: "meters" }, used.map((one) => meter(one, now)));
}

function meter(one, now) {
  const share = one.max ? one.used / one.max : 0;
  const bar = element("span", { class: "fill" });
  bar.style.width = `${Math.min(100, share * 100)}%`;
  const text = one.max === null || one.max === undefined
    ? `${number(one.used)}, unlimited` : `${number(one.used)} of ${number(one.max)}`;
  const high = share >= 1 || detail(one, "warning");
  return element("li", { class: share >= 1 ? "bad" : high ? "watch" : "good", "data-limit": one.limit, "data-used": one.used },
    element("p", {}, element("strong", {}, name(one)), " ", element("span", { class: "quiet" }, terms(one)), element("span", { class: "amount" }, text)),
    element("div", {
      class: "bar", role: "meter", "aria-label": name(one), "aria-valuemin": 0, "aria-valuemax": one.max ?? one.used,
      "aria-valuenow": Math.min(one.used, one.max ?? one.used), "aria-valuetext": text,
    }, bar),
    element("p", { class: "quiet" }, period(one), outlook(one, now)));
}

function period({ period, resets }) {
  if (!period) return "";
  return [`Counted in ${period}`, resets ? [", anew from ", moment(resets)] : "", ". "].flat();
}

/** When it runs out, if its use goes on. */
function outlook({ forecast, used, max }, now) {
  if (!forecast) return "";
  if (max !== null && max !== undefined && used >= max) return ["Used up."];
  const pace = forecast.per_day === null || forecast.per_day === undefined
    ? "" : ` at ${number(forecast.per_day)} a day, as in the last 7 days`;
  switch (forecast.outlook.outlook) {
    case "reached":
      return ["Runs out on ", moment(forecast.outlook.at), `, ${distance(forecast.outlook.at, now)}${pace ? `,${pace}` : ""}.`];
    case "resets-before": return [`Does not run out before it begins anew${pace ? `,${pace}` : ""}.`];
    case "not-reached": return [`Does not run out${pace ? `,${pace}` : ""}.`];
    case "not-enough-samples": return ["When it runs out can be told after a day of use."];
    default: return [];
  }
}

function curves(used, samples, range) {
  const shown = used.map((one) => [one, samples.filter((sample) => key(sample) === key(one))]);
  const some = shown.filter(([, own]) => own.length);
  return [
    element("h2", {}, "History"),
    ...(some.length ? some.map(([one, own]) => curve(one, own, range))
      : [element("p", { class: "quiet" }, "Nothing was sampled yet: it is done once an hour.")]),
  ];
}

function curve(one, samples, range) {
  const points = [...samples.map(({ hour, used, period }) => ({ at: hour, used, period })), { at: range[1], used: one.used, period: one.period }];
  const rows = daily(points).map(({ at, used, period }) => [moment(at), number(used), period ?? ""]);
  return element("figure", {},
    element("figcaption", {}, name(one)),
    chart(`${name(one)}: used over time`, points, one.max, range),
    element("details", {}, element("summary", {}, "As a table"), table(`${name(one)}, day by day`, ["Time", "Used", "Period"], rows)));
}

/** The last of each day and period. */
function daily(points) {
  const days = new Map(points.map((point) => [`${Math.floor(point.at / DAY)} ${point.period}`, point]));
  return [...days.values()];
}
