//! How answers and failures are shown: text for people, JSON for programs.

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::problem::Problem;

/// The form of what is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON value.
    Json,
    /// A picture; of `placet simulate` alone.
    Svg,
}

/// What the exit code says when nothing failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// 0: yes, or done.
    Yes,
    /// 1: denied, or not usable.
    No,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Yes => Self::SUCCESS,
            Outcome::No => Self::from(1),
        }
    }
}

/// What a command found out, in both forms.
#[derive(Debug)]
pub(crate) struct Answer {
    text: String,
    json: Shown,
    svg: Option<String>,
    outcome: Outcome,
    warnings: Vec<Note>,
}

/// What somebody should know, and the member by which programs do.
#[derive(Debug)]
struct Note {
    text: String,
    member: Option<(&'static str, Value)>,
}

#[derive(Debug)]
enum Shown {
    Value(Value),
    /// The output is the product itself (a license, a script): the same bytes in every format.
    AsText,
}

impl Answer {
    /// Done, or yes.
    pub(crate) fn yes(text: impl Into<String>, json: Value) -> Self {
        Self { text: text.into(), json: Shown::Value(json), svg: None, outcome: Outcome::Yes, warnings: Vec::new() }
    }

    /// Yes or no.
    pub(crate) fn verdict(yes: bool, text: impl Into<String>, json: Value) -> Self {
        Self { outcome: if yes { Outcome::Yes } else { Outcome::No }, ..Self::yes(text, json) }
    }

    /// A document, which is printed as it is.
    pub(crate) fn document(text: impl Into<String>) -> Self {
        Self { text: text.into(), json: Shown::AsText, svg: None, outcome: Outcome::Yes, warnings: Vec::new() }
    }

    /// With more below it, and as a member of its JSON; a document stays as it is.
    pub(crate) fn beside(mut self, text: &str, name: &str, json: Value) -> Self {
        if let Shown::Value(Value::Object(members)) = &mut self.json {
            members.insert(name.to_owned(), json);
            self.text.truncate(self.text.trim_end().len());
            self.text.push('\n');
            self.text.push_str(text);
        }
        self
    }

    /// With a picture of it.
    pub(crate) fn drawn(self, svg: String) -> Self {
        Self { svg: Some(svg), ..self }
    }

    /// Done, and yet somebody should know this.
    pub(crate) fn warn(mut self, warning: impl Into<String>) -> Self {
        self.warnings.push(Note { text: warning.into(), member: None });
        self
    }

    /// The same, with a member for programs: of its JSON, where that is an object, and of the warning's.
    pub(crate) fn note(mut self, warning: impl Into<String>, name: &'static str, json: Value) -> Self {
        if let Shown::Value(Value::Object(members)) = &mut self.json {
            members.insert(name.to_owned(), json.clone());
        }
        self.warnings.push(Note { text: warning.into(), member: Some((name, json)) });
        self
    }

    /// Prints it on standard output, and its warnings on standard error.
    pub(crate) fn print(self, format: Format) -> anyhow::Result<Outcome> {
        for warning in &self.warnings {
            let text = match format {
                Format::Json => {
                    let members = [("warning", json!(warning.text))].into_iter().chain(warning.member.clone());
                    Value::Object(members.map(|(name, json)| (name.to_owned(), json)).collect()).to_string()
                }
                Format::Text | Format::Svg => format!("warning: {}", printable(&warning.text)),
            };
            // As with failures: where standard error is gone, nobody is left to be warned.
            let _ = writeln!(std::io::stderr().lock(), "{text}");
        }
        let mut text = match (format, self.json) {
            (Format::Json, Shown::Value(json)) => serde_json::to_string_pretty(&json)?,
            (Format::Svg, _) => self.svg.unwrap_or(self.text),
            _ => self.text,
        };
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        let written = std::io::stdout().lock().write_all(text.as_bytes());
        match written {
            // `placet … | head` is no failure of ours.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(self.outcome),
            other => Ok(other.map(|()| self.outcome).map_err(unprinted)?),
        }
    }
}

/// What failed for which no reason was foreseen.
const UNFORESEEN_REASON: &str = "command-failed";

/// Prints what is wrong with the arguments, in the form that they ask for. Help and version, which were asked for, go to
/// standard output.
pub(crate) fn misused(error: &clap::Error, arguments: &[OsString], command: &str) -> ExitCode {
    if !error.use_stderr() || error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        // Where the terminal is gone there is nobody left to tell.
        let _ = error.print();
        return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
    }
    let json = arguments.iter().any(|argument| argument == "--format=json")
        || arguments.windows(2).any(|pair| matches!(pair, [flag, value] if flag == "--format" && value == "json"));
    let help = format!("`{command} --help` explains it, with examples");
    told(&printable_lines(&misuse(error)), &Problem::usage("", help), if json { Format::Json } else { Format::Text })
}

