// How it stands, and what is to be done.

import { get } from "./api.js";
import { date, detail, distance, element, moment, region } from "./page.js";
import { help, told } from "./reasons.js";

export function overview() {
  const standing = region(sentence, { class: "standing" });
  const steps = region(todo, { "aria-label": "What to do" });
  const facts = region(about);
  const features = region(granted);
  return {
    node: element("div", {}, standing.node, steps.node, facts.node, features.node),
    async show({ status }) {
      const { expires } = await get("v1/license");
      standing.show(status.state, status.reason, status.usable, expires && Date.parse(expires), status.evaluated);
      steps.show(status.state, status.reason, status.usable, status.warnings, status.documents);
      facts.show(status.licenses, status.policy, status.counters.install_key, status.sealed);
      features.show(status.features, status.evaluated);
    },
  };
}

function sentence(state, reason, usable, end, now) {
  const text = {
    active: end ? `Licensed until ${date(end)}, ${distance(end, now)}` : "Licensed, without an end",
    expiring: end ? `The license ends on ${date(end)}, ${distance(end, now)}` : "The license ends soon",
    grace: "Running on grace, until the time below",
    expired: "The license has ended: reading and exporting go on, all else is denied",
    missing: "No license is installed: everything is denied",
    invalid: "No license holds: everything is denied",
    pending: "The license has not begun: everything is denied",
    revoked: "The license was withdrawn: everything is denied",
  }[state] ?? state;
  return [
    element("h1", { class: usable ? (state === "active" ? "good" : "watch") : "bad" }, text),
    element("p", {}, element("span", { class: "quiet" }, "State "), element("strong", {}, state), " · reason ", told(reason)),
  ];
}

function todo(state, reason, usable, warnings, documents) {
  const steps = [];
  const spoken = (text) => text && `${text.charAt(0).toUpperCase()}${text.slice(1)}. `;
  const say = (what, reason, kind) => steps.push(element("li", { class: kind },
    spoken(what), element("strong", {}, spoken(help(reason) ?? "")), told(reason)));
  const isWarned = warnings.some((one) => one.reason === reason);
  if (state !== "active" && !isWarned) say(`the state is ${state}`, reason, usable ? "watch" : "bad");
  for (const { subject, text, reason } of warnings) {
    say(subject && !text.includes(subject) ? `${subject}: ${text}` : text, reason, usable ? "watch" : "bad");
  }
  for (const { name, reason } of documents.filter(({ adopted }) => !adopted)) {
    say(`the document ${name} does not hold`, reason, "bad");
  }
  return [
    element("h2", {}, "What to do"),
    steps.length ? element("ul", { class: "steps" }, steps) : element("p", { class: "good" }, "Nothing: all is well."),
  ];
}

function about(licenses, policy, key, sealed) {
  const list = (rows) => element("dl", {}, rows.filter(([, value]) => value).map(([name, value]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, value))));
  return [
    element("h2", {}, "What is here"),
    ...licenses.map((license) => list([
      ["License", license.id], ["Customer", license.customer], ["Plan", license.plan], ["SKU", detail(license, "sku")],
    ])),
    list([
      ["Decided by", `${policy.name} ${policy.version} (sequence ${policy.sequence})`],
      ["Install key", key],
      ["Kept", sealed ? "sealed by a storage secret" : "readable: there is no storage secret"],
    ]),
  ];
}

function granted(features) {
  const each = features.map(({ name, license, until }) =>
    element("li", {}, element("strong", {}, name), " ", element("span", { class: "quiet" },
      `by ${license}`, until ? [", until ", moment(until)] : "")));
  return [
    element("h2", {}, "Features"),
    each.length ? element("ul", { class: "features" }, each) : element("p", { class: "quiet" }, "None is granted."),
  ];
}
