//! Who may use whom, and which file of a crate touches the world. A new dependency or file needs a line here, on purpose.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use placet_tests::rig::root;
use placet_tests::source::sources;
use serde_json::Value;

/// What one of our crates may use. Those below `tests` use everything, and are used by nothing else.
struct Boundary {
    name: &'static str,
    dir: &'static str,
    /// Of our own crates, directly.
    ours: &'static [&'static str],
    /// Of all others, directly; none: what is not forbidden.
    others: Option<&'static [&'static str]>,
    /// What it must not reach by whatever way.
    never: &'static [&'static str],
    /// What it must not name itself.
    never_directly: &'static [&'static str],
}

const BOUNDARIES: [Boundary; 6] = [
    Boundary {
        name: "placet-rules",
        dir: "guest/rules",
        ours: &[],
        others: Some(&[
            "aes-gcm",
            "base64ct",
            "ed25519-compact",
            "jiff",
            "p256",
            "rsa",
            "semver",
            "serde",
            "serde_json",
            "sha2",
            "zeroize",
        ]),
        never: &["wasmtime"],
        never_directly: &[],
    },
    Boundary {
        name: "placet-policy",
        dir: "guest/policy",
        ours: &["placet-rules"],
        others: Some(&["talc", "wit-bindgen"]),
        never: &["placet", "placet-artifact", "placet-cli", "placet-sidecar", "wasmtime"],
        never_directly: &[],
    },
    Boundary {
        name: "placet-artifact",
        dir: "host/artifact",
        ours: &[],
        others: Some(&["ed25519-compact", "hmac", "semver", "serde", "serde_json", "sha2", "thiserror"]),
        never: &["cap-std", "wasmtime"],
        never_directly: &[],
    },
    Boundary {
        name: "placet",
        dir: "host/engine",
        ours: &["placet-artifact"],
        others: None,
        never: &["placet-rules", "placet-policy", "axum", "clap", "tokio", "wasmtime-wasi"],
        never_directly: &[],
    },
    Boundary {
        name: "placet-cli",
        dir: "host/cli",
        ours: &["placet", "placet-rules", "placet-sidecar"],
        others: None,
        never: &["placet-policy"],
        never_directly: &["cap-std", "redb", "wasmtime"],
    },
    Boundary {
        name: "placet-sidecar",
        dir: "host/sidecar",
        ours: &["placet"],
        others: None,
        never: &["placet-rules", "placet-policy", "placet-cli"],
        never_directly: &["cap-std", "redb", "wasmtime"],
    },
];

/// How the world is reached, and the paths that name it in code.
const CAPABILITIES: [(&str, &[&str]); 4] = [
    ("wall clock", &["SystemTime::now", "Timestamp::now", "Zoned::now", "ClockId::Realtime"]),
    ("files", &["std::fs"]),
    ("environment", &["std::env"]),
    ("randomness", &["getrandom", "rand", "rand_core", "OsRng", "KeyPair::generate", "Seed::generate"]),
];

/// The one file of a crate that uses a capability; what is not named uses none. The tests are free to use all.
const USERS: [(&str, &str, &str); 11] = [
    // The arguments, to say what is wrong with them, and a token.
    ("host/cli", "environment", "environment.rs"),
    ("host/cli", "files", "files.rs"),
    ("host/cli", "randomness", "random.rs"),
    ("host/cli", "wall clock", "wall_clock.rs"),
    ("host/engine", "environment", "environment.rs"),
    // The install and storage keys, nonces, and the ids of reservations.
    ("host/engine", "randomness", "random.rs"),
    ("host/engine", "wall clock", "clock/source.rs"),
    // A variable that a key of the configuration names.
    ("host/sidecar", "environment", "environment.rs"),
    ("host/sidecar", "files", "files.rs"),
    // The ids of requests, and of the run.
    ("host/sidecar", "randomness", "random.rs"),
    // When figures were taken, for who they are sent to.
    ("host/sidecar", "wall clock", "wall_clock.rs"),
];

#[test]
fn every_crate_of_ours_has_its_boundary() {
    let bounded: BTreeSet<_> = BOUNDARIES.iter().map(|boundary| boundary.name.to_owned()).collect();
    assert_eq!(Graph::read().ours, bounded);
}

#[test]
fn each_crate_uses_what_it_may_and_nothing_else() {
    let graph = Graph::read();
    let mut wrong = Vec::new();
    for Boundary { name, ours, others, never, never_directly, .. } in BOUNDARIES {
        let reached = graph.reached(name);
        for (used, chain) in &reached {
            let is_direct = chain.len() == 2;
            let is_ours = graph.ours.contains(used);
            let used = used.as_str();
            let refused = never.contains(&used)
                || is_direct && never_directly.contains(&used)
                || is_direct && is_ours && !ours.contains(&used)
                || is_direct && !is_ours && others.is_some_and(|others| !others.contains(&used));
            if refused {
                wrong.push(chain.join(" → "));
            }
        }
    }
    assert!(wrong.is_empty(), "not allowed by BOUNDARIES:\n{}", wrong.join("\n"));
}

