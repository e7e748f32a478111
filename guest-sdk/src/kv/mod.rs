//! The built-in capability `interlock:kv@0.1.0`: keys and values that a plugin keeps between its runs.
//!
//! The keys are the plugin's own: the host says which plugin calls, and nothing here can name another's. On the
//! developer's machine the same functions meet [`crate::testing::Fake`].
//!
//! ```
//! use interlock_guest::kv::{read, remove, write};
//! use interlock_guest::testing::Fake;
//!
//! let fake = Fake::new().keeps("mail/last-seen", "41").install();
//! let seen = read::get("mail/last-seen").unwrap();
//! write::set_if("mail/last-seen", seen.as_deref(), "42").unwrap();
//! assert!(remove::delete("mail/last-seen").unwrap());
//! assert_eq!(fake.effects(), ["set-if(mail, last-seen, 41, 42)", "delete(mail, last-seen)"]);
//! ```

#[cfg(target_family = "wasm")]
mod convert;
mod error;
pub mod read;
pub mod remove;
pub mod write;

pub use error::Error;

/// Some of the keys, in the order of their bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The keys.
    pub keys: Vec<String>,
    /// Whether there are more: they follow after the last of these.
    pub more: bool,
}

/// From the types of the other side, the host's or the fake's (which are already ours).
fn ours<T, U, E>(answer: Result<T, E>) -> Result<U, Error>
where
    U: From<T>,
    Error: From<E>,
{
    Ok(answer?.into())
}
