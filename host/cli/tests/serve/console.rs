//! The console, as an operator uses it: in a real Chromium, against the running service.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::service::{Service, Site};

const DESK: (u32, u32) = (1280, 900);
const PHONE: (u32, u32) = (500, 900);

/// Signs in as an admin.
fn signed_in(service: &Service, size: (u32, u32)) -> Browser {
    let browser = Browser::start(size, &[]);
    browser.open(&format!("{}/console", service.address));
    browser.types("#token", &format!("{}\u{e007}", service.token));
    browser.shows("What to do");
    browser
}

/// Opens a section.
fn section(browser: &Browser, name: &str, shows: &str) {
    browser.click(&format!("nav a[href=\"#{name}\"]"));
    browser.shows(shows);
}

fn consume(service: &Service, amount: u64) {
    let told = service.post("/v1/consume", &json!({"charges": [{"limit": "tokens", "amount": amount}]}));
    assert_eq!(told.json()["allowed"], true, "{told:?}");
}

fn grants(service: &Service, feature: &str) -> bool {
    service.get("/v1/license").json()["features"][feature] == true
}

#[test]
fn a_license_is_dropped_previewed_installed_and_taken_back_and_a_bar_moves_when_a_client_consumes() {
    let site = Site::new();
    site.license("renewal.json", &["--expires", "2y", "--feature", "reports", "--id", "lic_renewal"]);
    let damaged = site.0.read("renewal.json").replace("\"payload\": \"", "\"payload\": \"AAAA");
    assert_ne!(damaged, site.0.read("renewal.json"));
    site.0.write("damaged.json", damaged);
    // Sold beside it, and without an end.
    let extra = ["license", "new", "--kind", "topup", "--customer", "Globex GmbH", "--product", "acme/router"];
    let sign = ["--expires", "never", "--key", "TEST-license.key", "--out", "topup.json"];
    site.0.done(&[&extra[..], &sign].concat());
    let service = site.serve(&["--license", "license.json", "--license", "topup.json"]);
    let browser = Browser::start(DESK, &[]);
    browser.open(&format!("{}/console", service.address));
    browser.picture("sign-in");
    browser.types("#token", "placet_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\u{e007}");
    browser.shows("does not know this token");
    browser.types("#token", &format!("{}\u{e007}", service.token));
    browser.shows("Licensed until");
    browser.shows("Globex GmbH");
    browser.picture("overview");

    section(&browser, "usage", "0 of 1,000");
    let used = || browser.script("return document.querySelector('[data-limit=tokens]')?.dataset.used");
    consume(&service, 250);
    browser.waits("250 tokens", || used() == "250");
    browser.shows("250 of 1,000");
    browser.shows("quota, refund true");
    let width = browser.script("return document.querySelector('[data-limit=tokens] .fill').style.width");
    assert_eq!(width, "25%");
    consume(&service, 700);
    browser.waits("950 tokens", || used() == "950");
    browser.picture("usage");

    section(&browser, "licenses", "Terms");
    browser.drops(".zone", &site.0.path("damaged.json"));
    browser.shows("damaged.json does not hold");
    browser.shows("Nothing was changed");
    browser.drops(".zone", &site.0.path("renewal.json"));
    browser.shows("What renewal.json would change");
    browser.shows("feature reports");
    browser.picture("preview");
    assert!(!grants(&service, "reports"), "a preview counts nothing");
    browser.click("#install");
    browser.shows("renewal.json is installed");
    browser.shows("lic_renewal");
    assert!(grants(&service, "reports"));
    browser.picture("licenses");

    browser.click("#rollback");
    browser.shows("Take back what was installed last?");
    browser.click("dialog .plain, dialog button:not(.danger)");
    browser.waits("the question is gone", || !browser.text().contains("What it replaced counts again"));
    assert!(grants(&service, "reports"), "nothing happens without a yes");
    browser.click("#rollback");
    browser.click("dialog .danger");
    browser.shows("Taken back");
    assert!(!grants(&service, "reports"));
    assert_eq!(service.tokens(), 950, "what was used stays counted");

    section(&browser, "audit", "license.installed");
    browser.picture("audit");
    browser.click("#leave");
    browser.shows("Sign in");
    assert_eq!(browser.script("return sessionStorage.length"), 0);
    assert_eq!(without_refusals(&browser), "");
}

/// The complaints, but for answers that were asked for to be refused.
fn without_refusals(browser: &Browser) -> String {
    let complaints = browser.complaints();
    complaints
        .lines()
        .filter(|line| !line.contains("Failed to load resource"))
        .map(|line| format!("{line}\n"))
        .collect()
}

