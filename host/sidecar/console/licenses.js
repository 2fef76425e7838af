// The licenses that are here, their terms, and installing another: shown first, counted afterwards.

import { post, upload } from "./api.js";
import { terms } from "./chart.js";
import { confirmed, detail, distance, element, moment, notice, region, table } from "./page.js";
import { help, told } from "./reasons.js";

export function licenses(changed) {
  const timeline = region((each, now) => each.length
    ? [element("h2", {}, "Terms"), ...terms(each, now)] : element("p", { class: "quiet" }, "No license is here."));
  const list = region(listed);
  const preview = element("section", { id: "preview", tabindex: -1, "aria-label": "Preview" });
  const file = element("input", { id: "file", type: "file", change: () => file.files[0] && take(file.files[0]) });
  const zone = element("div", { class: "zone" },
    element("p", {}, element("label", { for: "file" }, "Drop a license here, or choose its file. ")), file,
    element("p", { class: "quiet" }, "Nothing counts before you have seen what it changes. Renewals, top-ups, revocation lists, receipts, orders and time anchors are installed the same way."));

  async function take(given) {
    notice("");
    try {
      const document = await given.arrayBuffer();
      const { change } = await upload("v1/status/preview", document);
      preview.replaceChildren(...previewed(given.name, change, document));
    } catch (error) {
      preview.replaceChildren(...refused(given.name, error));
    }
    file.value = "";
    preview.focus();
  }

  function previewed(name, change, document) {
    const items = (of, sign) => of.map((text) => element("li", {}, element("span", { "aria-hidden": "true" }, sign), " ", text));
    return [
      element("h2", {}, `What ${name} would change`),
      element("p", {}, change.before.state === change.after.state
        ? `The state stays ${change.after.state}.` : `The state goes from ${change.before.state} to ${change.after.state}.`),
      element("div", { class: "change" },
        element("div", { class: "gained" }, element("h3", {}, "Gained"),
          change.gained.length ? element("ul", {}, items(change.gained, "+")) : element("p", { class: "quiet" }, "Nothing.")),
        element("div", { class: "lost" }, element("h3", {}, "Lost"),
          change.lost.length ? element("ul", {}, items(change.lost, "−")) : element("p", { class: "quiet" }, "Nothing.")),
        change.changed.length > 0 && element("div", {}, element("h3", {}, "Otherwise"), element("ul", {}, items(change.changed, "·")))),
      element("p", { class: "actions" },
        element("button", { id: "install", type: "button", click: () => install(name, document) }, "Install"),
        element("button", { type: "button", class: "plain", click: () => preview.replaceChildren() }, "Cancel")),
    ];
  }

  function refused(name, error) {
    return [
      element("h2", { class: "bad" }, `${name} does not hold`),
      element("p", {}, `${error.message} `, element("strong", {}, help(error.reason) ?? ""), " ", told(error.reason)),
      element("p", {}, "Nothing was changed."),
    ];
  }

  async function install(name, document) {
    try {
      const status = await upload("v1/license", document);
      preview.replaceChildren();
      notice(`${name} is installed: the state is ${status.state}.`);
    } catch (error) {
      preview.replaceChildren(...refused(name, error));
    }
    await changed();
  }

  async function rollBack() {
    const sure = await confirmed("Take back what was installed last?",
      "What it replaced counts again. Usage stays as it was counted.", "Take it back");
    if (!sure) return;
    try {
      const status = await post("v1/license/rollback", {});
      notice(`Taken back: the state is ${status.state}.`);
    } catch (error) {
      notice(`Nothing was taken back: ${error.message}`, "failed");
    }
    await changed();
  }

  return {
    node: element("div", {},
      element("h1", {}, "Licenses"), zone, preview, timeline.node, list.node,
      element("p", {}, element("button", { id: "rollback", type: "button", class: "plain", click: rollBack }, "Take back what was installed last"))),
    take,
    show({ status }) {
      timeline.show(status.licenses, status.evaluated);
      list.show(status.licenses, status.documents, status.evaluated);
    },
  };
}

function listed(licenses, documents, now) {
  const ended = ({ expires }) => (expires ? [moment(expires), `, ${distance(expires, now)}`] : ["never"]);
  const rows = licenses.map((license) => [
    element("strong", {}, license.id), license.customer, license.plan,
    element("span", { class: `state ${license.state}` }, license.state),
    element("span", {}, ended(license)), detail(license, "sku") ?? "", element("code", {}, license.key),
  ]);
  const files = documents.map((document) => [
    document.name, document.kind, document.adopted ? (document.recovered ? "yes, by its kept copy" : "yes") : "no", told(document.reason),
  ]);
  return [
    rows.length ? table("Licenses", ["License", "Customer", "Plan", "State", "Ends", "SKU", "Key"], rows) : null,
    files.length ? table("Documents", ["Name", "Kind", "Holds", "Reason"], files) : null,
  ];
}
