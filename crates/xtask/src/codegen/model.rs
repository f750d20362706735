//! Specifications resolved into what the code needs: types, defaults, ranges cut to what can occur.

use anyhow::{Context, Result, ensure};

use super::names;
use super::overrides;
use super::spec::{self, Kind, Spec, Versions};

/// One message, that is one generated file.
pub struct Message {
    pub name: String,
    pub module: String,
    pub kind: Kind,
    pub api_key: Option<i16>,
    pub origin: String,
    pub valid: Versions,
    pub stable_max: i16,
    pub flexible: Option<Versions>,
    /// The message itself first, then the structures in it.
    pub structs: Vec<Struct>,
}

/// The message's own structure or one inside it.
pub struct Struct {
    pub name: String,
    /// Versions in which it can occur.
    pub possible: Versions,
    pub fields: Vec<Field>,
}

/// One field, its ranges cut to the versions of its structure.
pub struct Field {
    pub name: String,
    pub ident: String,
    pub kind: Type,
    pub versions: Versions,
    pub nullable: Option<Versions>,
    pub tag: Option<u32>,
    pub ignorable: bool,
    pub default: Option<String>,
}

/// Type of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// A fixed-size number or boolean: Rust's name, reader's and writer's name, size in bytes.
    Scalar(&'static str, usize),
    Uuid,
    Text,
    Bytes,
    Records,
    Struct(String),
    Array(Box<Type>),
}

impl Type {
    fn parse(name: &str) -> Self {
        if let Some(element) = name.strip_prefix("[]") {
            return Self::Array(Box::new(Self::parse(element)));
        }
        match name {
            "bool" => Self::Scalar("bool", 1),
            "int8" => Self::Scalar("i8", 1),
            "int16" => Self::Scalar("i16", 2),
            "uint16" => Self::Scalar("u16", 2),
            "int32" => Self::Scalar("i32", 4),
            "int64" => Self::Scalar("i64", 8),
            "float64" => Self::Scalar("f64", 8),
            "uuid" => Self::Uuid,
            "string" => Self::Text,
            "bytes" => Self::Bytes,
            "records" => Self::Records,
            other => Self::Struct(other.to_owned()),
        }
    }

    /// Name of the structure inside, if there is one.
    pub fn structure(&self) -> Option<&str> {
        match self {
            Self::Struct(name) => Some(name),
            Self::Array(element) => element.structure(),
            _ => None,
        }
    }
}

impl Message {
    /// Resolves a specification; `None` if no code is wanted for it.
    pub fn new(spec: &Spec) -> Result<Option<Self>> {
        let Some(mut message) = Self::wanted(spec) else {
            return Ok(None);
        };
        message.add_struct(&spec.name, message.valid, &spec.fields)?;
        for common in &spec.common_structs {
            let declared = common
                .versions
                .context("common structure without versions")?;
            if let Some(possible) = declared.and(message.valid) {
                message.add_struct(&common.name, possible, &common.fields)?;
            }
        }
        message.check()?;
        Ok(Some(message))
    }

    /// The outside of a message whose inside is written by hand.
    pub fn outline(spec: &Spec) -> Self {
        Self::wanted(spec).unwrap_or_else(|| panic!("{} is written by hand but dropped", spec.name))
    }

    fn wanted(spec: &Spec) -> Option<Self> {
        let valid = overrides::versions(&spec.name, spec.valid_versions?);
        let stem = spec
            .name
            .trim_end_matches("Request")
            .trim_end_matches("Response");
        if overrides::HEADERS.contains(&spec.name.as_str()) || overrides::SKIPPED.contains(&stem) {
            return None;
        }
        let stable_max = valid.high - i16::from(spec.latest_version_unstable);
        Some(Self {
            name: spec.name.clone(),
            module: names::snake(&spec.name),
            kind: spec.kind,
            api_key: spec.api_key,
            origin: spec.origin.clone(),
            valid,
            stable_max,
            flexible: spec
                .flexible_versions
                .and_then(|flexible| flexible.and(valid)),
            structs: Vec::new(),
        })
    }