#[test]
fn nothing_uses_the_tests() {
    let graph = Graph::read_with_all_kinds();
    assert!(graph.tests.contains("placet-tests"), "{:?}", graph.tests);
    for (user, used) in graph.uses.iter().filter(|(user, _)| !graph.tests.contains(*user)) {
        assert!(used.is_disjoint(&graph.tests), "{user} uses one of {:?}", graph.tests);
    }
}

#[test]
fn each_capability_is_used_in_one_named_file_of_a_crate() {
    let mut found = Vec::new();
    for Boundary { dir, .. } in &BOUNDARIES {
        for file in sources(&root().join(dir)) {
            for (capability, paths) in CAPABILITIES {
                if paths.iter().any(|path| file.names(path)) {
                    found.push((*dir, capability, file.path.clone()));
                }
            }
        }
    }
    found.sort();
    let found: Vec<_> = found.iter().map(|(dir, capability, path)| (*dir, *capability, path.as_str())).collect();
    let unnamed: Vec<_> = found.iter().filter(|used| !USERS.contains(used)).collect();
    let unused: Vec<_> = USERS.iter().filter(|named| !found.contains(named)).collect();
    assert!(
        unnamed.is_empty() && unused.is_empty(),
        "used, and not in USERS: {unnamed:#?}\nin USERS, and not used: {unused:#?}"
    );
    let mut once = BTreeSet::new();
    for (dir, capability, path) in USERS {
        assert!(once.insert((dir, capability)), "{dir}: a second file uses the {capability}: {path}");
    }
}

#[test]
fn the_guest_is_built_without_std() {
    for dir in ["guest/rules", "guest/policy"] {
        for file in sources(&root().join(dir)) {
            assert!(!file.names("std"), "{dir}/src/{} names std", file.path);
            let is_root = file.path == "lib.rs";
            assert!(!is_root || file.names("no_std"), "{dir} does not begin with #![no_std]");
        }
    }
}

/// Which package uses which, by name.
struct Graph {
    ours: BTreeSet<String>,
    tests: BTreeSet<String>,
    uses: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    /// With what is compiled in: no build scripts, no tests.
    fn read() -> Self {
        Self::of(|kind| kind.is_null())
    }

    fn read_with_all_kinds() -> Self {
        Self::of(|_| true)
    }

    fn of(wanted: impl Fn(&Value) -> bool) -> Self {
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version", "1", "--locked"])
            .current_dir(root())
            .output()
            .expect("cargo runs");
        assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
        let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let names: BTreeMap<_, _> =
            list(&metadata["packages"]).iter().map(|package| (text(&package["id"]), text(&package["name"]))).collect();
        let mut uses = BTreeMap::<_, BTreeSet<_>>::new();
        for node in list(&metadata["resolve"]["nodes"]) {
            let used = list(&node["deps"])
                .iter()
                .filter(|used| list(&used["dep_kinds"]).iter().any(|kind| wanted(&kind["kind"])));
            // Two versions of a package are one here: what either reaches counts.
            uses.entry(names[&text(&node["id"])].clone())
                .or_default()
                .extend(used.map(|used| names[&text(&used["pkg"])].clone()));
        }
        let members = list(&metadata["workspace_members"]);
        let tests_dir = format!("{}/tests/", text(&metadata["workspace_root"]));
        let (tests, ours): (Vec<_>, Vec<_>) = list(&metadata["packages"])
            .iter()
            .filter(|package| members.contains(&package["id"]))
            .partition(|package| text(&package["manifest_path"]).starts_with(&tests_dir));
        let named = |packages: Vec<&Value>| packages.into_iter().map(|package| text(&package["name"])).collect();
        Self { ours: named(ours), tests: named(tests), uses }
    }

    /// All that a package reaches, each with the shortest way to it.
    fn reached(&self, from: &str) -> BTreeMap<String, Vec<String>> {
        let mut reached = BTreeMap::new();
        let mut last = vec![vec![from.to_owned()]];
        while !last.is_empty() {
            let mut next = Vec::new();
            for way in last {
                for used in &self.uses[way.last().expect("a way has a beginning")] {
                    if used != from && !reached.contains_key(used) {
                        let way = [way.as_slice(), std::slice::from_ref(used)].concat();
                        reached.insert(used.clone(), way.clone());
                        next.push(way);
                    }
                }
            }
            last = next;
        }
        reached
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
