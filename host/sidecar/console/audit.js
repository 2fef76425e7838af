// The newest lines of the audit log.

import { get } from "./api.js";
import { element, moment, region, table } from "./page.js";

const LINES = 100;

export function audit() {
  const list = region((lines) => lines.length
    ? table("The newest lines, the last one first", ["Line", "Time", "Event", "About", "Tenant", "Reason", "Times"],
      lines.map((line) => [
        String(line.number), line.time === undefined ? "" : moment(line.time), line.damage ? element("span", { class: "bad" }, line.damage) : element("code", {}, line.event), line.subject ?? "",
        line.tenant ?? "", line.reason ? element("code", {}, line.reason) : "", line.count ? String(line.count) : "",
      ]))
    : element("p", { class: "quiet" }, "Nothing was written yet."));
  return {
    node: element("div", {},
      element("h1", {}, "Audit"),
      element("p", { class: "quiet" }, "Each line vouches for the one before it; ", element("code", {}, "placet audit verify"), " checks them all."),
      list.node),
    async show() {
      list.show(await get("v1/audit", { limit: LINES }));
    },
  };
}
