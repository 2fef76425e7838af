//! Variables that look like settings and are none.

use super::file::most_like;
use super::keys;

/// Those of the command that are no keys of the service.
const OTHERS: [&str; 7] = [
    "PLACET_CONFIG",
    "PLACET_ROOTS",
    "PLACET_SERVER",
    "PLACET_SERVER_CA",
    "PLACET_SERVER_TOKEN",
    "PLACET_SERVER_TOKEN_FILE",
    "PLACET_STORAGE_SECRET",
];

/// Of these variables those that begin as ours do and set nothing, with the one that is meant, where one is like it.
pub(crate) fn unknown(names: impl Iterator<Item = String>) -> Vec<(String, Option<String>)> {
    let command = keys();
    // Whoever knows a key spells the variable as the key.
    let known: Vec<_> = command
        .get_arguments()
        .filter_map(|argument| {
            let spelled = argument.get_id().as_str().replace('.', "_").to_uppercase();
            Some((argument.get_env()?.to_str()?, format!("PLACET_{spelled}")))
        })
        .collect();
    let is_unknown = |name: &String| {
        name.starts_with("PLACET_") && !OTHERS.contains(&&**name) && !known.iter().any(|(variable, _)| variable == name)
    };
    let mut unknown: Vec<_> = names.filter(is_unknown).collect();
    unknown.sort();
    let nearest = |name: &str| {
        let likeness =
            |(variable, spelled): &(&str, String)| strsim::jaro(name, variable).max(strsim::jaro(name, spelled));
        // All of them begin alike, which makes nothing likely.
        let alike = known.iter().map(|one| (1.0 - 3.0 * (1.0 - likeness(one)), one.0));
        most_like(alike).map(ToOwned::to_owned)
    };
    unknown.into_iter().map(|name| (nearest(&name), name)).map(|(nearest, name)| (name, nearest)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_sets_nothing_is_found_with_the_one_that_is_meant() {
        for (name, expected) in [
            ("PLACET_LICENSE_PATH", Some("PLACET_LICENSE")),
            ("PLACET_LICENCE", Some("PLACET_LICENSE")),
            ("PLACET_LICENSE_STATE_PATH", Some("PLACET_STATE")),
            ("PLACET_LISTEN_ADRESS", Some("PLACET_LISTEN_ADDRESS")),
            ("PLACET_PORT_7077_TCP_ADDR", None),
            ("PLACET_SERVICE_HOST", None),
        ] {
            assert_eq!(unknown([name.to_owned()].into_iter()), [(name.to_owned(), expected.map(str::to_owned))]);
        }
        let fine = ["PLACET_LICENSE", "PLACET_CONFIG", "PLACET_STORAGE_SECRET", "PATH", "PLACETX"];
        assert!(unknown(fine.into_iter().map(str::to_owned)).is_empty());
    }
}
