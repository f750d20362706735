//! Answering requests from the beans of one moment.

use std::cell::Cell;
use std::collections::BTreeMap;

use limpid_cluster::NodeAdmin;
use limpid_telemetry::mbeans::{Beans, ObjectName, Value as BeanValue};
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::operable::{self, Operable};
use crate::operator::Operator;
use crate::request::{Operation, Options, Request};

/// The release of Jolokia's agent whose answers these are like.
const AGENT: &str = "2.5.0";
/// Its protocol.
const PROTOCOL: &str = "8.2";

/// Most beans that the answers to one HTTP request tell of.
const BEANS_TOLD_MAX: usize = 500_000;

/// The beans of one moment, for any number of requests.
pub struct Answerer<'a> {
    beans: Vec<Bean<'a>>,
    /// By their canonical names.
    index: BTreeMap<String, usize>,
    now_s: u64,
    told: Cell<usize>,
    /// Who may change something.
    operator: Option<Operator<'a>>,
}

struct Bean<'a> {
    /// As the broker writes it.
    written: &'a str,
    name: ObjectName,
    holds: Holds<'a>,
}

/// Where a bean's values come from.
enum Holds<'a> {
    Values(&'a [(&'static str, BeanValue)]),
    Operable(&'static Operable, &'a dyn NodeAdmin),
}

impl<'a> Answerer<'a> {
    /// Of these beans; `now_s` is the time in seconds since 1970.
    pub fn new(beans: &'a Beans, now_s: u64) -> Self {
        let bean = |(written, attributes)| {
            let name = ObjectName::parse(written).ok()?;
            let holds = Holds::Values(attributes);
            Some(Bean {
                written,
                name,
                holds,
            })
        };
        let mut beans: Vec<_> = beans.iter().filter_map(bean).collect();
        beans.sort_by(|a, b| a.written.cmp(b.written));
        let names = beans.iter().enumerate();
        let index = names
            .map(|(at, bean)| (bean.name.canonical(), at))
            .collect();
        Self {
            beans,
            index,
            now_s,
            told: Cell::new(0),
            operator: None,
        }
    }

