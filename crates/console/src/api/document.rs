//! `/api/v1/openapi.json`: the table of endpoints as OpenAPI 3.1.

use limpid_access::Permission;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::endpoint::{Endpoint, Method};
use super::{ENDPOINTS, ROOT};
use crate::app::App;

/// What there is instead of an answer.
#[derive(Serialize, JsonSchema)]
struct Problem {
    /// A sentence.
    error: String,
}

/// The description of what this console serves.
pub(super) fn document(app: &App) -> Value {
    let settings = SchemaSettings::draft2020_12()
        .for_serialize()
        .with(|settings| settings.definitions_path = "/components/schemas".into());
    let mut schemas = settings.into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for endpoint in ENDPOINTS.iter().filter(|endpoint| endpoint.is_served(app)) {
        let path = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        path[endpoint.method.name()] = endpoint.described(&mut schemas);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Limpid",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What the console shows and can do. Numbers are those of the pages and of \
                            /metrics; each answer says when its snapshot was taken.",
        },
        "servers": [{"url": app.links.top(ROOT)}],
        "security": [{}, {"token": []}, {"password": []}],
        "paths": paths,
        "components": {
            "schemas": schemas.take_definitions(true),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "password": {"type": "http", "scheme": "basic"},
            },
        },
    })
}

impl Method {
    const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Put => "put",
            Self::Patch => "patch",
            Self::Post => "post",
            Self::Delete => "delete",
        }
    }
}

impl Endpoint {
    fn described(&self, schemas: &mut SchemaGenerator) -> Value {
        let json = |schema: Value| json!({"application/json": {"schema": schema}});
        let answer = (self.answer)(schemas).to_value();
        let problem = schemas.subschema_for::<Problem>().to_value();
        let bad = |why: &str| json!({"description": why, "content": json(problem.clone())});
        let roles: Vec<&str> = self.permissions.iter().map(|p| role(*p)).collect();
        let mut described = json!({
            "operationId": self.name,
            "summary": self.summary,
            "description": format!("Needs {}.", roles.join(" and ")),
            "parameters": self.parameters(),
            "responses": {
                "200": {"description": self.summary, "content": json(answer)},
                "400": bad("what is asked for makes no sense"),
                "401": {"description": "a login is needed"},
                "403": bad("a role is missing"),
                "404": bad("there is nothing of that name"),
                "503": bad("the broker is not there yet"),
            },
        });
        if let Some(body) = self.body {
            let body = body(schemas).to_value();
            described["requestBody"] = json!({"required": true, "content": json(body)});
        }
        described
    }

    fn parameters(&self) -> Vec<Value> {
        let names = self.path.split('/');
        let names = names.filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let of_path = names.map(|name| {
            json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})
        });
        let of_query = self.query.iter().map(|parameter| {
            let kind = match parameter.number {
                true => "integer",
                false => "string",
            };
            json!({
                "name": parameter.name,
                "in": "query",
                "description": parameter.description,
                "schema": {"type": kind},
            })
        });
        of_path.chain(of_query).collect()
    }
}

const fn role(permission: Permission) -> &'static str {
    match permission {
        Permission::View => "the role viewer",
        Permission::ReadPayloads => "the role payloads",
        Permission::Operate => "the role operator",
        Permission::Administer => "the role admin",
    }
}
