//! The catalogue of the HTTP capability with its WIT, compiled in. Which endpoints there are is configuration; what
//! a DELETE is to the world is not.

use interlock_authority::catalogue::CatalogueSource;

/// The name by which catalogues choose this provider.
pub const PROVIDER: &str = "http";

/// The built-in catalogue of `interlock:http@0.1.0`.
pub fn catalogue() -> CatalogueSource {
    CatalogueSource {
        file: "http/catalogue.toml (built in)".to_owned(),
        text: include_str!("catalogue.toml").to_owned(),
        wit: vec![(
            "http.wit".to_owned(),
            include_str!("../../../../guest-sdk/wit/http/http.wit").to_owned(),
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
            ("fetch".to_owned(), Class::Read),
            ("remove".to_owned(), Class::Destroy),
            ("send".to_owned(), Class::Change),
        ];
        assert_eq!(classes, expected);
    }
}
