// The policy that decides, those before it, and going back.

import { get, post, upload } from "./api.js";
import { confirmed, element, notice, region, table } from "./page.js";

export function policies(changed) {
  const list = region(listed);
  const file = element("input", { id: "policy-file", type: "file", accept: ".wasm", change: () => file.files[0] && install(file.files[0]) });

  function listed(kept) {
    const rows = [...kept].reverse().map((policy) => [
      element("strong", {}, policy.version), String(policy.sequence), element("code", { title: policy.hash }, policy.hash.replace(/^sha256:/, "").slice(0, 12)),
      policy.active ? element("span", { class: "state active" }, policy.rolled_back ? "decides, gone back to" : "decides")
        : element("button", { id: `policy-${policy.hash}`, type: "button", class: "plain", click: () => goBack(policy) }, `Go back to ${policy.version}`),
    ]);
    return table("Policies that are kept, newest first", ["Version", "Sequence", "Hash", ""], rows);
  }

  async function install(given) {
    const sure = await confirmed(`Let ${given.name} decide?`,
      "Its signature is checked, it must be newer than the one before, and it is tried out before it counts.", "Adopt it");
    if (sure) await done(async () => (await upload("v1/policy", await given.arrayBuffer())).version);
    file.value = "";
  }

  async function goBack({ version, hash }) {
    const sure = await confirmed(`Go back to ${version}?`, "A warning stands until a newer policy is adopted.", "Go back");
    if (sure) await done(async () => (await post("v1/policy/rollback", { hash })).version);
  }

  async function done(change) {
    notice("The policy is checked and tried out. This may take a while.", "busy");
    try {
      notice(`Version ${await change()} decides now.`);
    } catch (error) {
      notice(`The policy stays as it is: ${error.message}`, "failed");
    }
    await changed();
  }

  return {
    node: element("div", {},
      element("h1", {}, "Policy"), list.node,
      element("p", { class: "fields" }, element("label", { for: "policy-file" }, "Adopt a signed policy"), file)),
    async show() {
      list.show(await get("v1/policy"));
    },
  };
}
