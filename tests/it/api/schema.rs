//! JSON Schema as far as our own description uses it, and stricter: a field that is not described is
//! a mistake, as is a word that this does not know.

use serde_json::{Map, Value};

/// Words that say nothing about what is valid here.
const WORDS: [&str; 5] = ["title", "description", "default", "format", "$schema"];

/// A description with its schemas.
pub struct Document<'a> {
    schemas: &'a Map<String, Value>,
}

impl<'a> Document<'a> {
    pub fn new(description: &'a Value) -> Self {
        let schemas = description["components"]["schemas"].as_object().unwrap();
        Self { schemas }
    }

    /// Fails unless the value is what a response says.
    pub fn check(&self, response: &Value, value: &Value, what: &str) {
        let schema = &response["content"]["application/json"]["schema"];
        if let Err(why) = self.valid(schema, value) {
            panic!("{what}: {why}");
        }
    }

    fn valid(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let schema = match schema {
            Value::Bool(true) => return Ok(()),
            Value::Object(schema) => schema,
            other => return Err(format!("no schema: {other}")),
        };
        for (word, rule) in schema {
            let rule_of = |rule: &Value| self.valid(rule, value);
            match word.as_str() {
                "$ref" => {
                    let name = rule.as_str().unwrap().rsplit('/').next().unwrap();
                    let named = self.schemas.get(name);
                    self.valid(named.ok_or(format!("no schema {name}"))?, value)?;
                }
                "type" => is_of_type(rule, value)?,
                "enum" if rule.as_array().unwrap().contains(value) => {}
                "const" if rule == value => {}
                "minimum" if value.as_f64().is_none_or(|n| n >= rule.as_f64().unwrap()) => {}
                "maximum" if value.as_f64().is_none_or(|n| n <= rule.as_f64().unwrap()) => {}
                "anyOf" | "oneOf" => {
                    let all = rule.as_array().unwrap().iter().map(rule_of);
                    let failures: Vec<_> = all.filter_map(Result::err).collect();
                    if failures.len() == rule.as_array().unwrap().len() {
                        return Err(format!("none of {word}: {failures:?}"));
                    }
                }
                "allOf" => rule.as_array().unwrap().iter().try_for_each(rule_of)?,
                "items" => {
                    let items = value.as_array().into_iter().flatten();
                    items.enumerate().try_for_each(|(at, item)| {
                        self.valid(rule, item).map_err(|why| format!("[{at}]{why}"))
                    })?;
                }
                "prefixItems" => {
                    let items = value.as_array().into_iter().flatten();
                    let mut pairs = rule.as_array().unwrap().iter().zip(items);
                    pairs.try_for_each(|(rule, item)| self.valid(rule, item))?;
                }
                "minItems" | "maxItems" => {
                    let count = value.as_array().map(|items| items.len() as u64);
                    let bound = rule.as_u64();
                    let fits = if word == "minItems" {
                        count >= bound
                    } else {
                        count <= bound
                    };
                    fits.then_some(())
                        .ok_or(format!("{word} {rule}: {value}"))?;
                }
                "required" => {
                    let names = rule.as_array().unwrap().iter().map(|n| n.as_str().unwrap());
                    let missing: Vec<_> = names.filter(|n| value.get(n).is_none()).collect();
                    missing
                        .is_empty()
                        .then_some(())
                        .ok_or(format!("without {missing:?}"))?;
                }
                "properties" | "additionalProperties" => self.fields(schema, value)?,
                word if WORDS.contains(&word) => {}
                _ => return Err(format!("{word} {rule} is not so of {value}")),
            }
        }
        Ok(())
    }

    fn fields(&self, schema: &Map<String, Value>, value: &Value) -> Result<(), String> {
        let known = schema.get("properties").and_then(Value::as_object);
        let others = schema.get("additionalProperties");
        for (name, value) in value.as_object().into_iter().flatten() {
            let rule = known.and_then(|known| known.get(name)).or(others);
            let rule = rule.ok_or_else(|| format!(".{name} is not described"))?;
            self.valid(rule, value)
                .map_err(|why| format!(".{name}{why}"))?;
        }
        Ok(())
    }
}

fn is_of_type(rule: &Value, value: &Value) -> Result<(), String> {
    let is = |kind: &Value| match kind.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        other => panic!("no type {other}"),
    };
    let fits = match rule {
        Value::Array(several) => several.iter().any(is),
        one => is(one),
    };
    fits.then_some(()).ok_or(format!(" is no {rule}: {value}"))
}
