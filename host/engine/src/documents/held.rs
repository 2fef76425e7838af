//! Documents that are installed for this run alone: they are in memory, and nowhere else.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Those documents, by name; shared by its clones. Their content is not for logs.
#[derive(Clone, Default)]
pub(crate) struct Held(Arc<Mutex<Contents>>);

#[derive(Default)]
struct Contents {
    documents: BTreeMap<String, Arc<[u8]>>,
    replaced: Option<Replaced>,
}

/// What the last change of these documents replaced.
#[derive(Clone)]
pub(crate) struct Replaced {
    pub(crate) name: String,
    /// None: nothing was held under that name.
    pub(crate) content: Option<Arc<[u8]>>,
}

impl Held {
    /// All of them.
    pub(crate) fn all(&self) -> BTreeMap<String, Arc<[u8]>> {
        self.contents().documents.clone()
    }

    /// Holds a document under a name, or none any more. Answers what that replaced.
    pub(crate) fn put(&self, name: &str, content: Option<Arc<[u8]>>) -> Replaced {
        let mut contents = self.contents();
        let before = match content {
            Some(content) => contents.documents.insert(name.to_owned(), content),
            None => contents.documents.remove(name),
        };
        Replaced { name: name.to_owned(), content: before }
    }

    /// What the last change replaced.
    pub(crate) fn replaced(&self) -> Option<Replaced> {
        self.contents().replaced.clone()
    }

    /// Remembers what a change replaced that counts; none where the last change is of another kind of documents.
    pub(crate) fn remember(&self, replaced: Option<Replaced>) {
        self.contents().replaced = replaced;
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.all().keys()).finish()
    }
}