    /// The same, with the beans that can be changed.
    pub fn operated(mut self, operator: Operator<'a>) -> Self {
        let bean = |operable: &'static Operable| {
            Some(Bean {
                written: operable.name,
                name: ObjectName::parse(operable.name).ok()?,
                holds: Holds::Operable(operable, operator.node),
            })
        };
        for bean in operable::ALL.iter().filter_map(bean) {
            self.index.insert(bean.name.canonical(), self.beans.len());
            self.beans.push(bean);
        }
        self.operator = Some(operator);
        self
    }

    /// The answer to a request, or to something that is none.
    pub fn answer(&self, request: Result<Request, String>) -> Value {
        let (mut fields, echo) = match request {
            Err(message) => (Failure::bad_request(message).fields(), None),
            Ok(request) => {
                let fields = match self.value(&request) {
                    Err(failure) => failure.fields(),
                    Ok(value) => {
                        let mut fields = Map::new();
                        fields.insert("value".to_owned(), value);
                        fields.insert("status".to_owned(), json!(200));
                        fields.insert("timestamp".to_owned(), json!(self.now_s));
                        fields
                    }
                };
                let echo = (!request.options.no_request).then(|| request.echo());
                (fields, echo)
            }
        };
        if let Some(echo) = echo {
            fields.insert("request".to_owned(), echo);
        }
        Value::Object(fields)
    }

    fn value(&self, request: &Request) -> Result<Value, Failure> {
        let options = &request.options;
        match &request.operation {
            Operation::Version => Ok(version()),
            Operation::Search { mbean } => self.search(mbean, options),
            Operation::List { path } => self.list(path, options),
            Operation::Read {
                mbean,
                attributes,
                single,
                path,
            } => self.read(mbean, (attributes, *single), path, options),
            Operation::Write {
                mbean,
                attribute,
                value,
                path,
            } => {
                let (bean, operator) = self.operable(mbean, "written")?;
                let write = bean.write(attribute)?;
                operator.may(None)?;
                write(operator.node, path, value, &operator.by())
            }
            Operation::Exec {
                mbean,
                operation,
                arguments,
            } => {
                let (bean, operator) = self.operable(mbean, "executed")?;
                let operation = bean.operation(operation, arguments.len())?;
                let texts: Option<Vec<_>> = arguments
                    .iter()
                    .map(|argument| argument.as_str().map(str::to_owned))
                    .collect();
                let texts = texts.ok_or_else(|| Failure::bad_request("arguments are strings"))?;
                if operation.changes {
                    operator.may(operation.topic(&texts))?;
                }
                operation.run(operator.node, &texts, &operator.by())
            }
        }
    }

    /// A bean that can be changed; `what` is to be done with it.
    fn operable(
        &self,
        mbean: &str,
        what: &str,
    ) -> Result<(&'static Operable, &Operator<'a>), Failure> {
        let bean = self.named(mbean)?;
        match (&bean.holds, &self.operator) {
            (Holds::Operable(operable, _), Some(operator)) => Ok((operable, operator)),
            _ => Err(Failure::forbidden(format!(
                "nothing of {mbean} can be {what}: it shows what is measured"
            ))),
        }
    }

    fn named(&self, mbean: &str) -> Result<&Bean<'a>, Failure> {
        let name = ObjectName::parse(mbean).map_err(Failure::malformed)?;
        let at = self.index.get(&name.canonical());
        let bean = at.and_then(|at| self.beans.get(*at));
        bean.ok_or_else(|| Failure::no_bean(mbean))
    }

    fn search(&self, mbean: &str, options: &Options) -> Result<Value, Failure> {
        let pattern = ObjectName::parse(mbean).map_err(Failure::malformed)?;
        let found = self.matching(&pattern)?.into_iter();
        let names = found.map(|bean| json!(bean.told(options)));
        Ok(Value::Array(names.collect()))
    }

    fn matching(&self, pattern: &ObjectName) -> Result<Vec<&Bean<'a>>, Failure> {
        let found = self.beans.iter().filter(|bean| pattern.matches(&bean.name));
        let found: Vec<_> = found.collect();
        self.tell(found.len())?;
        Ok(found)
    }

    /// Counts beans that are told of.
    fn tell(&self, beans: usize) -> Result<(), Failure> {
        self.told.set(self.told.get().saturating_add(beans));
        match self.told.get() <= BEANS_TOLD_MAX {
            true => Ok(()),
            false => Err(Failure::too_much(BEANS_TOLD_MAX)),
        }
    }

    fn read(
        &self,
        mbean: &str,
        (names, single): (&[String], bool),
        path: &[String],
        options: &Options,
    ) -> Result<Value, Failure> {
        let name = ObjectName::parse(mbean).map_err(Failure::malformed)?;
        let value = if name.is_pattern() {
            let mut all = Map::new();
            for bean in self.matching(&name)? {
                let found = bean.some(names);
                if !found.is_empty() {
                    all.insert(bean.told(options), Value::Object(found));
                }
            }
            if all.is_empty() {
                let message = format!("no bean matches {mbean} and has what is asked for");
                return Err(Failure::no_attribute(message));
            }
            Value::Object(all)
        } else {
            let bean = self.named(mbean)?;
            match names {
                [one] if single => bean.one(one, options)?,
                names => bean.all(names, options)?,
            }
        };
        inside(value, path)
    }

    fn list(&self, path: &[String], options: &Options) -> Result<Value, Failure> {
        self.tell(self.beans.len())?;
        let mut domains = Map::new();
        for bean in &self.beans {
            let domain = domains
                .entry(bean.name.domain())
                .or_insert_with(|| json!({}));
            if let Some(domain) = domain.as_object_mut() {
                domain.insert(bean.name.canonical_properties(), bean.described());
            }
        }
        let found = inside(Value::Object(domains), path)?;
        Ok(match options.max_depth {
            Some(depth) => cut(found, depth),
            None => found,
        })
    }
}

