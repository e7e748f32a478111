//! Why a value is not known or not kept, case by case as the WIT says.

use crate::case::cases;

/// Why there is no answer, or an effect did not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The host refused. The text is `code: one sentence`.
    Denied(String),
    /// The value is another one than was expected, or changed between looking and acting. Nothing was done.
    Conflict(String),
    /// A value is too long, or the plugin keeps too much. Nothing was done.
    Full(String),
    /// It was tried and failed. The text is `code: one sentence`.
    Failed(String),
}

cases!(Error {
    Denied => "denied", "denied";
    Conflict => "conflict", "the world moved";
    Full => "full", "full";
    Failed => "failed", "failed";
});
