//! What a client asks for: from a path (GET) or from JSON (POST).

use serde_json::{Map, Value, json};

/// The name by which Jolokia's own client asks for all attributes.
const ALL: &str = "*";

/// A request.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What is asked.
    pub operation: Operation,
    /// How.
    pub options: Options,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// Which agent this is.
    Version,
    /// The values of attributes.
    Read {
        /// A name or a pattern.
        mbean: String,
        /// All when empty.
        attributes: Vec<String>,
        /// One attribute was named as such, not as an array.
        single: bool,
        /// What of the value.
        path: Vec<String>,
    },
    /// Names.
    Search {
        /// A pattern.
        mbean: String,
    },
    /// What there is, with descriptions.
    List {
        /// What of it.
        path: Vec<String>,
    },
    /// Another value.
    Write {
        /// The bean.
        mbean: String,
        /// What of it.
        attribute: String,
        /// The value.
        value: Value,
        /// What of the attribute's value.
        path: Vec<String>,
    },
    /// Something to be done.
    Exec {
        /// The bean.
        mbean: String,
        /// What, perhaps with the types of arguments in parentheses.
        operation: String,
        /// With what.
        arguments: Vec<Value>,
    },
}

/// Jolokia's processing parameters that matter here; the others are accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Levels of an answer.
    pub max_depth: Option<usize>,
    /// Sentences in place of values that can't be had.
    pub ignore_errors: bool,
    /// Names with their keys in alphabetical order.
    pub canonical_naming: bool,
    /// Leave the echo of the request out.
    pub no_request: bool,
}

impl Options {
    /// Takes a parameter over, if it is one that matters.
    pub fn set(&mut self, key: &str, value: &str) {
        let is_true = value == "true";
        match key {
            "maxDepth" => self.max_depth = value.parse().ok().filter(|depth| *depth > 0),
            "ignoreErrors" => self.ignore_errors = is_true,
            "canonicalNaming" => self.canonical_naming = is_true,
            "includeRequest" => self.no_request = value == "false",
            _ => {}
        }
    }
}

