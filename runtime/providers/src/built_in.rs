//! The catalogues that are compiled in with their WIT: which function destroys is then no file on disk that a
//! plugin or a mistake could change.

use interlock_authority::catalogue::CatalogueSource;

/// The built-in catalogue of a provider.
pub(crate) fn source(provider: &str, catalogue: &str, wit: &str) -> CatalogueSource {
    CatalogueSource {
        file: format!("{provider}/catalogue.toml (built in)"),
        text: catalogue.to_owned(),
        wit: vec![(format!("{provider}.wit"), wit.to_owned())],
    }
}

/// The interfaces of a catalogue, each with the one class of all its functions.
#[cfg(test)]
pub(crate) fn classes(
    source: CatalogueSource,
    provider: &str,
) -> Vec<(String, interlock_authority::Class)> {
    let catalogue = interlock_authority::Catalogue::load(&[source]).unwrap();
    let one = |i: &interlock_authority::catalogue::Interface| {
        assert!(i.functions.values().all(|f| f.class == i.class()), "{}", i.name);
        assert_eq!(i.provider, provider);
        (i.name.interface().to_owned(), i.class())
    };
    catalogue.interfaces().map(one).collect()
}
