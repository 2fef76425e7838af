//! Hides what is another every time: times, days, random ids, keys, hashes, the directory.

use std::path::Path;

/// A run of characters that is longer than any word we print is a key, a hash or a token.
const LONGEST_WORD: usize = 40;

/// A time that our own texts give as an example.
const EXAMPLE: &str = "2027-01-01T12:00:00Z";

/// The text, fit to be compared.
pub(crate) fn masked(text: &str, directory: &Path) -> String {
    let text = text.replace(&directory.display().to_string(), "<directory>");
    let mut pem = false;
    let mut lines = String::new();
    for line in text.lines() {
        let inside = pem && !line.starts_with("-----");
        pem = line.starts_with("-----BEGIN") || inside;
        lines.push_str(&if inside { "<base64>".to_owned() } else { self::line(line) });
        lines.push('\n');
    }
    lines
}

/// One line, word by word.
fn line(line: &str) -> String {
    // PEM inside of JSON.
    if let Some((before, pem)) = line.split_once("-----BEGIN")
        && let Some((_, end)) = pem.split_once("-----END")
    {
        return format!("{before}<pem>{}", end.split_once("-----").map_or("", |(_, after)| after));
    }
    let mut shown = String::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| of_word(c) != of_word(first)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        let hidden = if of_word(first) { word(run, after, &shown) } else { None };
        shown.push_str(hidden.unwrap_or(run));
        rest = after;
    }
    shown
}

fn of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ':' | '.')
}

/// What stands for a word that varies.
fn word(word: &str, after: &str, before: &str) -> Option<&'static str> {
    let number = word.bytes().all(|byte| byte.is_ascii_digit());
    let hex = word.bytes().all(|byte| byte.is_ascii_hexdigit());
    // 2027-01-01T12:00:00Z
    let at = |place: usize, letter| word.as_bytes().get(place) == Some(&letter);
    let time = word.len() >= 19 && at(4, b'-') && at(7, b'-') && at(10, b'T') && at(13, b':');
    let month = word.len() >= 7 && at(4, b'-');
    match word.len() {
        7 if month && before.ends_with(" in ") => Some("<period>"),
        10 if month && at(7, b'-') && before.ends_with(", resets ") => Some("<date>"),
        _ if time && word != EXAMPLE => Some("<time>"),
        13 if number => Some("<milliseconds>"),
        10 if number => Some("<seconds>"),
        _ if number && (after.starts_with(" days") || before.ends_with("\"days_until_expiry\": ")) => Some("<n>"),
        16 if hex => Some("<install key>"),
        32 if hex => Some("<reservation>"),
        24 if hex => Some("<policy key>"),
        LONGEST_WORD.. => Some("<base64>"),
        _ => None,
    }
}
