//! `/runbook/{alert}`: what an alert means and what to do, with the values of now.
//!
//! The words are those of alerts/RUNBOOK.md and the expressions those of alerts/limpid.rules.yml, both
//! compiled in: the page is there when nothing else is, and is of the version that runs.

mod now;
mod rules;
mod words;

use askama::Template;
use serde::Serialize;

use crate::answer::{Chrome, Resource, Section};
use crate::app::App;
use crate::show as filters;
use now::Family;
use words::{Block, Span};

const BOOK: &str = include_str!("../../../alerts/RUNBOOK.md");
const RULES: &str = include_str!("../../../alerts/limpid.rules.yml");

/// An alert.
#[derive(Serialize)]
pub(crate) struct RunbookPage {
    alert: &'static str,
    severity: &'static str,
    expression: String,
    text: &'static str,
    /// Series that the expression asks for, as they are now.
    now: Vec<Family>,
    #[serde(skip)]
    blocks: Vec<Block>,
}

impl RunbookPage {
    pub(crate) fn new(app: &App, alert: &str) -> Option<Self> {
        let (alert, text) = sections().find(|(name, _)| *name == alert)?;
        let rule = rules::alert(RULES, alert)?;
        let asked = rules::asked(RULES, &rule.expression);
        Some(Self {
            alert,
            severity: rule.severity,
            now: now::look(app.values.as_ref(), &asked),
            expression: rule.expression,
            blocks: words::blocks(text),
            text,
        })
    }
}

/// All alerts.
#[derive(Serialize)]
pub(crate) struct Runbook {
    alerts: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    alert: &'static str,
    severity: &'static str,
}

impl Runbook {
    pub(crate) fn new() -> Self {
        let entry = |(alert, _)| {
            let severity = rules::alert(RULES, alert)?.severity;
            Some(Entry { alert, severity })
        };
        Self {
            alerts: sections().filter_map(entry).collect(),
        }
    }
}

/// Names of alerts, each with what the book says of it.
fn sections() -> impl Iterator<Item = (&'static str, &'static str)> {
    let after = BOOK.split("\n## ").skip(1);
    after.filter_map(|section| section.split_once('\n'))
}

/// The alert that a link within the book means.
fn meant(anchor: &str) -> Option<&'static str> {
    let is = |name: &&str| name.eq_ignore_ascii_case(anchor);
    sections().map(|(name, _)| name).find(is)
}

#[derive(Template)]
#[template(path = "runbook.html")]
struct Page<'a> {
    chrome: Chrome,
    page: &'a RunbookPage,
}

#[derive(Template)]
#[template(path = "runbooks.html")]
struct List<'a> {
    chrome: Chrome,
    page: &'a Runbook,
}

impl Resource for RunbookPage {
    fn html(&self, mut chrome: Chrome) -> askama::Result<String> {
        chrome.title = self.alert.to_owned();
        chrome.section = Section::Runbook;
        Page { chrome, page: self }.render()
    }

    fn text(&self) -> Option<String> {
        let mut out = format!(
            "{} ({})\n{}\n",
            self.alert,
            self.severity,
            self.text.trim_end()
        );
        for family in &self.now {
            out += &format!("\n{}\n", family.lines().join("\n"));
        }
        Some(out)
    }
}

impl Resource for Runbook {
    fn html(&self, mut chrome: Chrome) -> askama::Result<String> {
        chrome.title = "Runbook".to_owned();
        chrome.section = Section::Runbook;
        List { chrome, page: self }.render()
    }

    fn text(&self) -> Option<String> {
        let line = |e: &Entry| format!("{:<6} {}\n", e.severity, e.alert);
        Some(self.alerts.iter().map(line).collect())
    }
}

#[cfg(test)]
mod tests;
