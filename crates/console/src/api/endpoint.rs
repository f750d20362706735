//! What an address of `/api/v1` is made of.

use std::sync::Arc;

use axum::middleware;
use axum::routing::MethodRouter;
use limpid_access::Permission;
use schemars::{Schema, SchemaGenerator};

use crate::app::App;
use crate::routes::{known_cluster, may};

/// One method of one path.
pub(super) struct Endpoint {
    pub(super) method: Method,
    /// Below [`ROOT`].
    pub(super) path: &'static str,
    /// A name for generated clients.
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    /// What the visitor must be granted, of the topic in the path or of the cluster.
    pub(super) permissions: &'static [Permission],
    pub(super) query: &'static [Parameter],
    pub(super) body: Option<fn(&mut SchemaGenerator) -> Schema>,
    pub(super) answer: fn(&mut SchemaGenerator) -> Schema,
    pub(super) needs: Needs,
    pub(super) route: fn() -> MethodRouter<Arc<App>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Put,
    Patch,
    Post,
    Delete,
}

/// What must be there for an endpoint to be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    Nothing,
    Records,
    Node,
    Admins,
}

/// A parameter of a query.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    /// Whether it is a whole number, not text.
    pub(super) number: bool,
}

pub(super) const fn text(name: &'static str, description: &'static str) -> Parameter {
    Parameter {
        name,
        description,
        number: false,
    }
}

pub(super) const fn number(name: &'static str, description: &'static str) -> Parameter {
    Parameter {
        name,
        description,
        number: true,
    }
}

pub(super) const FILTER: Parameter = text("q", "only names that contain this");
pub(super) const ORDER: Parameter = text(
    "sort",
    "a column, with a minus before it for the other direction",
);
pub(super) const PAGE: Parameter = number("page", "pages have 100 rows and begin at 1");

const VIEW: &[Permission] = &[Permission::View];
pub(super) const READ: &[Permission] = &[Permission::View, Permission::ReadPayloads];
pub(super) const OPERATE: &[Permission] = &[Permission::Operate];
pub(super) const ADMINISTER: &[Permission] = &[Permission::Administer];

/// A GET that everybody may ask who sees the cluster.
pub(super) const fn look(
    path: &'static str,
    name: &'static str,
    summary: &'static str,
    answer: fn(&mut SchemaGenerator) -> Schema,
    route: fn() -> MethodRouter<Arc<App>>,
) -> Endpoint {
    Endpoint {
        method: Method::Get,
        path,
        name,
        summary,
        permissions: VIEW,
        query: &[],
        body: None,
        answer,
        needs: Needs::Nothing,
        route,
    }
}

impl Endpoint {
    /// Whether it is there.
    pub(super) fn is_served(&self, app: &App) -> bool {
        match self.needs {
            Needs::Nothing => true,
            Needs::Records => app.browsers.is_some(),
            Needs::Node => app.node.is_some(),
            Needs::Admins => app.admins.is_some(),
        }
    }

    /// The route, for those who may.
    pub(super) fn guarded(&self, app: &Arc<App>) -> MethodRouter<Arc<App>> {
        let ask = |route: MethodRouter<Arc<App>>, permission: &Permission| {
            let layer = middleware::from_fn_with_state((Arc::clone(app), *permission), may);
            route.route_layer(layer)
        };
        let route = self.permissions.iter().fold((self.route)(), ask);
        if !self.path.contains("{cluster}") {
            return route;
        }
        route.route_layer(middleware::from_fn_with_state(
            Arc::clone(app),
            known_cluster,
        ))
    }
}
