//! The table of reasons is closed: a row for each reason that the sources can give, and no row without one.

use std::collections::{BTreeMap, BTreeSet};

use placet_tests::rig::root;
use placet_tests::source::sources;
use syn::visit::{self, Visit};
use syn::{Expr, Lit, Pat};

const CRATES: [&str; 6] = ["guest/rules", "guest/policy", "host/artifact", "host/engine", "host/cli", "host/sidecar"];

/// Functions, other than those named for it, whose first argument is a reason.
const TAKE_A_REASON: [&str; 8] = [
    "warning",
    "unfit",
    "Failure::new",
    "Refusal::at",
    "Refusal::new",
    "DocumentError::Other",
    "Problem::no_decision",
    "Problem::of",
];

/// Methods whose last argument is a reason: of an event, and of the command's refusals.
const SAY_A_REASON: [&str; 2] = ["refused", "tell"];

#[test]
fn every_reason_has_its_row_and_every_row_its_reason() {
    let given = given();
    assert!(given.len() > 100, "only {} reasons found: the search is broken", given.len());
    let rows = rows();
    let missing: Vec<_> = given.iter().filter(|(reason, _)| !rows.contains(*reason)).collect();
    let idle: Vec<_> = rows.iter().filter(|reason| !given.contains_key(*reason)).collect();
    assert!(
        missing.is_empty() && idle.is_empty(),
        "no row in docs/reasons.md: {missing:#?}\na row that nothing gives: {idle:#?}"
    );
}

#[test]
fn no_reason_has_two_rows_or_a_row_that_is_not_whole() {
    let text = table();
    let mut seen = BTreeSet::new();
    for line in text.lines() {
        let Some(reason) = reason_of(line) else { continue };
        assert!(seen.insert(reason), "`{reason}` has two rows");
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        assert!(cells.len() == 4 && cells.iter().all(|cell| !cell.is_empty()), "not four cells: {line}");
    }
}

/// Every reason in the sources, with a file that gives it.
fn given() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for dir in CRATES {
        for file in sources(&root().join(dir)) {
            let mut reasons = Reasons { is_list: file.path == "reason.rs", ..Reasons::default() };
            reasons.visit_file(&file.syntax);
            for reason in reasons.found {
                found.insert(reason, format!("{dir}/src/{}", file.path));
            }
        }
    }
    found
}

fn table() -> String {
    std::fs::read_to_string(root().join("docs/reasons.md")).expect("docs/reasons.md")
}

fn rows() -> BTreeSet<String> {
    table().lines().filter_map(reason_of).map(str::to_owned).collect()
}

/// `| `reason` | when | whose fault | what to do |`
fn reason_of(line: &str) -> Option<&str> {
    line.strip_prefix("| `")?.split_once('`').map(|(reason, _)| reason)
}

/// Collects the texts that stand where a reason is given.
#[derive(Default)]
struct Reasons {
    found: BTreeSet<String>,
    /// In `reason.rs` every constant is a reason.
    is_list: bool,
    /// Where all texts are reasons.
    inside: usize,
}

impl Reasons {
    fn within(&mut self, is_reason: bool, go_on: impl FnOnce(&mut Self)) {
        self.inside += usize::from(is_reason);
        go_on(self);
        self.inside -= usize::from(is_reason);
    }
}

impl<'ast> Visit<'ast> for Reasons {
    fn visit_lit(&mut self, literal: &'ast Lit) {
        let Lit::Str(text) = literal else { return };
        let text = text.value();
        let is_kebab = !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if self.inside > 0 && is_kebab {
            self.found.insert(text);
        }
    }

    fn visit_item_const(&mut self, constant: &'ast syn::ItemConst) {
        let is_reason = self.is_list || constant.ident.to_string().ends_with("_REASON");
        self.within(is_reason, |this| visit::visit_item_const(this, constant));
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.within(gives_reasons(&function.sig.ident), |this| visit::visit_item_fn(this, function));
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.within(gives_reasons(&function.sig.ident), |this| visit::visit_impl_item_fn(this, function));
    }

    fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
        let is_reason = matches!(&field.member, syn::Member::Named(name) if name == "reason");
        self.within(is_reason, |this| visit::visit_field_value(this, field));
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        let takes_one = matches!(&*call.func, Expr::Path(path) if {
            let path = path.path.segments.iter().map(|segment| segment.ident.to_string()).collect::<Vec<_>>().join("::");
            TAKE_A_REASON.contains(&path.as_str())
        });
        for (index, argument) in call.args.iter().enumerate() {
            self.within(takes_one && index == 0, |this| this.visit_expr(argument));
        }
        self.visit_expr(&call.func);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let takes_one = SAY_A_REASON.contains(&call.method.to_string().as_str());
        for (index, argument) in call.args.iter().enumerate() {
            self.within(takes_one && index + 1 == call.args.len(), |this| this.visit_expr(argument));
        }
        self.visit_expr(&call.receiver);
    }

    // What is matched against is an answer of something else.
    fn visit_pat(&mut self, _: &'ast Pat) {}
}

fn gives_reasons(function: &syn::Ident) -> bool {
    let name = function.to_string();
    name == "reason" || name == "reason_of" || name.ends_with("_reason")
}