    fn add_struct(&mut self, name: &str, possible: Versions, fields: &[spec::Field]) -> Result<()> {
        ensure!(
            self.structs.iter().all(|known| known.name != name),
            "{name} is defined twice"
        );
        let index = self.structs.len();
        self.structs.push(Struct {
            name: name.to_owned(),
            possible,
            fields: Vec::new(),
        });
        for field in fields {
            let field_context = || format!("field {} of {name}", field.name);
            let Some(resolved) = Field::new(field, possible).with_context(field_context)? else {
                continue;
            };
            if let (Some(inner), false) = (resolved.kind.structure(), field.fields.is_empty()) {
                self.add_struct(inner, resolved.versions, &field.fields)?;
            }
            self.structs[index].fields.push(resolved);
        }
        Ok(())
    }

    /// What the emitter relies on.
    fn check(&self) -> Result<()> {
        for structure in &self.structs {
            for field in &structure.fields {
                let context = format!("{}.{}", structure.name, field.name);
                if let Some(inner) = field.kind.structure() {
                    self.structure(inner).with_context(|| context.clone())?;
                }
                let mixed = field
                    .nullable
                    .is_some_and(|nullable| nullable != field.versions);
                let is_struct = matches!(field.kind, Type::Struct(_));
                ensure!(
                    !(mixed && is_struct),
                    "{context}: nullable in some versions only"
                );
                if field.tag.is_some() {
                    let flexible = self
                        .flexible
                        .context("tag in a message that is not flexible")?;
                    ensure!(
                        flexible.and(field.versions) == Some(field.versions),
                        "{context}: tag"
                    );
                }
            }
        }
        Ok(())
    }

    /// The structure of that name.
    pub fn structure(&self, name: &str) -> Result<&Struct> {
        let found = self.structs.iter().find(|structure| structure.name == name);
        found.with_context(|| format!("no structure {name} in {}", self.name))
    }

    /// Whether the version has tagged fields and short lengths.
    pub fn is_flexible(&self, version: i16) -> bool {
        self.flexible
            .is_some_and(|flexible| flexible.contains(version))
    }

    /// The fewest bytes that the structure takes in any version in which it can occur.
    pub fn min_size(&self, structure: &Struct) -> usize {
        let Versions { low, high } = structure.possible;
        (low..=high)
            .map(|version| self.min_size_in(structure, version))
            .min()
            .unwrap_or(0)
            .max(1)
    }

    fn min_size_in(&self, structure: &Struct, version: i16) -> usize {
        let flexible = self.is_flexible(version);
        let there = |field: &&Field| field.tag.is_none() && field.versions.contains(version);
        let sizes = structure
            .fields
            .iter()
            .filter(there)
            .map(|field| match &field.kind {
                Type::Scalar(_, size) => *size,
                Type::Uuid => 16,
                Type::Struct(_) if field.nullable.is_some() => 1,
                Type::Struct(name) => self
                    .structure(name)
                    .map_or(0, |inner| self.min_size_in(inner, version)),
                _ if flexible => 1,
                Type::Text => 2,
                Type::Bytes | Type::Records | Type::Array(_) => 4,
            });
        sizes.sum::<usize>() + usize::from(flexible)
    }
}

impl Field {
    /// `None` if the field occurs in none of the possible versions.
    fn new(field: &spec::Field, possible: Versions) -> Result<Option<Self>> {
        // Fields that are tagged in all their versions may leave the other range out.
        let declared = field
            .versions
            .or(field.tagged_versions)
            .context("no versions")?;
        let Some(versions) = declared.and(possible) else {
            return Ok(None);
        };
        let tag = match (field.tag, field.tagged_versions) {
            (Some(tag), Some(tagged)) => {
                ensure!(
                    tagged.and(versions) == Some(versions),
                    "tagged in some versions only"
                );
                Some(tag)
            }
            (None, None) => None,
            _ => anyhow::bail!("tag and taggedVersions go together"),
        };
        Ok(Some(Self {
            name: names::upper(&field.name),
            ident: names::field(&field.name),
            kind: Type::parse(&field.kind),
            versions,
            nullable: field
                .nullable_versions
                .and_then(|nullable| nullable.and(versions)),
            tag,
            ignorable: field.ignorable,
            default: field.default.clone(),
        }))
    }
}
