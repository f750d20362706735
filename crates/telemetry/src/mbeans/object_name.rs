//! Filling the templates of object names.

use crate::declare::Declaration;
use crate::label::LabelEnum as _;
use crate::stage::Stage;

/// Fills the template; a value with characters that an ObjectName reserves is quoted, and a property
/// without a value is left out, as in Kafka. A `{stage.mbean}` becomes Kafka's name of the stage;
/// `None` when Kafka has none.
pub(super) fn object_name(template: &str, d: &Declaration, values: &[&str]) -> Option<String> {
    let mut name = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, (label, after))) = rest
        .split_once('{')
        .and_then(|(before, from)| Some((before, from.split_once('}')?)))
    {
        rest = after;
        let find = |wanted: &str| d.labels.iter().position(|label| label.name == wanted);
        let value = if let Some(at) = find(label) {
            values[at]
        } else {
            let at = find(label.strip_suffix(".mbean")?)?;
            let stage = Stage::ALL.iter().find(|stage| stage.as_str() == values[at]);
            stage?.mbean_name()?
        };
        match before.rsplit_once(',') {
            Some((kept, _)) if value.is_empty() => name.push_str(kept),
            _ => {
                name.push_str(before);
                name.push_str(&quoted(value));
            }
        }
    }
    name.push_str(rest);
    Some(name)
}

/// A value of an object name's property; one with characters that are reserved there is quoted.
pub fn quoted(value: &str) -> String {
    if !value.contains([',', '=', ':', '"', '*', '?', '\n']) {
        return value.to_owned();
    }
    let mut out = String::with_capacity(value.len() + 2);
    out.push('"');
    for c in value.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '"' | '*' | '?' | '\\' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}
