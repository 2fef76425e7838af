//! The signed policy, seen from outside: what is accepted, what is refused, and why.

#[cfg(test)]
mod admission;
#[cfg(test)]
mod attacks;
#[cfg(test)]
mod common;
#[cfg(test)]
mod document;
#[cfg(test)]
mod forgeries;
#[cfg(test)]
mod interoperability;
#[cfg(test)]
mod packing;
#[cfg(test)]
mod tampering;
