// Pieces of a page. What the service tells is text, never markup: nothing here reads HTML.

const SVG = "http://www.w3.org/2000/svg";

/** An element. Attributes that are functions listen to the event of their name; undefined and false ones are left away. */
export function element(name, attributes = {}, ...children) {
  return made(document.createElement(name), attributes, children);
}

/** The same of a picture. */
export function drawn(name, attributes = {}, ...children) {
  return made(document.createElementNS(SVG, name), attributes, children);
}

function made(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
  return node;
}

/** A part of a page that is made anew when what it shows has changed, and not before: whoever reads or types in it is not disturbed. */
export function region(make, attributes = {}) {
  const node = element("section", attributes);
  let shown;
  return {
    node,
    show(...data) {
      const text = JSON.stringify(data);
      if (text === shown) return;
      shown = text;
      const focused = node.contains(document.activeElement) ? document.activeElement.id : "";
      node.replaceChildren(...[make(...data)].flat().filter(Boolean));
      if (focused) node.querySelector(`#${CSS.escape(focused)}`)?.focus();
    },
  };
}

/** A table with a heading for each column. Cells are texts or elements. */
export function table(caption, headings, rows) {
  const head = element("tr", {}, headings.map((heading) => element("th", { scope: "col" }, heading)));
  const body = rows.map((cells) =>
    element("tr", {}, cells.map((cell, at) => element("td", { "data-heading": headings[at] }, cell ?? ""))));
  return element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    element("table", {}, element("caption", {}, caption), element("thead", {}, head), element("tbody", {}, body)));
}

let leaving = 0;

/** Tells what happened, for eyes and screen readers. */
export function notice(text, kind = "done") {
  const node = document.getElementById("notice");
  node.className = text ? kind : "";
  node.textContent = text;
  clearTimeout(leaving);
  // What went well has been read by then, and covers nothing any more.
  if (text && kind === "done") leaving = setTimeout(() => notice(""), 10_000);
}

/** Asks whether to do it. */
export function confirmed(question, detail, yes) {
  const dialog = document.getElementById("asking");
  return new Promise((resolve) => {
    dialog.replaceChildren(
      element("h2", { id: "question" }, question),
      element("p", {}, detail),
      element("p", { class: "actions" },
        element("button", { type: "button", class: "danger", click: () => dialog.close("yes") }, yes),
        element("button", { type: "button", autofocus: true, click: () => dialog.close("no") }, "Cancel")),
    );
    dialog.returnValue = "no";
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    dialog.showModal();
  });
}

const NUMBER = new Intl.NumberFormat("en");
const MOMENT = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });
const DATE = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeZone: "UTC" });
export const DAY = 86_400_000;

export const number = (value) => NUMBER.format(value);
export const date = (instant) => DATE.format(instant);
/** In universal time, as in the logs. */
export const moment = (instant) =>
  element("time", { datetime: new Date(instant).toISOString() }, `${MOMENT.format(instant)} UTC`);

/** How far an instant lies ahead, or back. */
export function distance(instant, now) {
  const days = Math.floor((instant - now) / DAY);
  if (days < 0) return days === -1 ? "a day ago" : `${number(-days)} days ago`;
  if (days === 0) return "within a day";
  return days === 1 ? "in a day" : `in ${number(days)} days`;
}

/** The details of a limit that are no terms: how it stands, and under which name it is counted. */
const NO_TERMS = ["undecided", "beyond", "unbilled", "resets", "warning", "account"];

/** `quota, reset month`: the kind of a limit, and its terms. */
export const terms = ({ kind, details }) =>
  [kind, ...details.filter(({ name }) => !NO_TERMS.includes(name)).map(({ name, value }) => `${name} ${value}`)].join(", ");

export const detail = (of, name) => of.details.find((one) => one.name === name)?.value;
