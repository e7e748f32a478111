//! The catalogue of the HTTP capability with its WIT, compiled in. Which endpoints there are is configuration; what
//! a DELETE is to the world is not.

use crate::built_in;
use interlock_authority::catalogue::CatalogueSource;

/// The name by which catalogues choose this provider.
pub const PROVIDER: &str = "http";

/// The built-in catalogue of `interlock:http@0.1.0`.
pub fn catalogue() -> CatalogueSource {
    let wit = include_str!("../../../../guest-sdk/wit/http/http.wit");
    built_in::source(PROVIDER, include_str!("catalogue.toml"), wit)
}

#[cfg(test)]
mod tests {
    use crate::built_in;
    use interlock_authority::Class;

    // INVARIANT CLASS-BY-HOST
    #[test]
    fn class_by_host_what_deletes_is_an_interface_of_its_own() {
        let expected = [
            ("fetch".to_owned(), Class::Read),
            ("remove".to_owned(), Class::Destroy),
            ("send".to_owned(), Class::Change),
        ];
        assert_eq!(built_in::classes(super::catalogue(), super::PROVIDER), expected);
    }
}
