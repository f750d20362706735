//! Expressions as dashboards write them: with variables in places where PromQL has none.

use std::collections::BTreeSet;

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::token::T_LOR;
use promql_parser::parser::{self, Expr, VectorSelector};

/// What an expression asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// A series, by name and the labels that it must have.
    Series {
        /// Its name.
        name: String,
        /// Labels with a value that is not empty, and that value.
        labels: BTreeSet<(String, String)>,
    },
    /// Everything must be there.
    All(Vec<Asked>),
    /// One side is enough.
    Either(Box<Asked>, Box<Asked>),
}

/// What an expression asks for.
///
/// # Errors
/// It can't be read, by whatever a variable stands for.
pub fn asked(expression: &str) -> Result<Asked, String> {
    let plain = without_variables(expression)?;
    let parsed = parser::parse(&plain).map_err(|error| error.to_string())?;
    Ok(of(&parsed))
}

fn of(expr: &Expr) -> Asked {
    match expr {
        Expr::VectorSelector(selector) => series(selector),
        Expr::MatrixSelector(matrix) => series(&matrix.vs),
        Expr::Aggregate(aggregate) => of(&aggregate.expr),
        Expr::Unary(unary) => of(&unary.expr),
        Expr::Paren(paren) => of(&paren.expr),
        Expr::Subquery(subquery) => of(&subquery.expr),
        Expr::Binary(binary) if binary.op.id() == T_LOR => {
            Asked::Either(Box::new(of(&binary.lhs)), Box::new(of(&binary.rhs)))
        }
        Expr::Binary(binary) => Asked::All(vec![of(&binary.lhs), of(&binary.rhs)]),
        Expr::Call(call) => Asked::All(call.args.args.iter().map(|arg| of(arg)).collect()),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {
            Asked::All(Vec::new())
        }
    }
}

fn series(selector: &VectorSelector) -> Asked {
    let matchers = &selector.matchers.matchers;
    let by_label = matchers.iter().find(|m| m.name == "__name__");
    let names = match (&selector.name, by_label) {
        (Some(name), _) => vec![name.clone()],
        (None, Some(by_label)) => named(by_label),
        (None, None) => Vec::new(),
    };
    let needed = |m: &&Matcher| match &m.op {
        MatchOp::Equal => !m.value.is_empty(),
        MatchOp::Re(pattern) => !pattern.is_match(""),
        MatchOp::NotEqual | MatchOp::NotRe(_) => false,
    };
    let labels = matchers
        .iter()
        .filter(needed)
        .filter(|m| m.name != "__name__");
    let labels: BTreeSet<_> = labels.map(|m| (m.name.clone(), m.value.clone())).collect();
    let any = names.into_iter().map(|name| Asked::Series {
        name,
        labels: labels.clone(),
    });
    let any = any.reduce(|one, other| Asked::Either(Box::new(one), Box::new(other)));
    any.unwrap_or(Asked::Series {
        name: String::new(),
        labels,
    })
}

/// The names that a matcher of names lets through, where it lists them; `a|b|c` does.
fn named(by_label: &Matcher) -> Vec<String> {
    let is_name = |name: &&str| {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        !name.is_empty() && name.chars().all(is_part)
    };
    match by_label.op {
        MatchOp::Equal => vec![by_label.value.clone()],
        MatchOp::Re(_) => {
            let inner = by_label.value.strip_prefix('(');
            let inner = inner.and_then(|pattern| pattern.strip_suffix(')'));
            let all: Vec<&str> = inner.unwrap_or(&by_label.value).split('|').collect();
            let is_list = all.iter().all(is_name);
            let names = all.into_iter().filter(|_| is_list);
            names.map(str::to_owned).collect()
        }
        MatchOp::NotEqual | MatchOp::NotRe(_) => Vec::new(),
    }
}

