//! What is shipped to run the service somewhere is as the service is.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::process::Command;

use base64ct::{Base64, Encoding as _};
use serde_json::{Value, json};

use crate::service::{Service, Site};

const DOCKERFILE: &str = include_str!("../../../sidecar/Dockerfile");
const KUBERNETES: &str = include_str!("../../../sidecar/kubernetes.yaml");

/// Runs as the image and the pod do.
const USER: u32 = 65_532;

/// What stands in the pod, and the container of it that is the service.
fn pod() -> (Value, Value) {
    let set: Value = serde_saphyr::from_str(KUBERNETES).unwrap();
    let pod = set["spec"]["template"]["spec"].clone();
    let container = pod["initContainers"][0].clone();
    (pod, container)
}

/// The variables of the container.
fn variables() -> BTreeMap<String, String> {
    let (_, container) = pod();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    container["env"].as_array().unwrap().iter().map(|pair| (text(&pair["name"]), text(&pair["value"]))).collect()
}

/// The rest of the only instruction of the Dockerfile that begins so.
fn instruction(name: &str) -> String {
    let whole = DOCKERFILE.replace("\\\n", " ");
    let mut found = whole.lines().filter_map(|line| line.strip_prefix(name)).map(|rest| rest.trim().to_owned());
    let rest = found.next().unwrap_or_else(|| panic!("no {name}"));
    assert_eq!(found.next(), None, "{name}");
    rest
}

/// A document of YAML that is shipped.
fn shipped(name: &str) -> Value {
    let path = format!("{}/../sidecar/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn envoy_and_traefik_ask_where_the_service_answers_and_let_nothing_through_that_it_did_not_allow() {
    let envoy = shipped("envoy.yaml");
    let filters =
        &envoy["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]["http_filters"];
    let asking = &filters[1]["typed_config"];
    assert_eq!(asking["http_service"]["path_prefix"], "/v1/enforce/request");
    assert_eq!(
        (&asking["failure_mode_allow"], &asking["status_on_error"]["code"]),
        (&false.into(), &"ServiceUnavailable".into())
    );
    assert_eq!(asking["allowed_headers"]["patterns"], json!([{"exact": "placet-tenant"}]));
    let traefik = shipped("traefik.yaml");
    let asking = &traefik["http"]["middlewares"]["placet"]["forwardAuth"];
    assert!(asking["address"].as_str().unwrap().ends_with("@127.0.0.1:7077/v1/enforce/request"), "{asking}");
    assert_eq!(asking["authRequestHeaders"], json!(["placet-tenant"]));

    // As Traefik asks: a token as the password of Basic.
    let site = Site::new();
    let service = site.serve(&[]);
    service.wait_for_rate();
    let basic = format!("Basic {}", Base64::encode_string(format!("traefik:{}", service.token).as_bytes()));
    let headers = [("authorization", &*basic), ("placet-tenant", "t1"), ("x-forwarded-uri", "/orders/7")];
    assert_eq!(service.ask("GET", "/v1/enforce/request", &headers, "").status, 204);
}

fn health(service: &Service, site: &Site, more: &[&str]) -> i32 {
    let address = service.address.split("//").nth(1).map(|address| format!("--listen-address={address}"));
    let address: Vec<&str> = address.iter().map(String::as_str).collect();
    site.0.run(&[&["serve", "--health"][..], &address, more].concat()).code
}

#[test]
fn the_health_of_a_service_is_asked_of_itself() {
    let site = Site::new();
    let mut service = site.serve(&[]);
    assert_eq!(health(&service, &site, &[]), 0);
    service.signal("-TERM");
    service.ended();
    assert_eq!(health(&service, &site, &[]), 2);

    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-nodes",
            "-newkey",
            "rsa:2048",
            "-subj",
            "/CN=placet",
            "-keyout",
            "tls.key",
            "-out",
            "tls.pem",
        ])
        .current_dir(site.0.path(""))
        .output()
        .unwrap();
    assert!(made.status.success());
    let tls = ["--listen-tls-certificate", "tls.pem", "--listen-tls-key", "tls.key"];
    let service = site.serve(&tls);
    assert_eq!((health(&service, &site, &tls), health(&service, &site, &[])), (0, 2));
    drop(service);

    let socket = ["--listen-unix", "placet.sock"];
    let service = site.serve(&socket);
    assert_eq!(health(&service, &site, &socket), 0);
    drop(service);
    assert_eq!(site.0.run(&[&["serve", "--health"][..], &socket].concat()).code, 2);

    // Something else that answers.
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("--listen-address={}", other.local_addr().unwrap());
    std::thread::spawn(move || {
        std::io::Write::write_all(&mut other.accept().unwrap().0, b"HTTP/1.1 404 Not Found\r\n\r\n")
    });
    let run = site.0.run(&["serve", "--health", &address]);
    assert!(run.code == 2 && run.err.contains("the answer is not 200"), "{}", run.err);
}

