//! Golden transcripts: sessions of commands, with what they print and their exit codes, through the built binary.
//!
//! A transcript is a text file in `transcripts/`. Lines that begin with `$` are run by `sh`, one after the other, in a directory of
//! the transcript's own; below each stand its standard output (`|`), its standard error (`!`) and its exit code, if it is not 0. Lines
//! that begin with `#` say why. What varies (times, keys, hashes, paths) is masked. `BLESS=1 cargo test -p placet-cli` writes the
//! files anew; read the difference before it is committed.
#![cfg(unix)]
#![expect(clippy::panic, clippy::unwrap_used, reason = "what helps a test fails like one")]

#[path = "transcripts/mask.rs"]
mod mask;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use tempfile::TempDir;

macro_rules! transcripts {
    ($($name:ident),+ $(,)?) => {
        const NAMES: &[&str] = &[$(stringify!($name)),+];
        $(#[test] fn $name() { replay(stringify!($name)) })+
    };
}

transcripts!(
    vendor,
    policies,
    operator,
    counting,
    reserving,
    seats,
    environment,
    mistakes,
    refusals,
    json,
    doctor,
    signatures,
    documents,
    templates,
    rates,
    recordings,
    simulation,
    audit,
    foreign,
    report,
    sealing
);

#[test]
fn every_transcript_is_replayed() {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = files.filter(|path| path.extension().is_some_and(|extension| extension == "txt")).collect();
    let mut named: Vec<_> = NAMES.iter().map(|name| folder().join(format!("{name}.txt"))).collect();
    found.sort();
    named.sort();
    assert_eq!(found, named);
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts")
}

fn replay(name: &str) {
    let path = folder().join(format!("{name}.txt"));
    let expected = std::fs::read_to_string(&path).unwrap();
    let directory = prepared();
    let mut found = String::new();
    let told = |line: &&str| line.starts_with('#') || line.starts_with('$');
    for line in expected.lines().filter(told) {
        let before =
            if found.is_empty() || found.ends_with("#\n") || last_line(&found).starts_with('#') { "" } else { "\n" };
        writeln!(found, "{before}{line}").unwrap();
        let Some(command) = line.strip_prefix("$ ") else { continue };
        let output = run(directory.path(), command);
        let (out, err) = (text(&output.stdout, command), text(&output.stderr, command));
        let code = output.status.code().unwrap();
        proper(command, &err, code);
        for (sign, text) in [('|', out), ('!', err)] {
            for line in mask::masked(&text, directory.path()).lines() {
                writeln!(found, "{}", format!("{sign} {line}").trim_end()).unwrap();
            }
        }
        if code != 0 {
            writeln!(found, "= {code}").unwrap();
        }
    }
    if std::env::var_os("BLESS").is_some() {
        return std::fs::write(&path, found).unwrap();
    }
    let difference = (1..).zip(expected.lines().zip(found.lines())).find(|(_, (expected, found))| expected != found);
    if let Some((line, (expected, found))) = difference {
        panic!("{}, line {line}\nexpected: {expected}\n   found: {found}", path.display());
    }
    assert_eq!(expected, found, "{}", path.display());
}

/// A directory with what every transcript begins with: of one vendor for all of them.
fn prepared() -> TempDir {
    static PRELUDE: LazyLock<PathBuf> = LazyLock::new(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("transcripts");
        drop(std::fs::remove_dir_all(&directory));
        std::fs::create_dir_all(&directory).unwrap();
        let prelude = run(&directory, &std::fs::read_to_string(folder().join("prelude.sh")).unwrap());
        assert!(prelude.status.success(), "the prelude failed: {}", String::from_utf8_lossy(&prelude.stderr));
        directory
    });
    let directory = tempfile::tempdir().unwrap();
    let copied = Command::new("cp").arg("-a").arg(PRELUDE.join(".")).arg(directory.path()).status().unwrap();
    assert!(copied.success());
    directory
}

fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or_default()
}

/// Runs a line as a person types it, with nothing of our own environment that the command listens to.
fn run(directory: &Path, command: &str) -> Output {
    let binary = Path::new(env!("CARGO_BIN_EXE_placet")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(directory).env("PATH", path).env("RUST_BACKTRACE", "1").env("TZ", "UTC");
    // Where a transcript finds what other systems issued.
    shell.env("FOREIGN", folder().join("foreign"));
    for name in [
        "PLACET_STATE",
        "PLACET_LICENSE",
        "PLACET_LICENSE_TOKEN",
        "PLACET_POLICY",
        "PLACET_STORAGE_SECRET",
        "PLACET_STORAGE_SECRET_FILE",
    ] {
        shell.env_remove(name);
    }
    shell.stdin(std::process::Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8], command: &str) -> String {
    String::from_utf8(bytes.to_vec()).unwrap_or_else(|_| panic!("`{command}` prints what is not UTF-8"))
}

/// A failure says what is wrong and what to do, in words that are meant for a person.
fn proper(command: &str, err: &str, code: i32) {
    for word in
        ["panicked", "backtrace", "Some(", "Err(", "Error {", "Error(", "=[", "struct ", ".rs:", "PRIVATE KEY-----"]
    {
        assert!(!err.contains(word), "`{command}` shows its inside: {err}");
    }
    let refuses = matches!(code, 2 | 3) && command.contains("placet ");
    let (text, json) = (
        err.contains("error: ") && err.contains("\nreason: ") && err.contains("\nhelp: "),
        err.contains("\"error\":") && err.contains("\"reason\":\"") && err.contains("\"help\":\""),
    );
    // A command without its subcommand shows what there is.
    let text = text || err.contains("\nCommands:\n");
    assert!(!refuses || text || json, "`{command}` fails without a reason or a next step: {err}");
}
