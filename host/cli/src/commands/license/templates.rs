//! `placet license templates`.

use serde_json::json;

use crate::issue::templates::{TEMPLATES, Template};
use crate::output::{Answer, table};

/// List the templates of licenses: what each is for, and what it needs
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  placet license templates
  placet license new --template annual --customer 'Globex GmbH' --product acme/router \\
      --feature sso --key licensing.key")]
pub(crate) struct Arguments {}

pub(crate) fn run(_: &Arguments) -> Answer {
    let rows = TEMPLATES.iter().flat_map(|template| {
        [(template.name, template.about.to_owned()), ("", format!("needs {}", template.flags().join("; ")))]
    });
    let json =
        |template: &Template| json!({ "name": template.name, "about": template.about, "needs": template.flags() });
    Answer::yes(table(&rows.collect::<Vec<_>>()), TEMPLATES.iter().map(json).collect())
}