impl Bean<'_> {
    fn told(&self, options: &Options) -> String {
        match options.canonical_naming {
            true => self.name.canonical(),
            false => self.written.to_owned(),
        }
    }

    fn attribute(&self, wanted: &str) -> Option<Value> {
        match &self.holds {
            Holds::Operable(operable, node) => operable.value(wanted, *node),
            Holds::Values(attributes) => {
                let mut all = attributes.iter();
                all.find(|(name, _)| *name == wanted)
                    .map(|(_, value)| json_of(value))
            }
        }
    }

    /// Those of the named attributes that are there; all without names.
    fn some(&self, names: &[String]) -> Map<String, Value> {
        let wanted = |name: &str| names.is_empty() || names.iter().any(|one| one == name);
        match &self.holds {
            Holds::Operable(operable, node) => {
                let mut values = operable.values(*node);
                values.retain(|name, _| wanted(name));
                values
            }
            Holds::Values(attributes) => {
                let found = attributes.iter().filter(|(name, _)| wanted(name));
                found
                    .map(|(name, value)| ((*name).to_owned(), json_of(value)))
                    .collect()
            }
        }
    }

    fn one(&self, name: &str, options: &Options) -> Result<Value, Failure> {
        match self.attribute(name) {
            Some(value) => Ok(value),
            None => {
                let failure = Failure::no_attribute(format!("No such attribute: {name}"));
                match options.ignore_errors {
                    true => Ok(json!(format!("ERROR: {}", failure.sentence()))),
                    false => Err(failure),
                }
            }
        }
    }

    fn all(&self, names: &[String], options: &Options) -> Result<Value, Failure> {
        if names.is_empty() {
            return Ok(Value::Object(self.some(names)));
        }
        let named = names
            .iter()
            .map(|name| Ok((name.clone(), self.one(name, options)?)));
        Ok(Value::Object(named.collect::<Result<_, Failure>>()?))
    }

    fn described(&self) -> Value {
        let attributes = match &self.holds {
            Holds::Operable(operable, _) => return operable.described(),
            Holds::Values(attributes) => attributes,
        };
        let described = attributes.iter().map(|(name, value)| {
            let facts = json!({"rw": false, "r": true, "w": false, "is": false, "type": java_type(value), "desc": name});
            ((*name).to_owned(), facts)
        });
        let attributes: Map<String, Value> = described.collect();
        json!({"attr": attributes, "op": {}, "class": "io.limpid.Bean", "desc": "a bean of Limpid's registry"})
    }
}

/// What is at a path of a value; `*` goes into everything that is there.
fn inside(value: Value, path: &[String]) -> Result<Value, Failure> {
    let Some((first, rest)) = path.split_first() else {
        return Ok(value);
    };
    let nothing = || Failure::no_attribute(format!("nothing is at {first:?} of the path"));
    match value {
        Value::Object(object) if first == "*" => {
            let found = object.into_iter();
            let found = found.filter_map(|(key, value)| Some((key, inside(value, rest).ok()?)));
            Ok(Value::Object(found.collect()))
        }
        Value::Object(mut object) => inside(object.remove(first).ok_or_else(nothing)?, rest),
        Value::Array(mut array) => {
            let at = first.parse::<usize>().ok().filter(|at| *at < array.len());
            inside(array.swap_remove(at.ok_or_else(nothing)?), rest)
        }
        _ => Err(nothing()),
    }
}

/// A value without what lies deeper than that; a 1 stands for what was left out.
fn cut(value: Value, depth: usize) -> Value {
    match value {
        Value::Object(object) if depth > 0 => {
            let kept = object
                .into_iter()
                .map(|(key, value)| (key, cut(value, depth - 1)));
            Value::Object(kept.collect())
        }
        Value::Object(_) => json!(1),
        other => other,
    }
}

fn version() -> Value {
    json!({
        "agent": AGENT,
        "protocol": PROTOCOL,
        "details": {
            "agent_version": AGENT,
            "agent_id": "limpid",
            "server_product": "limpid",
            "server_vendor": "Limpid",
            "server_version": env!("CARGO_PKG_VERSION"),
            "secured": false,
        },
        "id": "limpid",
        "config": {"agentId": "limpid", "canonicalNaming": "false"},
        "info": {"proxy": {}, "jmx": {}},
    })
}

fn json_of(value: &BeanValue) -> Value {
    match value {
        BeanValue::Long(long) => json!(long),
        // JSON has no other numbers; Jolokia's agent says null, too.
        BeanValue::Double(double) if !double.is_finite() => Value::Null,
        BeanValue::Double(double) => json!(double),
        BeanValue::Bool(bool) => json!(bool),
        BeanValue::Text(text) => json!(text),
        BeanValue::Composite(items) => {
            let items = items
                .iter()
                .map(|(name, value)| ((*name).to_owned(), json_of(value)));
            Value::Object(items.collect())
        }
    }
}

fn java_type(value: &BeanValue) -> &'static str {
    match value {
        BeanValue::Long(_) => "long",
        BeanValue::Double(_) => "double",
        BeanValue::Bool(_) => "boolean",
        BeanValue::Text(_) => "java.lang.String",
        BeanValue::Composite(_) => "javax.management.openmbean.CompositeData",
    }
}

#[cfg(test)]
mod tests;
