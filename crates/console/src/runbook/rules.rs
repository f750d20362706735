//! What a rule file says of an alert, read line by line: the file is our own and compiled in.

/// What begins a name of ours.
const PREFIXES: [&str; 3] = ["limpid_", "kafka_", "process_"];
/// Keys that can follow an expression.
const NEXT: [&str; 3] = ["for:", "keep_firing_for:", "labels:"];

/// A rule.
pub(super) struct Rule {
    pub(super) expression: String,
    pub(super) severity: &'static str,
}

/// A series that is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) name: String,
    /// Labels with one value that will do, as `name="value"`.
    pub(super) labels: Vec<String>,
}

/// The alert of that name.
pub(super) fn alert(rules: &'static str, name: &str) -> Option<Rule> {
    let text = rule(rules, "alert", name)?;
    let severity = text.split_once("severity: ")?.1.lines().next()?;
    Some(Rule {
        expression: expression(text)?,
        severity,
    })
}

/// What an expression asks the broker for; names that are recorded ask for what they are made of.
pub(super) fn asked(rules: &'static str, expression: &str) -> Vec<Asked> {
    let mut found: Vec<Asked> = Vec::new();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let mut rest = expression;
    while let Some(start) = rest.find(is_word) {
        let from = &rest[start..];
        let (name, after) = from.split_at(from.find(|c| !is_word(c)).unwrap_or(from.len()));
        rest = after;
        let more = if name.contains(':') {
            let recorded = rule(rules, "record", name).and_then(self::expression);
            recorded.map_or_else(Vec::new, |of| asked(rules, &of))
        } else if PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
            vec![Asked {
                name: name.to_owned(),
                labels: equal(after),
            }]
        } else {
            Vec::new()
        };
        for one in more {
            // Of the same name, the one that leaves less out shows both.
            match found.iter_mut().find(|other| other.name == one.name) {
                Some(other) => other.labels.retain(|label| one.labels.contains(label)),
                None => found.push(one),
            }
        }
    }
    found
}

/// Labels with one value, in the braces at the beginning.
fn equal(text: &str) -> Vec<String> {
    let inner = text.strip_prefix('{').and_then(|t| t.split_once('}'));
    let matchers = inner.map_or("", |(inner, _)| inner).split(',');
    let is_equal = |m: &&str| m.contains("=\"") && !m.contains('!');
    matchers.filter(is_equal).map(str::to_owned).collect()
}

/// The text of one rule, without its name.
fn rule<'a>(rules: &'a str, kind: &str, name: &str) -> Option<&'a str> {
    let (_, text) = rules.split_once(&format!("- {kind}: {name}\n"))?;
    let end = text.find("\n      - ").unwrap_or(text.len());
    Some(&text[..end])
}

/// The expression of a rule, its lines as they stand in the file.
fn expression(rule: &str) -> Option<String> {
    let (_, text) = rule.split_once("expr: ")?;
    let (first, more) = text.split_once('\n').unwrap_or((text, ""));
    if !first.starts_with('>') {
        return Some(first.trim_matches('\'').to_owned());
    }
    let ends = |line: &&str| {
        let key = line.trim_start();
        !line.starts_with("          ") || NEXT.iter().any(|next| key.starts_with(next))
    };
    let lines = more.lines().take_while(|line| !ends(line));
    Some(lines.map(|line| &line[10..]).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "groups:
  - name: g
    rules:
      - record: a:b
        expr: 'sum(limpid_x_total{api=\"P\"})'
      - alert: One
        expr: >-
          a:b > 1
          and on (x) limpid_y{z!=\"1\",w=~\"2\",v=\"3\"}
        for: 5m
        labels:
          severity: page
      - alert: Two
        expr: limpid_y{v=\"3\"} / limpid_y > kafka_z
        labels:
          severity: info
";

    #[test]
    fn an_alert_has_its_expression_and_how_grave_it_is() {
        let one = alert(FILE, "One").unwrap();
        assert_eq!(
            one.expression,
            "a:b > 1\nand on (x) limpid_y{z!=\"1\",w=~\"2\",v=\"3\"}"
        );
        assert_eq!(one.severity, "page");
        assert_eq!(alert(FILE, "Two").unwrap().severity, "info");
        assert!(alert(FILE, "Tw").is_none());
    }

    #[test]
    fn what_is_recorded_asks_for_what_it_is_made_of() {
        let of = |name| asked(FILE, &alert(FILE, name).unwrap().expression);
        let asked = |name: &str, labels: &[&str]| Asked {
            name: name.to_owned(),
            labels: labels.iter().map(|l| (*l).to_owned()).collect(),
        };
        let expected = [
            asked("limpid_x_total", &["api=\"P\""]),
            asked("limpid_y", &["v=\"3\""]),
        ];
        assert_eq!(of("One"), expected);
        assert_eq!(of("Two"), [asked("limpid_y", &[]), asked("kafka_z", &[])]);
    }
}
