// Asks the service that this page came from. The token lives in this tab alone; no cookie is ever set, so that no other site can ask in its name.

const KEY = "placet-token";

/** What the service refused, or that it did not answer. */
export class Refused extends Error {
  constructor(status, reason, detail) {
    super(detail);
    this.status = status;
    this.reason = reason;
  }
}

export const token = {
  get: () => sessionStorage.getItem(KEY),
  set: (value) => sessionStorage.setItem(KEY, value),
  forget: () => sessionStorage.removeItem(KEY),
};

/** The JSON of an answer. Throws Refused. */
export async function ask(method, path, query = {}, body, type = "application/octet-stream") {
  const named = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  const search = named.length ? `?${new URLSearchParams(named)}` : "";
  // As a header can hold: what a chat or a text program put around a token cannot.
  if (!/^[\x21-\x7e]+$/.test(token.get())) throw new Refused(401, "token-unknown", "This is no token: it holds what a token does not.");
  const headers = { authorization: `Bearer ${token.get()}` };
  if (body !== undefined) headers["content-type"] = type;
  let answer, text;
  try {
    answer = await fetch(path + search, { method, headers, body, credentials: "omit", cache: "no-store" });
    text = await answer.text();
  } catch {
    throw new Refused(0, "silent", "The service does not answer.");
  }
  let told;
  try {
    told = JSON.parse(text);
  } catch {
    throw new Refused(answer.status, "strange", "What answers here is not the service.");
  }
  if (!answer.ok) throw new Refused(answer.status, told.reason, told.detail);
  return told;
}

export const get = (path, query) => ask("GET", path, query);
export const upload = (path, bytes) => ask("POST", path, {}, bytes);
export const post = (path, value) => ask("POST", path, {}, JSON.stringify(value), "application/json");
