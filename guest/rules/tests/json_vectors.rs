//! The JSONTestSuite: texts named by whether a parser must take them.

mod vectors;

use placet_rules::json;

#[test]
fn texts_are_taken_or_refused_as_their_names_say() {
    let Some(folder) = vectors::folder("json/test_parsing") else { return };
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let parsed = json::parse(&std::fs::read(&path).unwrap());
        if name.starts_with("y_object_duplicated_key") {
            assert_eq!(parsed.unwrap_err().reason(), "json-duplicate-key", "{name}");
        } else if name.starts_with("y_") {
            assert!(parsed.is_ok(), "{name}: {parsed:?}");
        } else if name.starts_with("n_") {
            assert!(parsed.is_err(), "{name}: {parsed:?}");
        }
        count += 1;
    }
    assert!(count >= 318, "{count}");
}
