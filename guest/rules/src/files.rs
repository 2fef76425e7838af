//! The documents laid out for the policy, as the host lends them: `wit/files.wit`.

use alloc::string::String;
use alloc::vec::Vec;

/// Why a document could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileError {
    /// No document of that name.
    NotFound,
    /// Longer than the host hands over.
    TooLarge,
    /// Anything else, for a log.
    Other(String),
}

/// The documents on offer, and the copies that the host kept. All calls within one load see the same moment.
pub trait Files {
    /// The names on offer, sorted bytewise.
    fn names(&self) -> Vec<String>;
    /// A document, whole.
    fn read(&self, name: &str) -> Result<Vec<u8>, FileError>;
    /// The names of which the host keeps the last adopted copy, whether or not they are still on offer.
    fn kept(&self) -> Vec<String>;
    /// That copy.
    fn recover(&self, name: &str) -> Result<Vec<u8>, FileError>;
}
