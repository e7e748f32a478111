//! What is wrong with something a person wrote: names, catalogues, grants. Refusals of a call are not
//! errors of this kind; they are decisions, in [`crate::refusal`].

use crate::vocabulary::InterfaceName;
use thiserror::Error;

/// Bad input to the authority: a name, a catalogue or a grant that means nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AuthorityError {
    /// Not the name of an interface with its exact version.
    #[error(
        "`{0}` is not an interface name; write package, interface and exact version, such as `interlock:environment/observe@0.1.0`"
    )]
    BadInterfaceName(String),
    /// Not a principal.
    #[error("`{0}` is not a principal; write `Agent::name` or `Person::name`")]
    BadPrincipal(String),
    /// Not a resource path.
    #[error(
        "`{0}` is not a resource; write segments joined by `/`, each starting with a letter or digit and then letters, digits, `.`, `_` or `-`, such as `environment/prod/service/api`"
    )]
    BadResource(String),
    /// Not a SHA-256 digest.
    #[error("`{0}` is not a SHA-256 digest; write 64 lower-case hexadecimal digits")]
    BadDigest(String),
    /// A catalogue that cannot be read or does not fit its WIT.
    #[error("{file}{}: {message}", .line.map(|l| format!(":{l}")).unwrap_or_default())]
    Catalogue {
        /// The catalogue file, as it was named.
        file: String,
        /// The line, from 1, where it is known.
        line: Option<usize>,
        /// What is wrong, and what would be right.
        message: String,
    },
    /// A grant of an interface that no catalogue describes.
    #[error(
        "no catalogue describes `{interface}`; this host has {}", crate::error::list(.known)
    )]
    UnknownInterface {
        /// What the grant names.
        interface: String,
        /// Every interface that could have been meant.
        known: Vec<InterfaceName>,
    },
    /// A grant of a function that its interface does not have.
    #[error("`{interface}` has no function `{function}`; it has {}", .known.join(", "))]
    UnknownFunction {
        /// The interface.
        interface: InterfaceName,
        /// What the grant names.
        function: String,
        /// Every function of the interface.
        known: Vec<String>,
    },
}

/// A list for a message: names joined by commas, or `none`.
pub(crate) fn list<T: ToString>(items: &[T]) -> String {
    if items.is_empty() {
        return "none".to_owned();
    }
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
