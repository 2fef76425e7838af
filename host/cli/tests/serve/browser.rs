//! A real Chromium, driven by WebDriver (W3C Recommendation, 5 June 2018) through chromedriver.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// How long a page may take to show what is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A browser with one page; both end with the test, and take what they wrote with them.
pub(crate) struct Browser {
    driver: Child,
    agent: ureq::Agent,
    session: String,
    /// Profile, sockets and whatever else it writes.
    folder: Option<TempDir>,
}

impl Browser {
    /// Starts it with a window of this size, and these arguments besides.
    pub(crate) fn start((width, height): (u32, u32), more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut driver = Command::new("chromedriver");
        for variable in ["TMPDIR", "HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"] {
            driver.env(variable, folder.path());
        }
        let mut driver = driver
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("chromedriver: {error}"));
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let started = "started successfully on port ";
        let port = lines.map_while(Result::ok).find_map(|line| Some(line.split_once(started)?.1.to_owned()));
        let port = port.unwrap_or_else(|| panic!("chromedriver did not start"));
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        let agent: ureq::Agent = config.timeout_global(Some(Duration::from_secs(120))).build().into();
        let session = format!("http://127.0.0.1:{}", port.trim_end_matches('.'));
        let mut browser = Self { driver, agent, session, folder: Some(folder) };
        let size = format!("--window-size={width},{height}");
        // As root, and in containers with little shared memory.
        let usual = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--lang=en", &size];
        let arguments = [&usual[..], more].concat();
        let options = json!({"args": arguments});
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let session = browser.post("/session", &wanted)["sessionId"].as_str().unwrap().to_owned();
        browser.session = format!("{}/session/{session}", browser.session);
        browser
    }

    pub(crate) fn open(&self, url: &str) {
        self.post("/url", &json!({"url": url}));
    }

    /// What a script in the page answers.
    pub(crate) fn script(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// The text of the page, as it is seen.
    pub(crate) fn text(&self) -> String {
        self.script("return document.body.innerText").as_str().unwrap().to_owned()
    }

    /// Waits until the page shows this.
    pub(crate) fn shows(&self, text: &str) {
        self.waits(text, || self.text().contains(text));
    }

    /// Waits until this holds.
    pub(crate) fn waits(&self, what: &str, holds: impl Fn() -> bool) {
        let began = Instant::now();
        while !holds() {
            assert!(began.elapsed() < PATIENCE, "`{what}` is not shown: {}\n{}", self.text(), self.complaints());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Clicks, as a person does, on what this selector of CSS finds first.
    pub(crate) fn click(&self, selector: &str) {
        let element = self.find(selector);
        self.post(&format!("/element/{element}/click"), &json!({}));
    }

    /// Types into it.
    pub(crate) fn types(&self, selector: &str, text: &str) {
        let element = self.find(selector);
        self.post(&format!("/element/{element}/value"), &json!({"text": text}));
    }

    /// Presses keys, wherever the focus is: `\u{e004}` is the tabulator, `\u{e007}` Enter.
    pub(crate) fn presses(&self, keys: &str) {
        let each: Vec<_> = keys
            .chars()
            .flat_map(|key| [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})])
            .collect();
        self.post("/actions", &json!({"actions": [{"type": "key", "id": "keyboard", "actions": each}]}));
    }

    /// Drops a file into the middle of what the selector finds, by the mouse.
    pub(crate) fn drops(&self, selector: &str, file: &std::path::Path) {
        let place = format!(
            "const box = document.querySelector('{selector}').getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]"
        );
        let place = self.script(&place);
        let data = json!({"items": [], "files": [file], "dragOperationsMask": 1});
        for kind in ["dragEnter", "dragOver", "drop"] {
            let event = json!({"type": kind, "x": place[0], "y": place[1], "data": data});
            self.command("Input.dispatchDragEvent", &event);
        }
    }

    /// A command of the Chrome DevTools Protocol.
    pub(crate) fn command(&self, name: &str, parameters: &Value) -> Value {
        self.post("/goog/cdp/execute", &json!({"cmd": name, "params": parameters}))
    }

    /// What the browser had to complain about: errors of scripts, and what a policy forbids.
    pub(crate) fn complaints(&self) -> String {
        let lines = self.post("/se/log", &json!({"type": "browser"}));
        let lines = lines.as_array().unwrap().iter().filter(|line| line["level"] == "SEVERE");
        lines.map(|line| format!("{}\n", line["message"])).collect()
    }

    /// Keeps a picture of the page where `PLACET_SCREENSHOTS` names a folder, for people to look at.
    pub(crate) fn picture(&self, name: &str) {
        let Ok(folder) = std::env::var("PLACET_SCREENSHOTS") else { return };
        let size = self.script("return [innerWidth, document.documentElement.scrollHeight]");
        let clip = json!({"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1});
        let whole = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let picture = self.command("Page.captureScreenshot", &whole);
        let bytes = <base64ct::Base64 as base64ct::Encoding>::decode_vec(picture["data"].as_str().unwrap()).unwrap();
        std::fs::write(format!("{folder}/{name}.png"), bytes).unwrap();
    }

    fn find(&self, selector: &str) -> String {
        let found = || {
            let answer = self.send("/element", &json!({"using": "css selector", "value": selector}));
            answer.1.as_object().and_then(|element| element.values().next()?.as_str().map(str::to_owned))
        };
        self.waits(selector, || self.script(&format!("return !!document.querySelector('{selector}')")) == true);
        found().unwrap_or_else(|| panic!("no {selector}"))
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let (status, value) = self.send(path, body);
        assert_eq!(status, 200, "{path} {body}: {value}");
        value
    }

    fn send(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = ureq::http::Request::post(format!("{}{path}", self.session))
            .header("content-type", "application/json")
            .body(body.to_string())
            .unwrap();
        let mut answer = self.agent.run(request).unwrap_or_else(|error| panic!("{path}: {error}"));
        let text = answer.body_mut().with_config().limit(64 << 20).read_to_string().unwrap();
        let mut told: Value = serde_json::from_str(&text).unwrap();
        (answer.status().as_u16(), told["value"].take())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        drop(self.agent.delete(&self.session).call());
        drop(self.driver.kill());
        drop(self.driver.wait());
        // Processes of the browser may be writing yet.
        let Some(folder) = self.folder.take().map(TempDir::keep) else { return };
        let began = Instant::now();
        while std::fs::remove_dir_all(&folder).is_err() && folder.exists() && began.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn a_browser_leaves_nothing_behind() {
    let browser = Browser::start((500, 500), &[]);
    browser.open("data:text/html,<title>page</title>");
    let folder = browser.folder.as_ref().unwrap().path().to_owned();
    let written = |folder: &std::path::Path| std::fs::read_dir(folder).map_or(0, Iterator::count);
    assert!(written(&folder) > 1, "it writes elsewhere");
    drop(browser);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(written(&folder), 0);
}