/// Puts something in the place of Grafana's variables: a duration where PromQL wants one, any text in a
/// string, a label where labels are listed, a number elsewhere.
fn without_variables(expression: &str) -> Result<String, String> {
    let mut out = String::with_capacity(expression.len());
    let (mut quote, mut brackets) = (None, 0_usize);
    let mut rest = expression;
    while let Some(c) = rest.chars().next() {
        if let Some((variable, after)) = variable(rest) {
            let touches =
                |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
            let list = out.rfind('(').is_some_and(|at| lists_labels(&out[..at]));
            let is_part = touches(out.chars().next_back()) || touches(after.chars().next());
            let is_time = after.starts_with(['s', 'm', 'h', 'd']) && brackets > 0;
            out.push_str(match quote {
                Some(_) => ".*",
                None if is_time => "5",
                None if brackets > 0 || ends_with_offset(&out) => "5m",
                None if is_part => {
                    return Err(format!("a name is made of the variable {variable}"));
                }
                None if list => "label",
                None => "5",
            });
            rest = after;
            continue;
        }
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '[') => brackets += 1,
            (None, ']') => brackets = brackets.saturating_sub(1),
            _ => {}
        }
        out.push(c);
        rest = &rest[c.len_utf8()..];
        if quote.is_some()
            && c == '\\'
            && let Some(escaped) = rest.chars().next()
        {
            out.push(escaped);
            rest = &rest[escaped.len_utf8()..];
        }
    }
    Ok(out)
}

/// A variable at the beginning: `$name`, `${name:format}` or `[[name]]`.
fn variable(text: &str) -> Option<(&str, &str)> {
    let closed = |open: &str, close: &str| {
        let inner = text.strip_prefix(open)?;
        let end = inner.find(close)?;
        Some(text.split_at(open.len() + end + close.len()))
    };
    if let Some(found) = closed("${", "}").or_else(|| closed("[[", "]]")) {
        return Some(found);
    }
    let name = text.strip_prefix('$')?;
    let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let end = end.unwrap_or(name.len());
    (end > 0).then(|| text.split_at(1 + end))
}

fn lists_labels(before: &str) -> bool {
    let before = before.trim_end().to_ascii_lowercase();
    let words = [
        "by",
        "without",
        "on",
        "ignoring",
        "group_left",
        "group_right",
    ];
    words.iter().any(|word| before.ends_with(word))
}

fn ends_with_offset(before: &str) -> bool {
    before.trim_end().to_ascii_lowercase().ends_with("offset")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, labels: &[(&str, &str)]) -> Asked {
        let labels = labels
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Asked::Series {
            name: name.to_owned(),
            labels: labels.collect(),
        }
    }

    #[test]
    fn variables_stand_for_what_fits() {
        for (text, expected) in [
            (
                "rate(a{x=~\"$y\"}[$__rate_interval])",
                "rate(a{x=~\".*\"}[5m])",
            ),
            ("sum by ($by) (a)", "sum by (label) (a)"),
            ("topk($n, a offset $shift)", "topk(5, a offset 5m)"),
            ("a[${window}s]", "a[5s]"),
            ("a{x=\"[[y]]\", z='${q:regex}'}", "a{x=\".*\", z='.*'}"),
            ("a{x=\"\\\"$y\"} > 0.5", "a{x=\"\\\".*\"} > 0.5"),
        ] {
            assert_eq!(without_variables(text).as_deref(), Ok(expected), "{text}");
        }
        let error = without_variables("kafka_${name}_total").unwrap_err();
        assert!(error.contains("${name}"), "{error}");
    }

    #[test]
    fn what_is_asked_for_follows_the_operators() {
        let text = "sum(rate(a{x=\"1\",y!=\"2\",z=~\"\",w=~\".+\"}[5m])) / on(x) b or vector(0)";
        let a = one("a", &[("w", ".+"), ("x", "1")]);
        let both = Asked::All(vec![Asked::All(vec![a]), one("b", &[])]);
        let zero = Asked::All(vec![Asked::All(vec![])]);
        assert_eq!(
            asked(text),
            Ok(Asked::Either(Box::new(both), Box::new(zero)))
        );
        assert_eq!(asked("{__name__=\"c\"}"), Ok(one("c", &[])));
        let either = Asked::Either(
            Box::new(one("c", &[("x", "1")])),
            Box::new(one("d", &[("x", "1")])),
        );
        for list in ["c|d", "(c|d)"] {
            let text = format!("{{__name__=~\"{list}\",x=\"1\"}}");
            assert_eq!(asked(&text), Ok(either.clone()), "{text}");
        }
        assert_eq!(asked("{__name__=~\"c.*|d\"}"), Ok(one("", &[])));
        assert!(asked("sum(").is_err());
    }
}