/// What is wrong with arguments.
pub(crate) fn misuse(error: &clap::Error) -> String {
    let rendered = error.render().to_string();
    let message = rendered.trim_start_matches("error: ").split("\n\nFor more information").next().unwrap_or_default();
    message.trim_end().to_owned()
}

/// Prints a failure on standard error: 3 where an artifact or document was refused, else 2.
pub(crate) fn fail(error: &anyhow::Error, format: Format) -> ExitCode {
    let message = printable(&format!("{error:#}"));
    match error.downcast_ref::<Problem>() {
        Some(problem) => told(&message, problem, format),
        None => told(&message, &Problem::of(UNFORESEEN_REASON, ""), format),
    }
}

/// The message may have several lines, if they are ours.
fn told(message: &str, problem: &Problem, format: Format) -> ExitCode {
    let (reason, help) = (printable(problem.reason()), printable(problem.help()));
    let text = match format {
        Format::Json => json!({ "error": message, "reason": reason, "help": help }).to_string(),
        Format::Text | Format::Svg => format!("error: {message}\nreason: {reason}\nhelp: {help}"),
    };
    // Where standard error is gone there is nobody left to tell; the exit code remains.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
    ExitCode::from(if problem.is_refusal() { 3 } else { 2 })
}

/// Standard output was closed, or has no room.
pub(crate) fn unprinted(error: std::io::Error) -> Problem {
    Problem::of("output-unwritable", "standard output cannot be written").because(error)
}

/// Tells on standard error how far a long run has come.
pub(crate) fn progress(text: &str) {
    // As with warnings: where standard error is gone, nobody waits for it.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Lines of a name and a value, the values in one column.
pub(crate) fn table<N: AsRef<str>, V: AsRef<str>>(rows: &[(N, V)]) -> String {
    let rows: Vec<_> = rows.iter().map(|(name, value)| (printable(name.as_ref()), printable(value.as_ref()))).collect();
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    rows.iter().map(|(name, value)| format!("{name:width$}  {value}\n")).collect()
}

/// One line of output, whatever stands in it.
pub(crate) fn line(text: impl AsRef<str>) -> String {
    format!("{}\n", printable(text.as_ref()))
}

/// Text from a file, fit for a line on a terminal: control characters, line breaks among them, and those that turn the reading direction
/// are spelled out, so that a file cannot move the cursor, hide a line or imitate our output.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if is_risky(c) { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

/// The same, of text whose line breaks are our own.
pub(crate) fn printable_lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

fn is_risky(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_move_the_cursor_is_spelled_out() {
        assert_eq!(printable("a\u{1b}[2J\rb\u{202e}c"), "a\\u{1b}[2J\\u{d}b\\u{202e}c");
        assert_eq!(printable("Müller & Søn"), "Müller & Søn");
    }

    #[test]
    fn no_value_begins_a_line_of_its_own() {
        let forged = "k1\nsignature  VALID\u{2028}signature  VALID\u{85}";
        let escaped = "k1\\u{a}signature  VALID\\u{2028}signature  VALID\\u{85}";
        assert_eq!(table(&[("key id", forged), ("a\nb", "")]), format!("key id   {escaped}\na\\u{{a}}b  \n"));
        assert_eq!(line(forged), format!("{escaped}\n"));
        assert_eq!(printable_lines("{\n  \u{202e}\n}"), "{\n  \\u{202e}\n}");
    }
}
