//! What an answer says when there is no value.

use serde_json::{Map, Value, json};

/// Jolokia's status and the Java exception that clients know it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// As in HTTP; the HTTP status itself stays 200.
    pub status: u16,
    /// The name of the exception.
    pub exception: &'static str,
    /// What is wrong.
    pub message: String,
}

impl Failure {
    /// The request makes no sense.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self {
            status: 400,
            exception: "java.lang.IllegalArgumentException",
            message: message.into(),
        }
    }

    /// No name of a bean.
    pub fn malformed(message: impl Into<String>) -> Self {
        Self {
            status: 400,
            exception: "javax.management.MalformedObjectNameException",
            message: message.into(),
        }
    }

    /// There is no such bean.
    pub fn no_bean(name: &str) -> Self {
        Self {
            status: 404,
            exception: "javax.management.InstanceNotFoundException",
            message: name.to_owned(),
        }
    }

    /// There is no such attribute, or nothing at a path.
    pub fn no_attribute(message: impl Into<String>) -> Self {
        Self {
            status: 404,
            exception: "javax.management.AttributeNotFoundException",
            message: message.into(),
        }
    }

    /// Not allowed.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self {
            status: 403,
            exception: "java.lang.SecurityException",
            message: message.into(),
        }
    }

    /// Something went wrong here.
    pub fn internal(message: impl Into<String>) -> Self {
        Self {
            status: 500,
            exception: "java.lang.IllegalStateException",
            message: message.into(),
        }
    }

    /// More beans than one answer may tell of.
    pub fn too_much(most: usize) -> Self {
        Self {
            status: 500,
            exception: "java.lang.IllegalStateException",
            message: format!("one HTTP request may be told of {most} beans: ask for fewer at once"),
        }
    }

    /// As fields of an answer.
    pub fn fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        fields.insert("error".to_owned(), json!(self.sentence()));
        fields.insert("error_type".to_owned(), json!(self.exception));
        if self.exception.starts_with("javax.management.") {
            fields.insert("error_type_jmx".to_owned(), json!(self.exception));
        }
        fields.insert(".error".to_owned(), json!(true));
        fields.insert("status".to_owned(), json!(self.status));
        fields
    }

    /// Exception and message in one.
    pub fn sentence(&self) -> String {
        format!("{} : {}", self.exception, self.message)
    }
}