impl Request {
    /// Of the part of a path that is behind `/jolokia/`, decoded. `!/` is a slash, `!!` a bang.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of_path(path: &str, options: Options) -> Result<Self, String> {
        let mut parts = split(path).into_iter();
        let kind = parts.next().unwrap_or_default();
        let mut needed = |what: &str| {
            let name = parts.next().filter(|name| !name.is_empty());
            name.ok_or_else(|| format!("{kind} needs {what}"))
        };
        let mut mbean = || needed("the name of a bean");
        let operation = match kind.as_str() {
            "" | "version" => Operation::Version,
            "search" => Operation::Search { mbean: mbean()? },
            "list" => Operation::List {
                path: parts.collect(),
            },
            "read" => {
                let mbean = mbean()?;
                let named = parts.next().filter(|names| !matches!(&**names, "" | ALL));
                let attributes: Vec<String> = named
                    .iter()
                    .flat_map(|a| a.split(','))
                    .map(str::to_owned)
                    .collect();
                Operation::Read {
                    mbean,
                    single: attributes.len() == 1,
                    attributes,
                    path: parts.collect(),
                }
            }
            "write" => Operation::Write {
                mbean: needed("the name of a bean")?,
                attribute: needed("an attribute")?,
                value: of_part(needed("a value")?),
                path: parts.collect(),
            },
            "exec" => Operation::Exec {
                mbean: needed("the name of a bean")?,
                operation: needed("an operation")?,
                arguments: parts.map(of_part).collect(),
            },
            other => return Err(no_type(other)),
        };
        Ok(Self { operation, options })
    }

    /// Of a JSON object.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of_json(json: &Value, mut options: Options) -> Result<Self, String> {
        let object = json.as_object().ok_or("a request is a JSON object")?;
        let text = |key: &str| object.get(key).and_then(Value::as_str);
        if let Some(config) = object.get("config").and_then(Value::as_object) {
            for (key, value) in config {
                let plain = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                options.set(key, &plain);
            }
        }
        let kind = text("type").ok_or("the type is missing")?;
        let mbean = || {
            let name = text("mbean").map(str::to_owned);
            name.ok_or_else(|| format!("{kind} needs an mbean"))
        };
        let path = text("path").map(split).unwrap_or_default();
        let operation = match kind.to_ascii_lowercase().as_str() {
            "version" => Operation::Version,
            "search" => Operation::Search { mbean: mbean()? },
            "list" => Operation::List { path },
            "read" => {
                let (attributes, single) = attributes(object.get("attribute"))?;
                Operation::Read {
                    mbean: mbean()?,
                    attributes,
                    single,
                    path,
                }
            }
            "write" => Operation::Write {
                mbean: mbean()?,
                attribute: text("attribute")
                    .ok_or("write needs an attribute")?
                    .to_owned(),
                value: object.get("value").cloned().unwrap_or(Value::Null),
                path,
            },
            "exec" => Operation::Exec {
                mbean: mbean()?,
                operation: text("operation")
                    .ok_or("exec needs an operation")?
                    .to_owned(),
                arguments: arguments(object.get("arguments"))?,
            },
            other => return Err(no_type(other)),
        };
        Ok(Self { operation, options })
    }

    /// The request as answers repeat it.
    pub fn echo(&self) -> Value {
        let mut echo = Map::new();
        let mut put = |key: &str, value: Value| echo.insert(key.to_owned(), value);
        let joined = |path: &[String]| path.iter().map(|p| escape(p)).collect::<Vec<_>>().join("/");
        match &self.operation {
            Operation::Version => {
                put("type", json!("version"));
            }
            Operation::Search { mbean } => {
                put("type", json!("search"));
                put("mbean", json!(mbean));
            }
            Operation::List { path } => {
                put("type", json!("list"));
                if !path.is_empty() {
                    put("path", json!(joined(path)));
                }
            }
            Operation::Read {
                mbean,
                attributes,
                single,
                path,
            } => {
                put("type", json!("read"));
                put("mbean", json!(mbean));
                match attributes.as_slice() {
                    [] => {}
                    [one] if *single => {
                        put("attribute", json!(one));
                    }
                    all => {
                        put("attribute", json!(all));
                    }
                }
                if !path.is_empty() {
                    put("path", json!(joined(path)));
                }
            }
            Operation::Write {
                mbean,
                attribute,
                value,
                path,
            } => {
                put("type", json!("write"));
                put("mbean", json!(mbean));
                put("attribute", json!(attribute));
                put("value", value.clone());
                if !path.is_empty() {
                    put("path", json!(joined(path)));
                }
            }
            Operation::Exec {
                mbean,
                operation,
                arguments,
            } => {
                put("type", json!("exec"));
                put("mbean", json!(mbean));
                put("operation", json!(operation));
                if !arguments.is_empty() {
                    put("arguments", json!(arguments));
                }
            }
        }
        Value::Object(echo)
    }
}

fn no_type(kind: &str) -> String {
    format!("no type with name {kind:?} exists")
}

/// A value or an argument in a path, where nothing and no value can't be written as they are.
fn of_part(part: String) -> Value {
    match part.as_str() {
        "[null]" => Value::Null,
        "\"\"" => json!(""),
        _ => Value::String(part),
    }
}

fn arguments(given: Option<&Value>) -> Result<Vec<Value>, String> {
    match given {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(all)) => Ok(all.clone()),
        Some(_) => Err("arguments are an array".to_owned()),
    }
}

/// `"A"`, `["A", "B"]` or nothing; and whether it was the first.
fn attributes(named: Option<&Value>) -> Result<(Vec<String>, bool), String> {
    match named {
        None | Some(Value::Null) => Ok((Vec::new(), false)),
        Some(Value::String(all)) if all == ALL => Ok((Vec::new(), false)),
        Some(Value::String(one)) => Ok((vec![one.clone()], true)),
        Some(Value::Array(several)) => {
            let names = several.iter().map(|name| name.as_str().map(str::to_owned));
            let names: Option<Vec<String>> = names.collect();
            let names = names.ok_or("attributes are named by strings")?;
            Ok((names, false))
        }
        Some(_) => Err("attribute is a string or an array of them".to_owned()),
    }
}

