//! Rust expressions for one field: its type, default, and the test whether it has its default.

use super::model::{Field, Type};

/// Rust's type of the field.
pub fn rust_type(field: &Field) -> String {
    let plain = plain_type(&field.kind);
    if field.nullable.is_some() {
        format!("Option<{plain}>")
    } else {
        plain
    }
}

fn plain_type(kind: &Type) -> String {
    match kind {
        Type::Scalar(name, _) => (*name).to_owned(),
        Type::Uuid => "Uuid".to_owned(),
        Type::Text => "String".to_owned(),
        Type::Bytes | Type::Records => "Bytes".to_owned(),
        Type::Struct(name) => name.clone(),
        Type::Array(element) => format!("Vec<{}>", plain_type(element)),
    }
}

/// Whether the default is null; records default to it always.
fn null_default(field: &Field) -> bool {
    let asked = field.default.as_deref() == Some("null") || field.kind == Type::Records;
    asked && field.nullable.is_some()
}

/// The default as an expression; `None` if it is that of Rust's type.
pub fn default(field: &Field) -> Option<String> {
    if field.nullable.is_some() {
        if null_default(field) {
            return None;
        }
        return Some(match &field.kind {
            Type::Text => format!("Some({:?}.to_owned())", text_default(field)),
            Type::Array(_) => "Some(Vec::new())".to_owned(),
            Type::Struct(name) => format!("Some({name}::default())"),
            _ => "Some(Bytes::new())".to_owned(),
        })
        .map(|text| text.replace("\"\".to_owned()", "String::new()"));
    }
    match &field.kind {
        Type::Scalar("bool", _) => (scalar(field) == "true").then(|| "true".to_owned()),
        Type::Scalar(..) => {
            let value = scalar(field);
            (!matches!(value.as_str(), "0" | "0.0")).then_some(value)
        }
        Type::Text if !text_default(field).is_empty() => {
            Some(format!("{:?}.to_owned()", text_default(field)))
        }
        _ => None,
    }
}

fn text_default(field: &Field) -> &str {
    field.default.as_deref().unwrap_or_default()
}

/// Literal of a number's or boolean's default.
fn scalar(field: &Field) -> String {
    let text = field.default.as_deref().unwrap_or_default();
    match field.kind {
        Type::Scalar("bool", _) if text.is_empty() => "false".to_owned(),
        Type::Scalar("f64", _) if text.is_empty() => "0.0".to_owned(),
        Type::Scalar(..) if text.is_empty() => "0".to_owned(),
        Type::Scalar("i64", _) if text == "9223372036854775807" => "i64::MAX".to_owned(),
        Type::Scalar("i32", _) if text == "0x7fffffff" => "i32::MAX".to_owned(),
        Type::Scalar("i32", _) if text == "-2147483648" => "i32::MIN".to_owned(),
        _ => text.to_owned(),
    }
}

/// Expression: the field has another value than its default.
pub fn is_set(field: &Field) -> String {
    let value = format!("self.{}", field.ident);
    if field.nullable.is_some() {
        if null_default(field) {
            return format!("{value}.is_some()");
        }
        return match &field.kind {
            Type::Text => format!("{value}.as_deref() != Some({:?})", text_default(field)),
            Type::Struct(name) => format!("{value} != Some({name}::default())"),
            _ => format!("!{value}.as_ref().is_some_and(|list| list.is_empty())"),
        };
    }
    match &field.kind {
        Type::Scalar("bool", _) if scalar(field) == "true" => format!("!{value}"),
        Type::Scalar("bool", _) => value,
        Type::Scalar(..) => format!("{value} != {}", scalar(field)),
        Type::Uuid => format!("{value} != Uuid::ZERO"),
        Type::Text if text_default(field).is_empty() => format!("!{value}.is_empty()"),
        Type::Text => format!("{value} != {:?}", text_default(field)),
        Type::Struct(name) => format!("{value} != {name}::default()"),
        Type::Bytes | Type::Records | Type::Array(_) => format!("!{value}.is_empty()"),
    }
}

/// Expression that reads the field; `nullable` as it is in the version at hand.
pub fn read(field: &Field, nullable: bool, flex: &str) -> String {
    let prefix = if nullable { "nullable_" } else { "" };
    let value = match &field.kind {
        Type::Scalar(name, _) => format!("r.{name}()?"),
        Type::Uuid => "r.uuid()?".to_owned(),
        Type::Text => format!("r.{prefix}string({flex})?"),
        Type::Bytes | Type::Records => format!("r.{prefix}bytes({flex})?"),
        Type::Struct(_) if nullable && field.tag.is_some() => {
            "if r.tagged_present()? { Some(Element::read(r, version)?) } else { None }".to_owned()
        }
        Type::Struct(_) if nullable => {
            "if r.present()? { Some(Element::read(r, version)?) } else { None }".to_owned()
        }
        Type::Struct(_) => "Element::read(r, version)?".to_owned(),
        Type::Array(element) if **element == Type::Text => {
            format!("r.{prefix}strings({flex})?")
        }
        Type::Array(_) => format!("r.{prefix}array({flex}, version)?"),
    };
    if field.nullable.is_some() && !nullable {
        format!("Some({value})")
    } else {
        value
    }
}

/// Statement that writes the field.
pub fn write(field: &Field, flex: &str) -> String {
    let nullable = field.nullable.is_some();
    let value = format!("self.{}", field.ident);
    let (prefix, slice) = if nullable {
        ("nullable_", format!("{value}.as_deref()"))
    } else {
        ("", format!("&{value}"))
    };
    match &field.kind {
        Type::Scalar(name, _) => format!("codec::put_{name}(w, {value});"),
        Type::Uuid => format!("codec::put_uuid(w, {value});"),
        Type::Text => format!("codec::put_{prefix}string(w, {slice}, {flex})?;"),
        Type::Bytes | Type::Records if nullable => {
            format!("codec::put_nullable_bytes(w, {value}.as_ref(), {flex})?;")
        }
        Type::Bytes | Type::Records => format!("codec::put_bytes(w, {slice}, {flex})?;"),
        Type::Struct(_) if nullable && field.tag.is_some() => {
            format!("codec::put_tagged_struct(w, {value}.as_ref(), version)?;")
        }
        Type::Struct(_) if nullable => {
            format!("codec::put_nullable_struct(w, {value}.as_ref(), version)?;")
        }
        Type::Struct(_) => format!("{value}.write(w, version)?;"),
        Type::Array(element) if **element == Type::Text => {
            format!("codec::put_{prefix}strings(w, {slice}, {flex})?;")
        }
        Type::Array(_) => format!("codec::put_{prefix}array(w, {slice}, {flex}, version)?;"),
    }
}
