//! The built-in capability `interlock:files@0.1.0`: files below folders that the operator named.
//!
//! Each interface is a module of its own with a constant `INTERFACE`, its full name. What a plugin calls here is
//! what its component imports. On the developer's machine the same functions meet [`crate::testing::Fake`].

pub mod read;
pub mod remove;
mod types;
pub mod write;

pub use types::{Entry, Error, Info, Kind, Listing};

#[cfg(target_family = "wasm")]
mod convert;

/// From the types of the other side, the host's or the fake's (which are already ours).
fn ours<T, U, E>(answer: Result<T, E>) -> Result<U, Error>
where
    U: From<T>,
    Error: From<E>,
{
    Ok(answer?.into())
}
