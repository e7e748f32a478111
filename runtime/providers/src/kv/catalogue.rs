//! The catalogue of the capability `kv` with its WIT, compiled in. Whose keys a call is about is in its templates, so
//! that no grant, policy or argument says it again.

use interlock_authority::catalogue::CatalogueSource;

/// The name by which catalogues choose this provider.
pub const PROVIDER: &str = "kv";

/// The built-in catalogue of `interlock:kv@0.1.0`.
pub fn catalogue() -> CatalogueSource {
    CatalogueSource {
        file: "kv/catalogue.toml (built in)".to_owned(),
        text: include_str!("catalogue.toml").to_owned(),
        wit: vec![(
            "kv.wit".to_owned(),
            include_str!("../../../../guest-sdk/wit/kv/kv.wit").to_owned(),
        )],
    }
}

#[cfg(test)]
mod tests {
    use interlock_authority::{Catalogue, Class};

    // INVARIANT CLASS-BY-HOST
    #[test]
    fn class_by_host_what_deletes_is_an_interface_of_its_own() {
        let catalogue = Catalogue::load(&[super::catalogue()]).unwrap();
        let classes: Vec<(String, Class)> = catalogue
            .interfaces()
            .map(|i| {
                assert!(i.functions.values().all(|f| f.class == i.class()), "{}", i.name);
                assert_eq!(i.provider, super::PROVIDER);
                (i.name.interface().to_owned(), i.class())
            })
            .collect();
        let expected = [
            ("read".to_owned(), Class::Read),
            ("remove".to_owned(), Class::Destroy),
            ("write".to_owned(), Class::Change),
        ];
        assert_eq!(classes, expected);
        let functions = catalogue.interfaces().flat_map(|i| i.functions.values());
        assert!({ functions }.all(|f| f.resource.is_of_plugin()), "whose keys it is about");
    }
}