#[test]
fn policies_are_adopted_and_gone_back_from_and_seats_released_by_force() {
    let site = Site::new();
    let pack = ["policy", "pack", "--name", "acme/router", "--version", "2.0.0", "--sequence", "2"];
    site.0
        .done(&[&pack[..], &["--trust", "TEST-license.pub", "--key", "TEST-root.key", "--out", "next.wasm"]].concat());
    let service = site.serve(&[]);
    let browser = signed_in(&service, DESK);
    section(&browser, "policy", "1.0.0");
    browser.types("#policy-file", site.0.path("next.wasm").to_str().unwrap());
    browser.shows("Let next.wasm decide?");
    browser.click("dialog .danger");
    browser.shows("Version 2.0.0 decides now");
    browser.shows("Go back to 1.0.0");
    browser.picture("policy");
    browser.click("td button");
    browser.click("dialog .danger");
    browser.shows("gone back to");
    let active = service.get("/v1/policy").json();
    let active = active.as_array().unwrap().iter().find(|policy| policy["active"] == true).unwrap();
    assert_eq!((&active["version"], &active["rolled_back"]), (&"1.0.0".into(), &true.into()));

    for (holder, seats) in [("ada", 24), ("bob", 40)] {
        let claim = json!({"charge": {"limit": "cores", "amount": seats}, "holder": holder});
        assert_eq!(service.post("/v1/seats", &claim).json()["allowed"], true);
    }
    section(&browser, "seats", "Seats");
    browser.waits("the limits", || browser.script("return document.querySelector('#seats').options.length") == 3);
    browser.types("#seats", "cores");
    browser.shows("Release ada");
    browser.picture("seats");
    browser.click("#release-ada");
    browser.shows("Release the seats of ada?");
    browser.click("dialog .danger");
    browser.shows("ada holds no seats of cores any more");
    browser.waits("one holder", || !browser.text().contains("Release ada"));
    let holders = service.get("/v1/seats?limit=cores").json();
    assert_eq!((holders.as_array().unwrap().len(), &holders[0]["name"]), (1, &"bob".into()));
    // Somebody else gave them back, or the policy does not.
    let denied = "
        const ask = window.fetch;
        window.fetch = (path, options) => options?.method === 'DELETE'
            ? Promise.resolve(new Response('{\"allowed\": false, \"reason\": \"not-held\"}')) : ask(path, options);";
    browser.script(denied);
    browser.click("#release-bob");
    browser.click("dialog .danger");
    browser.shows("Nothing was released: not-held");
    browser.types("#seats", "users");
    browser.shows("These are counted for each tenant");
    assert_eq!(without_refusals(&browser), "");
}

/// A name to be shown, which as markup would run a script.
const HOSTILE: &str = "<img src=x onerror=window.broken=1>";

#[test]
fn what_others_wrote_is_text_and_a_page_of_another_site_is_told_nothing() {
    let site = Site::without_license();
    let new =
        ["license", "new", "--customer", HOSTILE, "--id", HOSTILE, "--product", "acme/router", "--expires", "20d"];
    let more = ["--limit", "tenants=seats:2", "--key", "TEST-license.key", "--out", "license.json"];
    site.0.done(&[&new[..], &more].concat());
    let service = site.serve(&[]);
    let claim = json!({"charge": {"limit": "tenants", "amount": 1}, "holder": HOSTILE});
    assert_eq!(service.post("/v1/seats", &claim).json()["allowed"], true);
    let denied = json!({"feature": HOSTILE, "context": {"tenant": HOSTILE}});
    assert_eq!(service.post("/v1/check", &denied).json()["allowed"], false);
    let browser = signed_in(&service, DESK);
    browser.shows("The license ends on");
    browser.shows("Get the renewal");
    for (name, shows) in [("licenses", "Terms"), ("seats", "Seats"), ("audit", "license.feature_blocked")] {
        section(&browser, name, shows);
        browser.shows(HOSTILE);
    }
    assert_eq!(browser.script("return window.broken ?? document.querySelectorAll('main img').length"), 0);
    assert_eq!(without_refusals(&browser), "");

    // The rights of a person who is signed in are no other page's: there is no cookie, and no other origin may read or send.
    assert_eq!(browser.script("return document.cookie"), "");
    let url = format!("{}/v1/status", service.address);
    browser.open("data:text/html,<title>other</title>");
    let asked = format!(
        "const ask = (options) => fetch('{url}', options).then(() => 'told', () => 'refused'); \
         return Promise.all([ask({{}}), ask({{headers: {{authorization: 'Bearer {}'}}}})])",
        service.token
    );
    assert_eq!(browser.script(&asked), json!(["refused", "refused"]));
    // Credentials of Basic a browser adds by itself.
    let basic = <base64ct::Base64 as base64ct::Encoding>::encode_string(format!("x:{}", service.token).as_bytes());
    let basic = format!("Basic {basic}");
    let post = |headers: &[(&str, &str)]| {
        let answer =
            service.ask("POST", "/v1/license/rollback", &[&[("authorization", &*basic)], headers].concat(), "");
        answer.json()["reason"].as_str().unwrap_or_default().to_owned()
    };
    for other in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "http://evil.example"),
        ("origin", "null"),
    ] {
        assert_eq!(post(&[other]), "origin-refused", "{other:?}");
    }
    for own in [vec![], vec![("sec-fetch-site", "same-origin")], vec![("origin", &*service.address)]] {
        assert_eq!(post(&own), "nothing-replaced", "{own:?}");
    }
}

