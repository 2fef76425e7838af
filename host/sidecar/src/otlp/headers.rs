//! The headers that a collector wants, one a line of a file: `authorization: Bearer …`. They may hold a secret.

use std::path::Path;

use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::OtlpError;
use crate::files;

/// Those that a request has of its own.
const OURS: [HeaderName; 5] =
    [header::CONNECTION, header::CONTENT_LENGTH, header::CONTENT_TYPE, header::HOST, header::TRANSFER_ENCODING];

/// Reads them; none where there is no file.
///
/// # Errors
///
/// [`OtlpError::File`], [`OtlpError::Header`].
pub(super) fn read(path: Option<&Path>) -> Result<HeaderMap, OtlpError> {
    let Some(path) = path else { return Ok(HeaderMap::new()) };
    let text = files::read_text(path).map_err(|source| OtlpError::File { path: path.to_owned(), source })?;
    parse(&text).map_err(|line| OtlpError::Header { path: path.to_owned(), line })
}

/// Or else the number of the first line that is wrong.
fn parse(text: &str) -> Result<HeaderMap, usize> {
    let mut headers = HeaderMap::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let (name, value) = header(line).ok_or(index + 1)?;
        headers.append(name, value);
    }
    Ok(headers)
}

fn header(line: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = line.split_once(':')?;
    let name = HeaderName::from_bytes(name.trim().as_bytes()).ok().filter(|name| !OURS.contains(name))?;
    let mut value = HeaderValue::from_str(value.trim()).ok()?;
    value.set_sensitive(true);
    Some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_stands_in_each_line_and_is_not_shown() {
        let headers = parse("Authorization: Bearer TEST-secret:1\n\nx-scope:  acme \r\n").unwrap();
        assert_eq!(headers["authorization"], "Bearer TEST-secret:1");
        assert_eq!(headers["x-scope"], "acme");
        assert!(!format!("{headers:?}").contains("TEST"), "{headers:?}");
    }

    #[test]
    fn what_is_no_header_or_one_of_the_request_itself_is_named_by_its_line() {
        for text in ["x", "a b: c", ": c", "a: b\u{7f}", "Host: x", "content-length: 0", "Content-Type: x"] {
            assert_eq!(parse(&format!("a: b\n\n{text}")), Err(3), "{text}");
        }
    }
}