/// The parts between slashes, with the escapes undone.
pub fn split(path: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = path.trim_start_matches('/').chars();
    while let Some(c) = chars.next() {
        let last = parts.len() - 1;
        match c {
            '!' => parts[last].extend(chars.next()),
            '/' => parts.push(String::new()),
            other => parts[last].push(other),
        }
    }
    if parts.last().is_some_and(String::is_empty) {
        parts.pop();
    }
    parts
}

fn escape(part: &str) -> String {
    part.replace('!', "!!").replace('/', "!/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str) -> Operation {
        Request::of_path(path, Options::default())
            .unwrap()
            .operation
    }

    #[test]
    fn paths_are_split_at_slashes_that_are_not_escaped() {
        assert_eq!(split("a/b!/c!!/d"), ["a", "b/c!", "d"]);
        assert!(split("").is_empty() && split("/").is_empty());
        assert_eq!(split("a//b"), ["a", "", "b"]);
        let found = read("read/java.lang:type=Memory/HeapMemoryUsage/used");
        let expected = Operation::Read {
            mbean: "java.lang:type=Memory".to_owned(),
            attributes: vec!["HeapMemoryUsage".to_owned()],
            single: true,
            path: vec!["used".to_owned()],
        };
        assert_eq!(found, expected);
        let all = Operation::Read {
            mbean: "a:b=c".to_owned(),
            attributes: Vec::new(),
            single: false,
            path: Vec::new(),
        };
        assert_eq!(
            [read("read/a:b=c/*"), read("read/a:b=c")],
            [all.clone(), all]
        );
        assert_eq!(read(""), Operation::Version);
        assert!(Request::of_path("read", Options::default()).is_err());
        for wrong in ["reset/x", "write/a:b=c/A", "exec/a:b=c"] {
            assert!(Request::of_path(wrong, Options::default()).is_err());
        }
        let write = Operation::Write {
            mbean: "a:b=c".to_owned(),
            attribute: "A".to_owned(),
            value: Value::Null,
            path: vec!["x/y".to_owned()],
        };
        assert_eq!(read("write/a:b=c/A/[null]/x!/y"), write);
        let exec = Operation::Exec {
            mbean: "a:b=c".to_owned(),
            operation: "f(java.lang.String)".to_owned(),
            arguments: vec![json!("")],
        };
        assert_eq!(read("exec/a:b=c/f(java.lang.String)/\"\""), exec);
    }

    #[test]
    fn the_echo_has_what_was_asked_and_nothing_else() {
        let echo = |json: Value| Request::of_json(&json, Options::default()).unwrap().echo();
        for same in [
            json!({"type": "version"}),
            json!({"type": "read", "mbean": "a:b=c"}),
            json!({"type": "read", "mbean": "a:b=c", "attribute": "A", "path": "x!/y/z"}),
            json!({"type": "read", "mbean": "a:b=c", "attribute": ["A"]}),
            json!({"type": "search", "mbean": "a:*"}),
            json!({"type": "list", "path": "a/b=c"}),
            json!({"type": "write", "mbean": "a:b=c", "attribute": "A", "value": {"x": 1}, "path": "y"}),
            json!({"type": "exec", "mbean": "a:b=c", "operation": "gc()"}),
            json!({"type": "exec", "mbean": "a:b=c", "operation": "f", "arguments": ["x", null]}),
        ] {
            assert_eq!(echo(same.clone()), same);
        }
        let options = json!({"type": "read", "mbean": "a:b=c", "config": {"ignoreErrors": true, "maxDepth": "3"}});
        let options = Request::of_json(&options, Options::default())
            .unwrap()
            .options;
        assert!(options.ignore_errors && options.max_depth == Some(3));
        for bad in [
            json!(1),
            json!({}),
            json!({"type": "read"}),
            json!({"type": "read", "mbean": "a:b=c", "attribute": 1}),
            json!({"type": "write", "mbean": "a:b=c", "value": 1}),
            json!({"type": "exec", "mbean": "a:b=c"}),
            json!({"type": "exec", "mbean": "a:b=c", "operation": "f", "arguments": "x"}),
        ] {
            assert!(Request::of_json(&bad, Options::default()).is_err(), "{bad}");
        }
    }
}
