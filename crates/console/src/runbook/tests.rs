//! The book and the rules, as they are compiled in.

use std::collections::BTreeSet;

use super::*;

#[test]
fn every_alert_has_a_section_and_every_section_an_alert() {
    let alerts = RULES
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "));
    let alerts: BTreeSet<&str> = alerts.collect();
    let titled: BTreeSet<&str> = sections().map(|(name, _)| name).collect();
    assert_eq!(alerts, titled);
    assert!(alerts.len() > 40, "only {}", alerts.len());
    assert_eq!(Runbook::new().alerts.len(), alerts.len());
}

#[test]
fn every_section_is_words_that_are_understood() {
    for (name, text) in sections() {
        let blocks = words::blocks(text);
        assert!(!blocks.is_empty(), "{name} says nothing");
        let lines = blocks.iter().flat_map(|block| match block {
            Block::Paragraph(spans) => std::slice::from_ref(spans),
            Block::Bullets(items) | Block::Steps(items) => items.as_slice(),
        });
        for span in lines.flatten() {
            match span {
                Span::Text(text) => {
                    assert!(!text.contains(['`', '*', '#', '[']), "{name}: {text:?}");
                }
                Span::Code(code) => assert!(!code.is_empty(), "{name}"),
                Span::Link(_, anchor) => assert!(meant(anchor).is_some(), "{name}: #{anchor}"),
            }
        }
    }
}

#[test]
fn every_alert_has_an_expression_that_asks_for_something() {
    for (name, _) in sections() {
        let rule = rules::alert(RULES, name).expect("a rule");
        assert!(
            ["page", "ticket", "info", "none"].contains(&rule.severity),
            "{name}"
        );
        assert!(!rule.expression.is_empty(), "{name}");
        let asked = rules::asked(RULES, &rule.expression);
        let of_others = ["LimpidBrokerDown", "LimpidWatchdog"].contains(&name);
        assert_eq!(asked.is_empty(), of_others, "{name}: {asked:?}");
    }
}
