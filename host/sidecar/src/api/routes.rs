//! Routes that tell what they take and answer: what is served is what stands in the document.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::http::StatusCode;
use axum::routing::{self, MethodFilter, MethodRouter};

use crate::credentials::Role;
use crate::openapi::{Described, Operation, Route, Schemas};
use crate::service::Service;

/// The routes of one role.
#[derive(Debug)]
pub(super) struct Routes {
    role: Option<Role>,
    pub(super) router: Router<Arc<Service>>,
    pub(super) described: Vec<Route>,
}

impl Routes {
    /// None yet. None for a role: those that are open.
    pub(super) fn of(role: Option<Role>) -> Self {
        Self { role, router: Router::new(), described: Vec::new() }
    }

    /// Who may.
    pub(super) fn role(&self) -> Option<Role> {
        self.role
    }

    /// With another path.
    pub(super) fn route(mut self, path: &'static str, methods: Methods) -> Self {
        self.router = self.router.route(path, methods.router);
        let role = self.role;
        self.described.extend(methods.described.into_iter().map(|method| Route {
            path,
            method: method.name,
            role,
            about: method.about,
            refuses: method.refuses,
            operation: method.operation,
        }));
        self
    }
}

/// What a path does by each of its methods.
#[derive(Debug, Default)]
pub(super) struct Methods {
    router: MethodRouter<Arc<Service>>,
    described: Vec<Method>,
}

#[derive(Debug)]
struct Method {
    name: &'static str,
    about: &'static str,
    refuses: &'static [StatusCode],
    operation: fn(&mut Schemas) -> Operation,
}

/// Those that a document can name (OpenAPI 3.1.0, section 4.8.9).
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// By GET.
pub(super) fn get<H: Handler<T, Arc<Service>> + Described<A>, T: 'static, A>(handler: H) -> Methods {
    Methods::default().on("get", MethodFilter::GET, handler)
}

/// By POST.
pub(super) fn post<H: Handler<T, Arc<Service>> + Described<A>, T: 'static, A>(handler: H) -> Methods {
    Methods::default().on("post", MethodFilter::POST, handler)
}

/// By any method there is.
pub(super) fn any<H: Handler<T, Arc<Service>> + Described<A>, T: 'static, A>(handler: H) -> Methods {
    let method = |name| Method { name, about: "", refuses: &[], operation: H::operation };
    Methods { router: routing::any(handler), described: METHODS.into_iter().map(method).collect() }
}

impl Methods {
    /// Also by GET.
    pub(super) fn get<H: Handler<T, Arc<Service>> + Described<A>, T: 'static, A>(self, handler: H) -> Self {
        self.on("get", MethodFilter::GET, handler)
    }

    /// Also by POST.
    pub(super) fn post<H: Handler<T, Arc<Service>> + Described<A>, T: 'static, A>(self, handler: H) -> Self {
        self.on("post", MethodFilter::POST, handler)
    }

    /// Also by DELETE.
    pub(super) fn delete<H: Handler<T, Arc<Service>> + Described<A>, T: 'static, A>(self, handler: H) -> Self {
        self.on("delete", MethodFilter::DELETE, handler)
    }

    /// What the methods do that were named since this was said last, and with what they may be refused beside what their types tell.
    pub(super) fn about(mut self, about: &'static str, refuses: &'static [StatusCode]) -> Self {
        for method in self.described.iter_mut().filter(|method| method.about.is_empty()) {
            method.about = about;
            method.refuses = refuses;
        }
        self
    }

    fn on<H, T, A>(mut self, name: &'static str, filter: MethodFilter, handler: H) -> Self
    where
        H: Handler<T, Arc<Service>> + Described<A>,
        T: 'static,
    {
        self.router = self.router.on(filter, handler);
        self.described.push(Method { name, about: "", refuses: &[], operation: H::operation });
        self
    }
}
