//! An answer as a list of `path = value` lines, so that two answers can be compared field by
//! field: elements of lists are named by what identifies them, ids and ports by what they stand
//! for, and the order of a list is a field of its own.

use std::collections::BTreeMap;
use std::fmt::Debug;

use super::differences::TEXTS;
use super::side::Side;

/// Fields that identify an element among its neighbours, the best first.
const NAMES: [&str; 11] = [
    "group_id",
    "partition_index",
    "index",
    "resource_name",
    "topic_name",
    "name",
    "topic",
    "topic_id",
    "api_key",
    "broker_id",
    "node_id",
];

/// A value of the answer.
enum Node {
    Leaf(String),
    Fields(Vec<(String, Node)>),
    List(Vec<Node>),
}

/// The answer's fields by path.
pub type Fields = BTreeMap<String, String>;

/// Walks through an answer by way of its debug form, which names every field.
pub fn fields(answer: &impl Debug, side: &Side) -> Fields {
    let text = format!("{answer:#?}");
    let mut lines = text.lines().peekable();
    let mut found = Fields::new();
    let first = lines.next().unwrap_or_default();
    let root = parse(first, &mut lines);
    flatten(&root, String::new(), side, &mut found);
    found
}

/// Reads the value that begins on `line` (without its field name) and may go on below.
fn parse<'a>(line: &str, lines: &mut impl Iterator<Item = &'a str>) -> Node {
    let line = line.trim();
    match line.as_bytes().last() {
        Some(b'{') => {
            let mut fields = Vec::new();
            while let Some(line) = lines.next().map(str::trim) {
                if is_end(line) {
                    break;
                }
                let (name, value) = line.split_once(": ").unwrap_or((line, ""));
                fields.push((name.to_owned(), parse(value, lines)));
            }
            Node::Fields(fields)
        }
        Some(b'[' | b'(') => {
            let mut elements = Vec::new();
            while let Some(line) = lines.next() {
                if is_end(line.trim()) {
                    break;
                }
                elements.push(parse(line, lines));
            }
            // `Some(…)` is its content.
            match line.as_bytes().last() {
                Some(b'(') if elements.len() == 1 => elements.remove(0),
                _ => Node::List(elements),
            }
        }
        _ => Node::Leaf(line.strip_suffix(',').unwrap_or(line).to_owned()),
    }
}

fn is_end(line: &str) -> bool {
    matches!(line.strip_suffix(',').unwrap_or(line), "}" | "]" | ")")
}

fn flatten(node: &Node, path: String, side: &Side, found: &mut Fields) {
    match node {
        Node::Leaf(value) if value == "[]" => {
            found.insert(format!("{path}.order"), String::new());
        }
        Node::Leaf(value) => {
            let value = normal(&path, value, side);
            found.insert(path, value);
        }
        Node::Fields(fields) => {
            for (name, value) in fields {
                let dot = if path.is_empty() { "" } else { "." };
                flatten(value, format!("{path}{dot}{name}"), side, found);
            }
        }
        Node::List(elements) => {
            let mut order = Vec::new();
            for (at, element) in elements.iter().enumerate() {
                let mut label = label(element, side).unwrap_or_else(|| at.to_string());
                if order.contains(&label) {
                    label = format!("{label}#{at}");
                }
                flatten(element, format!("{path}[{label}]"), side, found);
                order.push(label);
            }
            found.insert(format!("{path}.order"), order.join(" "));
        }
    }
}

/// What an element of a list is called by, if anything identifies it.
fn label(element: &Node, side: &Side) -> Option<String> {
    let Node::Fields(fields) = element else {
        return None;
    };
    let named = NAMES.iter().find_map(|wanted| {
        let (name, value) = fields.iter().find(|(name, _)| name == wanted)?;
        let Node::Leaf(value) = value else {
            return None;
        };
        let value = normal(name, value, side);
        (value != "\"\"" && value != "None" && !value.contains("no id")).then_some(value)
    })?;
    // Newer versions name a topic by its id, which says the same.
    let named = named.trim_matches('"');
    Some(named.strip_prefix("id of ").unwrap_or(named).to_owned())
}

/// Replaces what two brokers in the same state can't have in common.
fn normal(path: &str, value: &str, side: &Side) -> String {
    let field = path.rsplit('.').next().unwrap_or(path);
    let known = side
        .topic_ids
        .iter()
        .find(|(_, id)| value.contains(&id.to_string()));
    if let Some((topic, id)) = known {
        return value.replace(&id.to_string(), &format!("id of {topic}"));
    }
    match field {
        _ if TEXTS.contains(&field) && value.starts_with('"') => "a text".to_owned(),
        "producer_id" if path == "producer_id" && value != "-1" => "a producer id".to_owned(),
        "topic_id" if value.contains("AAAAAAAAAAAAAAAAAAAAAA") => "no id".to_owned(),
        "topic_id" => "an id".to_owned(),
        "port" if value == side.port.to_string() => "its own port".to_owned(),
        "log_append_time_ms" if value != "-1" => "a time".to_owned(),
        "last_fetch_timestamp" | "last_caught_up_timestamp" if value != "-1" => "now".to_owned(),
        "session_id" if value != "0" => "a session".to_owned(),
        // It counts the records of the metadata log, which goes on without any request.
        "finalized_features_epoch" if value != "-1" => "an epoch".to_owned(),
        _ => {
            // The limits of what is accepted as a timestamp follow the clock.
            let end = value.find("should be within [").unwrap_or(value.len());
            let own = side.own.iter();
            own.fold(value[..end].to_owned(), |value, (text, name)| {
                value.replace(text, name)
            })
        }
    }
}

/// The paths at which two answers differ, with what each has there. An element of a list that
/// only one of them has is one difference.
pub fn unlike<'a>(
    left: &'a Fields,
    right: &'a Fields,
) -> BTreeMap<String, (Option<&'a str>, Option<&'a str>)> {
    let paths = left.keys().chain(right.keys());
    let mut found = BTreeMap::new();
    for path in paths.filter(|path| left.get(*path) != right.get(*path)) {
        let (mine, theirs) = (left.get(path), right.get(path));
        let other = if mine.is_none() { left } else { right };
        let element = (mine.is_none() || theirs.is_none()).then(|| lonely_element(path, other));
        match element.flatten() {
            Some(element) => {
                let show = |value: Option<&String>| value.map(|_| "an element");
                found.insert(element.to_owned(), (show(mine), show(theirs)));
            }
            None => {
                let show = |value: Option<&'a String>| value.map(String::as_str);
                found.insert(path.clone(), (show(mine), show(theirs)));
            }
        }
    }
    found
}

/// The outermost element on the way to `path` of which `other` has no field at all.
fn lonely_element<'a>(path: &'a str, other: &Fields) -> Option<&'a str> {
    let ends = path.match_indices(']').map(|(at, _)| &path[..=at]);
    let mut elements = ends.filter(|element| {
        let next = other.range((*element).to_owned()..).next();
        !next.is_some_and(|(path, _)| path.starts_with(element))
    });
    elements.next()
}