#[test]
fn the_image_runs_what_there_is_as_a_user_that_owns_nothing() {
    let toolchain = include_str!("../../../../rust-toolchain.toml");
    let version = toolchain.lines().find_map(|line| line.strip_prefix("channel = ")).unwrap().trim_matches('"');
    assert!(DOCKERFILE.contains(&format!("\nFROM rust:{version}-slim-bookworm AS build\n")), "{version}");
    assert!(DOCKERFILE.contains("\nFROM scratch\n"));
    assert_eq!(instruction("USER"), format!("{USER}:{USER}"));

    let words = |text: &str| serde_json::from_str::<Vec<String>>(text).unwrap();
    let entry = words(&instruction("ENTRYPOINT"));
    let check = words(instruction("HEALTHCHECK").split_once("CMD ").unwrap().1);
    assert_eq!((entry.len(), check.split_first().unwrap().0), (1, &entry[0]));
    let environment = instruction("ENV");
    let environment: BTreeMap<_, _> =
        environment.split_whitespace().map(|pair| pair.split_once('=').unwrap()).collect();
    let port = environment["PLACET_LISTEN_ADDRESS"].rsplit(':').next().unwrap();
    assert_eq!(instruction("EXPOSE"), port);
    assert_eq!(words(&instruction("VOLUME")), [environment["PLACET_STATE"]]);

    // Its variables and its commands, at other places.
    let site = Site::new();
    let shown = site.0.done(&["serve", "--print-config"]);
    for name in environment.keys().copied().chain(variables().keys().map(String::as_str)) {
        assert!(shown.contains(&format!(", {name}\n")), "{name}");
    }
    let at = |name: &str| match name {
        "PLACET_LISTEN_ADDRESS" => "127.0.0.1:0".to_owned(),
        "PLACET_POLICY" => site.0.path("policy.wasm").display().to_string(),
        "PLACET_LICENSE" => site.0.path("license.json").display().to_string(),
        "PLACET_STATE" => site.0.path("state").display().to_string(),
        _ => panic!("{name}"),
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_placet"));
    command.args(words(&instruction("CMD"))).args(["--root", "TEST-root.pub"]);
    command.envs(environment.keys().map(|name| (name, at(name))));
    let service = Service::start(&site, &mut command);
    let mut command = Command::new(env!("CARGO_BIN_EXE_placet"));
    command.args(&check[1..]).envs(environment.keys().map(|name| (name, at(name))));
    command.env("PLACET_LISTEN_ADDRESS", service.address.trim_start_matches("http://"));
    assert!(command.status().unwrap().success());
}

#[test]
fn the_unit_is_one_that_systemd_knows_and_leaves_little_to_what_it_runs() {
    let unit = include_str!("../../../sidecar/placet.service");
    let (site, command) = (Site::new(), "/usr/local/bin/placet");
    assert!(unit.contains(&format!("ExecStart={command} serve --config ")));
    site.0.write("placet.service", unit.replace(command, env!("CARGO_BIN_EXE_placet")));
    // How much is left, from 0 to 10, which the last argument has ten times of: `systemd-analyze security` tells of what.
    for arguments in [&["verify"][..], &["security", "--no-pager", "--offline=true", "--threshold=15"]] {
        let run = Command::new("systemd-analyze").args(arguments).arg(site.0.path("placet.service")).output();
        let run =
            run.unwrap_or_else(|error| panic!("install `systemd-analyze` (Debian: apt install systemd): {error}"));
        let said = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success() && said.is_empty(), "{said}{}", String::from_utf8_lossy(&run.stdout));
    }
}

