//! Beans of ours that can be changed: a table of what they have and can do, over [`NodeAdmin`].
//!
//! `kafka:type=kafka.Log4jController` is Kafka's own name for the levels of loggers, with Kafka's
//! operations and what those return.

use limpid_cluster::{AdminError, By, NodeAdmin};
use serde_json::{Map, Value, json};

use crate::failure::Failure;

/// A bean.
#[derive(Debug)]
pub struct Operable {
    /// Its name, with the keys in their order.
    pub name: &'static str,
    description: &'static str,
    attributes: &'static [Attribute],
    operations: &'static [Operation],
}

/// Something to be read, and perhaps written.
#[derive(Debug)]
struct Attribute {
    name: &'static str,
    java: &'static str,
    description: &'static str,
    read: fn(&dyn NodeAdmin) -> Value,
    write: Option<Write>,
}

/// Takes the inner path and the value, gives the old one.
type Write = fn(&dyn NodeAdmin, &[String], &Value, &By) -> Result<Value, Failure>;

/// Something to be done; two of one name differ in the number of their arguments.
#[derive(Debug)]
pub struct Operation {
    name: &'static str,
    arguments: &'static [Argument],
    returns: &'static str,
    description: &'static str,
    run: fn(&dyn NodeAdmin, &[String], &By) -> Result<Value, Failure>,
    /// Whether it changes anything.
    pub changes: bool,
    /// Whether the first argument is the topic that it is about.
    of_a_topic: bool,
}

/// All of them are text.
#[derive(Debug)]
struct Argument {
    name: &'static str,
    description: &'static str,
}

const TEXT: &str = "java.lang.String";
const LOGGER: Argument = Argument {
    name: "logger",
    description: "the name of a logger",
};
const LEVEL: Argument = Argument {
    name: "level",
    description: "TRACE, DEBUG, INFO, WARN, ERROR or FATAL",
};
const TOPIC: Argument = Argument {
    name: "topic",
    description: "the name of a topic",
};

/// Every bean that can be changed.
pub const ALL: &[Operable] = &[
    Operable {
        name: "limpid:type=Logging",
        description: "what is logged; changes last as long as the process",
        attributes: &[
            Attribute {
                name: "Levels",
                java: "java.util.Map",
                description: "the level that holds for each logger; written as a map, or for one logger with its name as path",
                read: levels,
                write: Some(write_levels),
            },
            Attribute {
                name: "LevelNames",
                java: "[Ljava.lang.String;",
                description: "the levels there are",
                read: |node| json!(node.levels()),
                write: None,
            },
        ],
        operations: &[
            Operation {
                name: "getLevel",
                arguments: &[LOGGER],
                returns: TEXT,
                description: "the level that holds for a logger",
                run: |node, arguments, _| level_of(node, &arguments[0]).map(|level| json!(level)),
                changes: false,
                of_a_topic: false,
            },
            Operation {
                name: "setLevel",
                arguments: &[LOGGER, LEVEL],
                returns: TEXT,
                description: "gives a logger a level; returns the one that held",
                run: |node, arguments, by| set(node, &arguments[0], Some(&arguments[1]), by),
                changes: true,
                of_a_topic: false,
            },
            Operation {
                name: "resetLevel",
                arguments: &[LOGGER],
                returns: TEXT,
                description: "takes a logger's own level away; returns the one that held",
                run: |node, arguments, by| set(node, &arguments[0], None, by),
                changes: true,
                of_a_topic: false,
            },
        ],
    },
    Operable {
        name: "kafka:type=kafka.Log4jController",
        description: "the levels of loggers under the name that Kafka has for them",
        attributes: &[Attribute {
            name: "Loggers",
            java: "java.util.List",
            description: "each logger with the level that holds, as name=LEVEL",
            read: |node| {
                let all = node.loggers().into_iter();
                all.map(|(name, level)| format!("{name}={level}")).collect()
            },
            write: None,
        }],
        operations: &[
            Operation {
                name: "getLogLevel",
                arguments: &[LOGGER],
                returns: TEXT,
                description: "the level that holds for a logger",
                run: |node, arguments, _| {
                    let level = level_of(node, &arguments[0]);
                    Ok(json!(level.unwrap_or("No such logger.")))
                },
                changes: false,
                of_a_topic: false,
            },
            Operation {
                name: "setLogLevel",
                arguments: &[LOGGER, LEVEL],
                returns: "boolean",
                description: "gives a logger a level; returns whether it is one",
                run: |node, arguments, by| {
                    let set = set(node, &arguments[0], Some(&arguments[1]), by);
                    Ok(json!(set.is_ok()))
                },
                changes: true,
                of_a_topic: false,
            },
        ],
    },
    Operable {
        name: "limpid:type=LogManager",
        description: "the logs of this broker",
        attributes: &[],
        operations: &[
            Operation {
                name: "runRetention",
                arguments: &[],
                returns: "java.util.Map",
                description: "removes now what retention says of all topics; returns what went",
                run: |node, _, by| retention(node, None, by),
                changes: true,
                of_a_topic: false,
            },
            Operation {
                name: "runRetention",
                arguments: &[TOPIC],
                returns: "java.util.Map",
                description: "removes now what retention says of one topic; returns what went",
                run: |node, arguments, by| retention(node, Some(&arguments[0]), by),
                changes: true,
                of_a_topic: true,
            },
        ],
    },
];

impl Operable {
    /// Every attribute with its value.
    pub fn values(&self, node: &dyn NodeAdmin) -> Map<String, Value> {
        let all = self.attributes.iter();
        all.map(|attribute| (attribute.name.to_owned(), (attribute.read)(node)))
            .collect()
    }

