//! `placet:policy/files`: one [`Snapshot`] of the documents, for the whole life of an instance.

use std::sync::Arc;

use wasmtime::component::{HasSelf, Linker};

use super::Calls;
use crate::bindings::placet::policy::files::{self, Error, Host};
use crate::documents::{DocumentError, Snapshot};
use crate::limits;

/// What an instance sees of the documents.
#[derive(Debug)]
pub(crate) struct FilesCapability {
    snapshot: Arc<Snapshot>,
    /// What is left of the present call.
    pub(crate) calls: Calls,
}

impl FilesCapability {
    /// The documents of one moment.
    pub(crate) fn new(snapshot: Arc<Snapshot>) -> Self {
        Self { snapshot, calls: Calls::new(limits::LOAD.host_calls) }
    }

    /// Puts the interface within the reach of every instance made by `linker`.
    pub(crate) fn add_to_linker<T: 'static>(
        linker: &mut Linker<T>,
        view: fn(&mut T) -> &mut Self,
    ) -> wasmtime::Result<()> {
        files::add_to_linker::<T, HasSelf<Self>>(linker, view)
    }
}

impl Host for FilesCapability {
    fn names(&mut self) -> wasmtime::Result<Vec<String>> {
        self.calls.take()?;
        Ok(self.snapshot.names())
    }

    fn read(&mut self, name: String) -> wasmtime::Result<Result<Vec<u8>, Error>> {
        self.calls.take()?;
        Ok(answer(self.snapshot.read(&name)))
    }

    fn kept(&mut self) -> wasmtime::Result<Vec<String>> {
        self.calls.take()?;
        Ok(self.snapshot.kept())
    }

    fn recover(&mut self, name: String) -> wasmtime::Result<Result<Vec<u8>, Error>> {
        self.calls.take()?;
        Ok(answer(self.snapshot.recover(&name)))
    }
}

fn answer(content: Result<Arc<[u8]>, DocumentError>) -> Result<Vec<u8>, Error> {
    content.map(|content| content.to_vec()).map_err(|error| match error {
        DocumentError::NotFound => Error::NotFound,
        DocumentError::TooLarge => Error::TooLarge,
        DocumentError::Other(reason) => Error::Other(reason.into_owned()),
    })
}
