//! The catalogue of the capability `kv` with its WIT, compiled in. Whose keys a call is about is in its templates, so
//! that no grant, policy or argument says it again.

use crate::built_in;
use interlock_authority::catalogue::CatalogueSource;

/// The name by which catalogues choose this provider.
pub const PROVIDER: &str = "kv";

/// The built-in catalogue of `interlock:kv@0.1.0`.
pub fn catalogue() -> CatalogueSource {
    let wit = include_str!("../../../../guest-sdk/wit/kv/kv.wit");
    built_in::source(PROVIDER, include_str!("catalogue.toml"), wit)
}

#[cfg(test)]
mod tests {
    use crate::built_in;
    use interlock_authority::{Catalogue, Class};

    // INVARIANT CLASS-BY-HOST
    #[test]
    fn class_by_host_what_deletes_is_an_interface_of_its_own() {
        let expected = [
            ("read".to_owned(), Class::Read),
            ("remove".to_owned(), Class::Destroy),
            ("write".to_owned(), Class::Change),
        ];
        assert_eq!(built_in::classes(super::catalogue(), super::PROVIDER), expected);
        let catalogue = Catalogue::load(&[super::catalogue()]).unwrap();
        let functions = catalogue.interfaces().flat_map(|i| i.functions.values());
        assert!({ functions }.all(|f| f.resource.is_of_plugin()), "whose keys it is about");
    }
}
