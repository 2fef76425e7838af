//! Policies that a vendor's key signed and that misbehave nevertheless: each is contained, and the next call is answered.

mod bodies;
mod calls;
mod imports;
mod loading;
mod results;
mod text;
