// The console: signing in, the sections, and looking anew.

import { audit } from "./audit.js";
import { get, Refused, token } from "./api.js";
import { licenses } from "./licenses.js";
import { overview } from "./overview.js";
import { element, notice } from "./page.js";
import { policies } from "./policies.js";
import * as reasons from "./reasons.js";
import { seats } from "./seats.js";
import { usage } from "./usage.js";

/** How often it is looked anew, in milliseconds. */
const PACE = 5_000;

const SECTIONS = [
  ["overview", "Overview", overview], ["usage", "Usage", usage], ["licenses", "Licenses", licenses],
  ["policy", "Policy", policies], ["seats", "Seats", seats], ["audit", "Audit", audit],
];

const view = document.getElementById("view");
const nav = document.getElementById("sections");
const badge = document.getElementById("badge");
const leave = document.getElementById("leave");
let shown;
let views = {};
let looking = 0;

const section = () => {
  const name = location.hash.slice(1);
  return SECTIONS.some(([known]) => known === name) ? name : "overview";
};

function signIn(why = "") {
  token.forget();
  clearInterval(looking);
  looking = 0;
  shown = undefined;
  for (const node of [nav, badge, leave]) node.hidden = true;
  document.getElementById("product").textContent = "";
  const field = element("input", {
    id: "token", type: "password", autocomplete: "current-password", required: true, spellcheck: "false", autofocus: true,
  });
  const enter = async (event) => {
    event.preventDefault();
    token.set(field.value.trim());
    await begin();
  };
  view.replaceChildren(element("form", { class: "sign-in", submit: enter },
    element("h1", {}, "Sign in"),
    element("p", {}, element("label", { for: "token" }, "Token of an admin")),
    field,
    element("p", { class: "bad", role: "alert" }, why),
    element("p", {}, element("button", { type: "submit" }, "Sign in")),
    element("p", { class: "quiet" }, "Where no credentials are configured, the service writes a token for each run into ",
      element("code", {}, "admin.token"), " in its state directory. What you enter is kept for this tab alone.")));
  field.focus();
}

async function begin() {
  if (!token.get()) return signIn();
  try {
    await reasons.load();
    await get("v1/status");
  } catch (error) {
    return signIn(refusal(error));
  }
  views = {};
  for (const node of [nav, badge, leave]) node.hidden = false;
  notice("");
  nav.replaceChildren(...SECTIONS.map(([name, title]) => element("a", { href: `#${name}` }, title)));
  await open();
  looking = setInterval(() => document.hidden || look(), PACE);
}

function refusal(error) {
  if (error.status === 401) return "The service does not know this token.";
  if (error.status === 403) return "This token is not of an admin. The console is for admins.";
  return error.message;
}

/** Shows the section that the address names. */
async function open() {
  if (!token.get()) return;
  const name = section();
  const [, title, make] = SECTIONS.find(([known]) => known === name);
  views[name] ??= make(look);
  view.replaceChildren(views[name].node);
  document.title = `${title} · Placet`;
  for (const link of nav.children) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  await look();
}

/** Looks anew at what is shown. */
async function look() {
  try {
    const status = await get("v1/status");
    const text = `${status.state}${status.usable ? "" : ", denied"}`;
    if (badge.textContent !== text) badge.textContent = text;
    badge.className = `badge state ${status.state}`;
    document.getElementById("product").textContent = status.policy.name;
    await views[section()].show({ status });
    if (shown) notice("");
    shown = undefined;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.status === 401) return signIn("The service does not know this token any more: it may have been started anew.");
    shown = error.message;
    notice(`What is shown may be old: ${error.message}`, "failed");
  }
}

/** A file that is dropped anywhere is looked at as a license; the browser must not open it. */
async function dropped(event) {
  event.preventDefault();
  const [file] = event.dataTransfer?.files ?? [];
  if (!file || !token.get() || nav.hidden) return;
  if (section() !== "licenses") {
    history.pushState(null, "", "#licenses");
    await open();
  }
  await views.licenses.take(file);
}

leave.addEventListener("click", () => signIn());
window.addEventListener("hashchange", () => {
  notice("");
  open();
});
window.addEventListener("dragover", (event) => event.preventDefault());
window.addEventListener("drop", dropped);
begin();
