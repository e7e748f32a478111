//! The catalogue of the environment capability with its WIT, compiled in: what `remediate` may do is
//! then no file on disk that a plugin or a mistake could change.

use interlock_authority::catalogue::CatalogueSource;

/// The name by which catalogues choose this provider.
pub const PROVIDER: &str = "environment";

/// The built-in catalogue of `interlock:environment@0.1.0`.
pub fn catalogue() -> CatalogueSource {
    CatalogueSource {
        file: "environment/catalogue.toml (built in)".to_owned(),
        text: include_str!("catalogue.toml").to_owned(),
        wit: vec![(
            "environment.wit".to_owned(),
            include_str!("../../../../guest-sdk/wit/environment/environment.wit").to_owned(),
        )],
    }
}

#[cfg(test)]
mod tests {
    use interlock_authority::{Catalogue, Class};

    // INVARIANT CLASS-BY-HOST
    #[test]
    fn class_by_host_three_interfaces_one_class_each() {
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
            ("observe".to_owned(), Class::Read),
            ("remediate".to_owned(), Class::Change),
            ("teardown".to_owned(), Class::Destroy),
        ];
        assert_eq!(classes, expected);
    }
}