    /// The value of one attribute.
    pub fn value(&self, name: &str, node: &dyn NodeAdmin) -> Option<Value> {
        Some((self.attribute(name)?.read)(node))
    }

    fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|known| known.name == name)
    }

    /// How an attribute is written.
    pub fn write(&self, name: &str) -> Result<Write, Failure> {
        let attribute = self.attribute(name);
        let attribute =
            attribute.ok_or_else(|| Failure::no_attribute(format!("No such attribute: {name}")))?;
        let read_only = || Failure::no_attribute(format!("Read-only attribute: {name}"));
        attribute.write.ok_or_else(read_only)
    }

    /// The operation of a name, which may carry the types of its arguments, and so many arguments.
    pub fn operation(&self, name: &str, arguments: usize) -> Result<&Operation, Failure> {
        let (bare, types) = match name.split_once('(') {
            None => (name, None),
            Some((bare, types)) => (bare, Some(types.trim_end_matches(')'))),
        };
        let fits = |known: &&Operation| {
            let signature = vec![TEXT; known.arguments.len()].join(",");
            known.name == bare
                && known.arguments.len() == arguments
                && types.is_none_or(|types| types == signature)
        };
        let found = self.operations.iter().find(fits);
        found.ok_or_else(|| {
            let known = self.operations.iter().map(Operation::signature);
            Failure::bad_request(format!(
                "No operation {name} with {arguments} arguments found on MBean {}. Known signatures: {}",
                self.name,
                known.collect::<Vec<_>>().join(", ")
            ))
        })
    }

    /// As `list` tells it.
    pub fn described(&self) -> Value {
        let attributes: Map<String, Value> = self
            .attributes
            .iter()
            .map(|attribute| (attribute.name.to_owned(), attribute.described()))
            .collect();
        let mut operations = Map::new();
        for operation in self.operations {
            let described = operation.described();
            match operations.get_mut(operation.name) {
                None => {
                    operations.insert(operation.name.to_owned(), described);
                }
                Some(Value::Array(several)) => several.push(described),
                Some(one) => *one = json!([one.take(), described]),
            }
        }
        json!({"attr": attributes, "op": operations, "class": "io.limpid.Bean", "desc": self.description})
    }
}

impl Attribute {
    fn described(&self) -> Value {
        let writable = self.write.is_some();
        json!({"rw": writable, "r": true, "w": writable, "is": false, "type": self.java, "desc": self.description})
    }
}

impl Operation {
    /// Does it; there are as many arguments as it has.
    pub fn run(
        &self,
        node: &dyn NodeAdmin,
        arguments: &[String],
        by: &By,
    ) -> Result<Value, Failure> {
        debug_assert_eq!(arguments.len(), self.arguments.len());
        (self.run)(node, arguments, by)
    }

    /// The topic that it is about.
    pub fn topic<'a>(&self, arguments: &'a [String]) -> Option<&'a str> {
        let first = arguments.first().filter(|_| self.of_a_topic);
        first.map(String::as_str)
    }

    fn signature(&self) -> String {
        format!(
            "{}({})",
            self.name,
            vec![TEXT; self.arguments.len()].join(",")
        )
    }

    fn described(&self) -> Value {
        let arguments = self.arguments.iter().map(
            |argument| json!({"name": argument.name, "type": TEXT, "desc": argument.description}),
        );
        let arguments: Vec<Value> = arguments.collect();
        json!({"args": arguments, "ret": self.returns, "desc": self.description})
    }
}

fn levels(node: &dyn NodeAdmin) -> Value {
    let all = node.loggers().into_iter();
    Value::Object(all.map(|(name, level)| (name, json!(level))).collect())
}

fn write_levels(
    node: &dyn NodeAdmin,
    path: &[String],
    value: &Value,
    by: &By,
) -> Result<Value, Failure> {
    let wrong =
        || Failure::bad_request("a level is a string, or null for the one of the logger above");
    let one = |logger: &str, value: &Value| match value {
        Value::Null => set(node, logger, None, by),
        Value::String(level) => set(node, logger, Some(level), by),
        _ => Err(wrong()),
    };
    match (path, value) {
        ([logger], value) => one(logger, value),
        ([], Value::Object(several)) => {
            let before = several
                .iter()
                .map(|(logger, level)| Ok((logger.clone(), one(logger, level)?)));
            Ok(Value::Object(before.collect::<Result<_, Failure>>()?))
        }
        _ => Err(Failure::bad_request(
            "the levels are written with a logger as path, or as a map of loggers and levels",
        )),
    }
}

fn level_of(node: &dyn NodeAdmin, logger: &str) -> Result<&'static str, Failure> {
    let found = node.loggers().get(logger).copied();
    found.ok_or_else(|| Failure::bad_request(format!("there is no logger named {logger}")))
}

fn set(node: &dyn NodeAdmin, logger: &str, level: Option<&str>, by: &By) -> Result<Value, Failure> {
    let before = node.set_level(logger, level, by).map_err(failure)?;
    Ok(json!(before))
}

fn retention(node: &dyn NodeAdmin, topic: Option<&str>, by: &By) -> Result<Value, Failure> {
    let run = node.run_retention(topic, by).map_err(failure)?;
    serde_json::to_value(run).map_err(|error| Failure::internal(error.to_string()))
}

fn failure(error: AdminError) -> Failure {
    match error {
        AdminError::NotFound(why) | AdminError::Refused(why) => Failure::bad_request(why),
        AdminError::Unavailable(why) => Failure::internal(why),
    }
}
