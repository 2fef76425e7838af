use super::*;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::thread;

fn take(path: &Path) -> Snapshot {
    Snapshot::take(&[Source::Path(path.to_owned())], BTreeMap::new())
}

fn only(content: Result<&str, DocumentError>) -> Result<Arc<[u8]>, DocumentError> {
    content.map(|text| text.as_bytes().into())
}

#[test]
fn a_file_a_directory_and_a_token_are_on_offer_together() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("b.json"), "b").unwrap();
    fs::write(dir.path().join("a.json"), "a").unwrap();
    fs::write(dir.path().join(".hidden"), "h").unwrap();
    fs::create_dir(dir.path().join("sub")).unwrap();
    let installed = tempfile::tempdir().unwrap();
    fs::write(installed.path().join("a.json"), "installed").unwrap();
    let sources = [
        Source::Path(dir.path().to_owned()),
        Source::Token(Token(b"t"[..].into())),
        Source::Installed(installed.path().to_owned(), Vault::default()),
        Source::Installed(installed.path().join("nothing-yet"), Vault::default()),
    ];
    let snapshot = Snapshot::take(&sources, BTreeMap::from([("gone".to_owned(), b"k"[..].into())]));
    assert_eq!(snapshot.names(), ["a.json", "b.json", "installed.a.json", "token"]);
    assert_eq!(snapshot.read("installed.a.json"), only(Ok("installed")));
    assert_eq!(snapshot.place("installed.a.json"), Some(Place::Installed("a.json")));
    assert_eq!(snapshot.place("a.json"), Some(Place::Mounted));
    assert_eq!(snapshot.kept(), ["gone"]);
    assert_eq!(snapshot.recover("gone"), only(Ok("k")));
    assert_eq!(snapshot.troubles(), []);
}

#[test]
fn of_several_places_with_one_name_none_is_passed_over() {
    let dirs: Vec<_> = (0..4).map(|_| tempfile::tempdir().unwrap()).collect();
    let mut sources = Vec::new();
    for (number, dir) in dirs.iter().enumerate() {
        fs::write(dir.path().join("a"), number.to_string()).unwrap();
        let path = dir.path().to_owned();
        sources.push(if number == 3 { Source::Installed(path, Vault::default()) } else { Source::Path(path) });
    }
    let snapshot = Snapshot::take(&sources, BTreeMap::new());
    assert_eq!(snapshot.names(), ["2.a", "3.a", "a", "installed.a"]);
    assert_eq!(snapshot.read("3.a"), only(Ok("2")));
    assert_eq!(snapshot.place("installed.a"), Some(Place::Installed("a")));
}

#[test]
fn a_file_that_is_gone_is_told_and_not_on_offer() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("license.json");
    let snapshot = take(&path);
    assert_eq!(snapshot.names(), [""; 0]);
    assert_eq!(snapshot.troubles(), [Trouble { path, reason: "not-found" }]);
}

#[test]
fn a_hidden_file_is_on_offer_where_it_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(".license.json");
    fs::write(&path, "h").unwrap();
    assert_eq!(take(dir.path()).names(), [""; 0]);
    assert_eq!(take(&path).read(".license.json"), only(Ok("h")));
}

#[test]
fn kubernetes_links_work_and_links_out_do_not() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("..2026_01_01")).unwrap();
    fs::write(dir.path().join("..2026_01_01/license.json"), "l").unwrap();
    symlink("..2026_01_01", dir.path().join("..data")).unwrap();
    symlink("..data/license.json", dir.path().join("license.json")).unwrap();
    symlink(outside.path().join("secret"), dir.path().join("absolute.json")).unwrap();
    symlink("../".repeat(20) + "etc/passwd", dir.path().join("relative.json")).unwrap();
    let snapshot = take(dir.path());
    assert_eq!(snapshot.read("license.json"), only(Ok("l")));
    assert_eq!(snapshot.read("absolute.json"), Err(DocumentError::Other("outside".into())));
    assert_eq!(snapshot.read("relative.json"), Err(DocumentError::Other("outside".into())));
    assert_eq!(take(&dir.path().join("license.json")).read("license.json"), only(Ok("l")));
    assert_eq!(
        take(&dir.path().join("absolute.json")).read("absolute.json"),
        Err(DocumentError::Other("outside".into()))
    );
}

#[test]
fn what_is_no_regular_file_is_not_read_and_does_not_block() {
    let dir = tempfile::tempdir().unwrap();
    let made = std::process::Command::new("mkfifo").arg(dir.path().join("fifo")).status().unwrap();
    assert!(made.success());
    let _socket = UnixListener::bind(dir.path().join("socket")).unwrap();
    let snapshot = take(dir.path());
    for name in ["fifo", "socket"] {
        assert_eq!(snapshot.read(name), Err(DocumentError::Other("not-a-file".into())), "{name}");
    }
    assert_eq!(take(Path::new("/dev/zero")).read("zero"), Err(DocumentError::Other("not-a-file".into())));
}

#[test]
fn the_size_has_a_limit_to_the_byte() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("fits"), vec![b'x'; MAX_DOCUMENT as usize]).unwrap();
    fs::write(dir.path().join("large"), vec![b'x'; MAX_DOCUMENT as usize + 1]).unwrap();
    let snapshot = take(dir.path());
    assert_eq!(snapshot.read("fits").map(|content| content.len() as u64), Ok(MAX_DOCUMENT));
    assert_eq!(snapshot.read("large"), Err(DocumentError::TooLarge));
}

#[test]
fn a_file_that_is_being_written_is_read_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("license.json");
    fs::write(&path, "0".repeat(300_000)).unwrap();
    let writer = thread::spawn({
        let path = path.clone();
        move || {
            for round in 1..200_u32 {
                let new = path.with_extension("new");
                fs::write(&new, char::from(b'0' + (round % 10) as u8).to_string().repeat(300_000)).unwrap();
                fs::rename(&new, &path).unwrap();
            }
        }
    });
    while !writer.is_finished() {
        if let Ok(content) = take(&path).read("license.json") {
            assert_eq!(content.len(), 300_000);
            assert!(content.iter().all(|byte| Some(byte) == content.first()));
        }
    }
    writer.join().unwrap();
}
