//! The catalogue of the files capability with its WIT, compiled in: which functions destroy is then no file
//! on disk that a plugin or a mistake could change.

use interlock_authority::catalogue::CatalogueSource;

/// The name by which catalogues choose this provider.
pub const PROVIDER: &str = "files";

/// The built-in catalogue of `interlock:files@0.1.0`.
pub fn catalogue() -> CatalogueSource {
    CatalogueSource {
        file: "files/catalogue.toml (built in)".to_owned(),
        text: include_str!("catalogue.toml").to_owned(),
        wit: vec![(
            "files.wit".to_owned(),
            include_str!("../../../../guest-sdk/wit/files/files.wit").to_owned(),
        )],
    }
}

#[cfg(test)]
mod tests {
    use interlock_authority::{Catalogue, Class};

    // INVARIANT CLASS-BY-HOST
    #[test]
    fn class_by_host_reading_writing_and_removing_are_apart() {
        let catalogue = Catalogue::load(&[super::catalogue()]).unwrap();
        let classes: Vec<(String, Class)> = catalogue
            .interfaces()
            .map(|i| {
                assert!(i.functions.values().all(|f| f.class == i.class()), "{}", i.name);
                assert_eq!(i.provider, super::PROVIDER);
                (i.name.interface().to_owned(), i.class())
            })
            .collect();
        let expected =
            [("read", Class::Read), ("remove", Class::Destroy), ("write", Class::Change)];
        assert_eq!(classes, expected.map(|(name, class)| (name.to_owned(), class)));
    }
}