/// Shows the page as a phone does: nothing is wider, and all that is drawn stands within what it is drawn in.
fn on_a_phone(browser: &Browser, scheme: &str) {
    let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
    browser.command("Emulation.setEmulatedMedia", &media);
    let width = json!({"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": true});
    browser.command("Emulation.setDeviceMetricsOverride", &width);
    browser.waits("nothing is wider than the phone", || {
        browser.script("return document.documentElement.scrollWidth <= 360") == true
    });
    assert_eq!(browser.script(CUT), json!([]));
}

/// What of a picture stands out of it, where it is cut.
const CUT: &str = "
    const cut = [];
    for (const part of document.querySelectorAll('svg *, .track *')) {
        const [own, whole] = [part, part.closest('svg, .track')].map((node) => node.getBoundingClientRect());
        if (own.left < whole.left - 2 || own.right > whole.right + 2) cut.push(part.outerHTML.slice(0, 100));
    }
    return cut;";

#[test]
fn it_can_be_used_by_keys_alone_on_a_phone_and_in_the_dark() {
    let site = Site::new();
    let service = site.serve(&[]);
    consume(&service, 400);
    let browser = Browser::start(PHONE, &[]);
    browser.open(&format!("{}/console", service.address));
    // The field has the focus.
    browser.waits("the field", || browser.script("return document.activeElement.id") == "token");
    browser.presses(&format!("{}\u{e007}", service.token));
    browser.shows("What to do");
    let focused = || browser.script("return document.activeElement.textContent");
    for name in ["Usage", "Licenses", "Policy", "Seats", "Audit", "Overview"] {
        browser.script("document.activeElement.blur(); document.querySelector('header .brand').scrollIntoView()");
        for _ in 0..20 {
            if focused() == name {
                break;
            }
            browser.presses("\u{e004}");
        }
        assert_eq!(focused(), name);
        browser.presses("\u{e007}");
        let heading = format!("{name} · Placet");
        browser.waits(&heading, || browser.script("return document.title") == *heading);
        for scheme in ["light", "dark"] {
            on_a_phone(&browser, scheme);
            assert_eq!(browser.script(FAINT), json!([]), "{name}, {scheme}");
            browser.picture(&format!("phone-{}-{scheme}", name.to_lowercase()));
        }
    }
    // What has no name for who does not see: fields, buttons, pictures.
    assert_eq!(browser.script(NAMELESS), json!([]));
    assert_eq!(without_refusals(&browser), "");
}

/// Texts whose contrast with what is behind them is below 4.5 to 1 (WCAG 2.2, success criterion 1.4.3).
const FAINT: &str = "
    const light = (text) => {
        const [r, g, b] = text.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)
            .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (node) => {
        for (let at = node; at; at = at.parentElement) {
            const color = getComputedStyle(at).backgroundColor;
            if (!/, 0\\)$/.test(color) && color !== 'transparent') return color;
        }
        return 'rgb(255, 255, 255)';
    };
    const faint = [];
    for (const node of document.querySelectorAll('body *')) {
        if (!node.checkVisibility?.() || ![...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim())) continue;
        const style = getComputedStyle(node);
        const ink = node.namespaceURI.endsWith('svg') ? style.fill : style.color;
        const [a, b] = [light(ink), light(behind(node))].sort((a, b) => b - a);
        if ((a + 0.05) / (b + 0.05) < 4.5) faint.push(`${node.tagName} ${node.textContent.trim().slice(0, 30)} ${ink} on ${behind(node)}`);
    }
    return faint;";

const NAMELESS: &str = "
    const named = (node) => node.getAttribute('aria-label') || node.labels?.length || node.textContent.trim();
    return [...document.querySelectorAll('button, input, select, svg, [role=meter]')].filter((node) => !named(node)).map((node) => node.outerHTML);";

