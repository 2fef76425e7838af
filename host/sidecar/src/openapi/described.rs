//! What a handler takes and answers, read off its signature.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::NoContent;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Operation, Schemas};
use crate::answer::{Answer, JSON};
use crate::problem::Problem;
use crate::service::Service;

/// A handler that tells what it takes and answers; `A` are the types of its arguments.
pub(crate) trait Described<A> {
    /// The operation that it is.
    fn operation(schemas: &mut Schemas) -> Operation;
}

/// What a handler takes.
pub(crate) trait Input {
    /// Says so.
    fn describe(operation: &mut Operation, schemas: &mut Schemas);
}

/// What a handler answers.
pub(crate) trait Output {
    /// Says so.
    fn describe(operation: &mut Operation, schemas: &mut Schemas);
}

macro_rules! described {
    ($($input:ident)*) => {
        impl<F, Answering, Answered, $($input),*> Described<($($input,)*)> for F
        where
            F: Fn($($input),*) -> Answering,
            Answering: Future<Output = Answered>,
            Answered: Output,
            $($input: Input,)*
        {
            fn operation(schemas: &mut Schemas) -> Operation {
                let mut operation = Operation::default();
                $($input::describe(&mut operation, schemas);)*
                Answered::describe(&mut operation, schemas);
                operation
            }
        }
    };
}

described!();
described!(A);
described!(A B);
described!(A B C);
described!(A B C D);

impl Input for State<Arc<Service>> {
    /// What is asked may take too long, or fail.
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        operation.refuses(StatusCode::SERVICE_UNAVAILABLE);
    }
}

/// Every refusal is of one form; which there are, is told by what is taken.
impl<T: Output> Output for Result<T, Problem> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        T::describe(operation, schemas);
    }
}

impl<T: JsonSchema + Serialize> Output for Answer<T> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        operation.answers(StatusCode::OK, JSON, schemas.answered::<T>());
    }
}

impl Output for NoContent {
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        operation.answers_nothing(StatusCode::NO_CONTENT);
    }
}
