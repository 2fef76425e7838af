// What to do about a reason: the table that the service has.

import { get } from "./api.js";
import { element } from "./page.js";

let table = new Map();

export async function load() {
  table = new Map((await get("v1/reasons")).map((row) => [row.reason, row]));
}

/** The next step, where there is one. */
export function help(reason) {
  const row = table.get(reason);
  return row && row.whose !== "nobody" ? row.help : undefined;
}

/** The reason, with its meaning. */
export function told(reason) {
  return element("code", { title: table.get(reason)?.when ?? "" }, reason);
}