#[test]
fn the_end_of_grace_is_told_and_not_what_else_ends_before() {
    let site = Site::without_license();
    let term = ["--starts", "2020-01-01", "--expires", "2021-01-01", "--grace-expiry", "36500d"];
    site.license("license.json", &[&term[..], &["--feature", "reports=2100-01-01"]].concat());
    let service = site.serve(&[]);
    let browser = signed_in(&service, DESK);
    browser.shows("holds by grace until 2120-12-08T");
    let headline = browser.script("return document.querySelector('h1').textContent");
    assert_eq!(headline, "Running on grace, until the time below");
}

#[test]
fn a_forecast_is_told_as_it_comes_out_of_what_was_used() {
    let site = Site::new();
    let service = site.serve(&[]);
    let browser = signed_in(&service, DESK);
    // Ten days of 40 tokens each, up to now: the known series. What is to come of it the engine's own tests know.
    let series = "
        const ask = window.fetch;
        window.asked = [];
        window.fetch = async (path, options) => {
            if (!String(path).startsWith('v1/usage')) return ask(path, options);
            window.asked.push(path);
            const day = 86400000, now = Date.now();
            const samples = [...Array(240).keys()].map((hour) => ({hour: now - 10 * day + hour * 3600000, limit: 'tokens', used: Math.floor(hour / 24) * 40}));
            const usage = [{limit: 'tokens', kind: 'quota', used: 400, max: 1000, details: []}];
            const forecast = [{limit: 'tokens', per_day: 40, outlook: {outlook: 'reached', at: now + 15 * day + 1000}}];
            const told = String(path).startsWith('v1/usage/history') ? {samples, forecast} : usage;
            return new Response(JSON.stringify(told));
        };";
    browser.script(series);
    section(&browser, "usage", "400 of 1,000");
    browser.shows("in 15 days");
    browser.shows("at 40 a day, as in the last 7 days");
    let points = browser.script("return document.querySelector('.curve').getAttribute('d').split('L').length");
    assert!(points.as_u64().unwrap() > 240, "{points}");
    browser.click("details summary");
    browser.shows("day by day");
    browser.picture("forecast");
    // Samples come once an hour, and are asked for no more often.
    let asked = |what: &str| {
        let count = format!("return asked.filter((path) => path.startsWith('v1/usage/history') && {what}).length");
        browser.script(&count).as_u64().unwrap()
    };
    on_a_phone(&browser, "light");
    assert_eq!((browser.script(FAINT), browser.script(NAMELESS)), (json!([]), json!([])));
    browser.picture("phone-forecast");
    browser.waits("it is looked anew", || asked("true") > 2);
    assert_eq!(asked("Number(path.split('since=')[1]) < Date.now() - 86400000"), 1);
}

#[test]
fn the_console_is_served_from_the_binary_with_a_strict_policy_and_loads_nothing_else() {
    let site = Site::new();
    let service = site.serve(&[]);
    let anonymous = |path: &str| service.ask("GET", path, &[("authorization", "")], "");
    let mut open = vec!["/console".to_owned()];
    let mut seen = Vec::new();
    while let Some(path) = open.pop() {
        if seen.contains(&path) {
            continue;
        }
        let answer = anonymous(&path);
        assert_eq!(answer.status, 200, "{path}");
        let policy = answer.header("content-security-policy");
        for part in
            ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"]
        {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe") && answer.header("x-content-type-options") == "nosniff", "{path}");
        assert!(!answer.text.contains("innerHTML") && !answer.text.contains("eval("), "{path}");
        let quoted = answer.text.split('"').skip(1).step_by(2);
        open.extend(quoted.filter_map(|text| text.strip_prefix("./")).map(|name| format!("/console/{name}")));
        let quoted = answer.text.split('"').skip(1).step_by(2);
        open.extend(quoted.filter(|text| text.starts_with("console/")).map(|name| format!("/{name}")));
        // Nothing of another place: a namespace is a name.
        let elsewhere = answer.text.replace("http://www.w3.org/2000/svg", "");
        assert!(
            !elsewhere.contains("http://") && !elsewhere.contains("https://") && !elsewhere.contains("\"//"),
            "{path}"
        );
        seen.push(path);
    }
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../sidecar/console")).unwrap().count();
    assert_eq!(seen.len(), files, "{seen:?}");
    assert_eq!(anonymous("/console/nowhere.js").status, 404);
    assert_eq!(anonymous("/console/..%2f..%2fCargo.toml").status, 404);
    let _: Value = anonymous("/console/nowhere.js").json();
}
