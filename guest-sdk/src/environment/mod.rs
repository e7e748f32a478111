//! The built-in capability `interlock:environment@0.1.0`: look at services, mend them, tear them down.
//!
//! Each interface is a module of its own with a constant `INTERFACE`, its full name. What a plugin
//! calls here is what its component imports, function by function; what it does not call, it does not
//! ask for. On the developer's machine the same functions meet [`crate::testing::Fake`].

#[cfg(target_family = "wasm")]
mod convert;
pub mod observe;
pub mod remediate;
pub mod teardown;
mod types;

pub use types::{Error, Health, Replica, ServiceConfig, ServiceStatus};

/// From the types of the other side, the host's or the fake's (which are already ours).
fn ours<T, U, E>(answer: Result<T, E>) -> Result<U, Error>
where
    U: From<T>,
    Error: From<E>,
{
    Ok(answer?.into())
}
