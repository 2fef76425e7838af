//! Routes that tell what they take and answer: what is served is what stands in the document.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::http::{Method, StatusCode};
use axum::routing::{self, MethodFilter, MethodRouter};

use super::authorize::{Admitted, Answering, Guarded};
use crate::credentials::Role;
use crate::openapi::{self, Operation, Route, Schemas};
use crate::service::Service;

/// The routes of one role.
pub(super) struct Routes {
    role: Option<Role>,
    pub(super) router: Router<Arc<Service>>,
    pub(super) direct: Direct,
    pub(super) described: Vec<Route>,
}

/// Who answers at a path without parameters, by method; none: by any. The same as the router has, in one step: it is asked for each request.
pub(super) type Direct = HashMap<&'static str, Vec<(Option<Method>, Direction)>>;

/// Answers.
pub(super) type Direction = Arc<dyn Fn(Request, Arc<Service>) -> Answering + Send + Sync>;

impl Routes {
    /// None yet. None for a role: those that are open.
    pub(super) fn of(role: Option<Role>) -> Self {
        Self { role, router: Router::new(), direct: Direct::new(), described: Vec::new() }
    }

    /// With another path.
    pub(super) fn route(mut self, path: &'static str, methods: Methods) -> Self {
        let role = self.role;
        let mut router = MethodRouter::new();
        for guard in methods.guarded {
            let (one, direction) = guard(role);
            router = router.merge(one);
            if !path.contains('{') {
                self.direct.entry(path).or_default().push(direction);
            }
        }
        self.router = self.router.route(path, router);
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
#[derive(Default)]
pub(super) struct Methods {
    guarded: Vec<Guard>,
    described: Vec<Described>,
}

/// Makes a method for who has a role.
type Guard = Box<dyn FnOnce(Option<Role>) -> (MethodRouter<Arc<Service>>, (Option<Method>, Direction))>;

/// What answers, and tells what it takes and answers.
pub(super) trait Answers<T, A>: Handler<T, Admitted, Future = Answering> + Sync + openapi::Described<A> {}

impl<H: Handler<T, Admitted, Future = Answering> + Sync + openapi::Described<A>, T, A> Answers<T, A> for H {}

#[derive(Debug)]
struct Described {
    name: &'static str,
    about: &'static str,
    refuses: &'static [StatusCode],
    operation: fn(&mut Schemas) -> Operation,
}

/// Those that a document can name (OpenAPI 3.1.0, section 4.8.9).
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// By GET.
pub(super) fn get<T: 'static, A>(handler: impl Answers<T, A>) -> Methods {
    Methods::default().on("get", Method::GET, MethodFilter::GET, handler)
}

/// By POST.
pub(super) fn post<T: 'static, A>(handler: impl Answers<T, A>) -> Methods {
    Methods::default().on("post", Method::POST, MethodFilter::POST, handler)
}

/// By any method there is.
pub(super) fn any<H: Answers<T, A>, T: 'static, A>(handler: H) -> Methods {
    let described = |name| Described { name, about: "", refuses: &[], operation: H::operation };
    let guard: Guard = Box::new(|role| {
        let guarded = Guarded { handler, role };
        (routing::any(guarded.clone()), (None, directed(guarded)))
    });
    Methods { guarded: vec![guard], described: METHODS.into_iter().map(described).collect() }
}

impl Methods {
    /// Also by GET.
    pub(super) fn get<T: 'static, A>(self, handler: impl Answers<T, A>) -> Self {
        self.on("get", Method::GET, MethodFilter::GET, handler)
    }

    /// Also by POST.
    pub(super) fn post<T: 'static, A>(self, handler: impl Answers<T, A>) -> Self {
        self.on("post", Method::POST, MethodFilter::POST, handler)
    }

    /// Also by DELETE.
    pub(super) fn delete<T: 'static, A>(self, handler: impl Answers<T, A>) -> Self {
        self.on("delete", Method::DELETE, MethodFilter::DELETE, handler)
    }

    /// What the methods do that were named since this was said last, and with what they may be refused beside what their types tell.
    pub(super) fn about(mut self, about: &'static str, refuses: &'static [StatusCode]) -> Self {
        for method in self.described.iter_mut().filter(|method| method.about.is_empty()) {
            method.about = about;
            method.refuses = refuses;
        }
        self
    }

    fn on<H: Answers<T, A>, T: 'static, A>(
        mut self,
        name: &'static str,
        method: Method,
        filter: MethodFilter,
        handler: H,
    ) -> Self {
        self.guarded.push(Box::new(move |role| {
            let guarded = Guarded { handler, role };
            (MethodRouter::new().on(filter, guarded.clone()), (Some(method), directed(guarded)))
        }));
        self.described.push(Described { name, about: "", refuses: &[], operation: H::operation });
        self
    }
}

fn directed<H: Answers<T, A>, T: 'static, A>(guarded: Guarded<H>) -> Direction {
    Arc::new(move |request, service| guarded.clone().call(request, service))
}