#[test]
fn the_pod_runs_without_rights_on_a_root_that_cannot_be_written() {
    let (pod, container) = pod();
    let variables = variables();
    for (name, value) in [("runAsNonRoot", json!(true)), ("runAsUser", json!(USER)), ("fsGroup", json!(USER))] {
        assert_eq!(pod["securityContext"][name], value, "{name}");
    }
    let confined =
        json!({"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}});
    assert_eq!(container["securityContext"], confined);
    let port = variables["PLACET_LISTEN_ADDRESS"].rsplit(':').next().unwrap();
    assert_eq!(container["ports"][0], json!({"name": "placet", "containerPort": port.parse::<u16>().unwrap()}));
    let mounts: Vec<_> = container["volumeMounts"].as_array().unwrap().iter().collect();
    for name in ["PLACET_POLICY", "PLACET_LICENSE", "PLACET_STATE", "PLACET_CREDENTIALS_FILE"] {
        let is_below = |mount: &&&Value| variables[name].starts_with(mount["mountPath"].as_str().unwrap());
        assert!(
            mounts.iter().any(|mount| is_below(&mount) && (mount["readOnly"] == true || name == "PLACET_STATE")),
            "{name}"
        );
    }
    // Longer than the service waits for what is under way.
    assert!(pod["terminationGracePeriodSeconds"].as_u64().unwrap() > 20);

    // A root with the libraries, the binary and the mounts, as the pod has them: the volume belongs to root and the group.
    let site = Site::new();
    site.0.write(
        "credentials.yaml",
        site.0.done(&["token", "new", "--role", "caller", "--name", "router", "--out", "router.token"]),
    );
    for (from, to) in [
        ("policy.wasm", "mounts/etc/placet/policy/policy.wasm"),
        ("license.json", "mounts/etc/placet/license/license.json"),
        ("credentials.yaml", "mounts/etc/placet/credentials/credentials.yaml"),
        ("TEST-root.pub", "mounts/etc/placet/root.pem"),
    ] {
        let to = site.0.path(to);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(site.0.path(from), &to).unwrap();
        chown(&to, Some(0), Some(USER)).unwrap();
        std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o440)).unwrap();
    }
    let volume = site.0.path("mounts/var/lib/placet");
    std::fs::create_dir_all(&volume).unwrap();
    chown(&volume, Some(0), Some(USER)).unwrap();
    std::fs::set_permissions(&volume, std::fs::Permissions::from_mode(0o2775)).unwrap();
    site.0.write("pod.sh", POD);
    let start = || {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "pod.sh", env!("CARGO_BIN_EXE_placet"), &USER.to_string()]);
        command.envs(&variables);
        Service::start(&site, &mut command)
    };
    let mut service = start();
    service.token = site.0.read("router.token").trim().to_owned();
    for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
        let asked = &container[probe]["httpGet"];
        assert_eq!(asked["port"], "placet", "{probe}");
        assert_eq!(service.get(asked["path"].as_str().unwrap()).status, 200, "{probe}");
    }
    let check = service.post("/v1/check", &json!({"feature": "sso"}));
    assert_eq!((check.status, check.json()["allowed"].clone()), (200, true.into()), "{check:?}");
    assert_eq!(service.post("/v1/license/rollback", &json!({})).status, 403);
    service.signal("-TERM");
    assert_eq!(service.ended(), 0, "{}", service.log);
    // The folder is its own, and so is what was compiled: the next start finds it.
    let state = volume.join("state");
    let mode = std::fs::metadata(&state).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let code = || {
        std::fs::read_dir(state.join("code"))
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().modified().unwrap())
            .collect::<Vec<_>>()
    };
    let before = code();
    assert!(!before.is_empty());
    drop(start());
    assert_eq!(code(), before);
}

/// Makes the root in a namespace of its own, and runs the service in it.
const POD: &str = r#"
set -e
root=$PWD/root
mkdir -p "$root"
mount -t tmpfs none "$root"
for name in /lib /lib64 /usr/lib; do
    [ -d "$name" ] || continue
    mkdir -p "$root$name"
    mount --rbind -o ro "$name" "$root$name"
done
mkdir -p "$root/usr/local/bin" "$root/etc/placet" "$root/var/lib/placet"
touch "$root/usr/local/bin/placet"
mount --bind "$1" "$root/usr/local/bin/placet"
mount --bind mounts/etc/placet "$root/etc/placet"
mount --bind mounts/var/lib/placet "$root/var/lib/placet"
mount -o remount,ro "$root"
exec setpriv --no-new-privs \
    chroot --userspec="$2:$2" "$root" /usr/local/bin/placet serve --root /etc/placet/root.pem --listen-address=127.0.0.1:0
"#;
