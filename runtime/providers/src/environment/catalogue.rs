//! The catalogue of the environment capability with its WIT, compiled in: what `remediate` may do is
//! then no file on disk that a plugin or a mistake could change.

use crate::built_in;
use interlock_authority::catalogue::CatalogueSource;

/// The name by which catalogues choose this provider.
pub const PROVIDER: &str = "environment";

/// The built-in catalogue of `interlock:environment@0.1.0`.
pub fn catalogue() -> CatalogueSource {
    let wit = include_str!("../../../../guest-sdk/wit/environment/environment.wit");
    built_in::source(PROVIDER, include_str!("catalogue.toml"), wit)
}

#[cfg(test)]
mod tests {
    use crate::built_in;
    use interlock_authority::Class;

    // INVARIANT CLASS-BY-HOST
    #[test]
    fn class_by_host_three_interfaces_one_class_each() {
        let expected = [
            ("observe".to_owned(), Class::Read),
            ("remediate".to_owned(), Class::Change),
            ("teardown".to_owned(), Class::Destroy),
        ];
        assert_eq!(built_in::classes(super::catalogue(), super::PROVIDER), expected);
    }
}
