// Who holds seats, and taking them back.

import { ask, get } from "./api.js";
import { confirmed, element, moment, notice, number, region, table } from "./page.js";

export function seats(changed) {
  let known = [];
  const limit = element("select", { id: "seats", change: () => refresh() });
  const tenant = element("input", { id: "seats-tenant", autocomplete: "off", placeholder: "none", change: () => refresh() });
  const list = region(listed);

  function listed(of, refused, holders) {
    if (!of) return element("p", { class: "quiet" }, "No license names seats.");
    if (refused) return element("p", { class: "quiet" }, refused);
    if (!holders.length) return element("p", { class: "quiet" }, `Nobody holds seats of ${of}.`);
    return table(`Holders of ${of}`, ["Holder", "Seats", "Until", ""], holders.map((holder) => [
      element("strong", {}, holder.name), number(holder.weight), holder.expires ? moment(holder.expires) : "given back",
      element("button", { id: `release-${holder.name}`, type: "button", class: "plain", click: () => release(of, holder.name) }, `Release ${holder.name}`),
    ]));
  }

  async function refresh() {
    const of = limit.value;
    if (!of) return list.show("");
    try {
      list.show(of, "", await get("v1/seats", { limit: of, tenant: tenant.value.trim() }));
    } catch (error) {
      if (error.status !== 422) throw error;
      list.show(of, error.reason === "tenant-required" ? "These are counted for each tenant: name one." : error.message, []);
    }
  }

  async function release(of, holder) {
    const sure = await confirmed(`Release the seats of ${holder}?`, "Whoever works there may claim them again, if one is free.", "Release");
    if (!sure) return;
    try {
      const decision = await ask("DELETE", "v1/seats", { limit: of, holder, tenant: tenant.value.trim() });
      if (decision.allowed) notice(`${holder} holds no seats of ${of} any more.`);
      else notice(`Nothing was released: ${decision.reason}.`, "failed");
    } catch (error) {
      notice(`Nothing was released: ${error.message}`, "failed");
    }
    await changed();
  }

  return {
    node: element("div", {},
      element("h1", {}, "Seats"),
      element("p", { class: "fields" },
        element("label", { for: "seats" }, "Of"), limit, element("label", { for: "seats-tenant" }, "Tenant"), tenant),
      list.node),
    show({ status }) {
      // Of licenses that have ended, too: what is held is given back as before.
      const all = status.limits.concat(...status.licenses.map((license) => license.limits));
      const limits = [...new Set(all.filter(({ kind }) => kind === "seats").map(({ name }) => name))];
      if (limits.join() !== known.join()) {
        const chosen = limit.value;
        limit.replaceChildren(...limits.map((name) => element("option", { value: name, selected: name === chosen }, name)));
        known = limits;
      }
      return refresh();
    },
  };
}
