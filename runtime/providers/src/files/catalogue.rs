//! The catalogue of the files capability with its WIT, compiled in: which functions destroy is then no file
//! on disk that a plugin or a mistake could change.

use crate::built_in;
use interlock_authority::catalogue::CatalogueSource;

/// The name by which catalogues choose this provider.
pub const PROVIDER: &str = "files";

/// The built-in catalogue of `interlock:files@0.1.0`.
pub fn catalogue() -> CatalogueSource {
    let wit = include_str!("../../../../guest-sdk/wit/files/files.wit");
    built_in::source(PROVIDER, include_str!("catalogue.toml"), wit)
}

#[cfg(test)]
mod tests {
    use crate::built_in;
    use interlock_authority::Class;

    // INVARIANT CLASS-BY-HOST
    #[test]
    fn class_by_host_reading_writing_and_removing_are_apart() {
        let expected =
            [("read", Class::Read), ("remove", Class::Destroy), ("write", Class::Change)];
        assert_eq!(
            built_in::classes(super::catalogue(), super::PROVIDER),
            expected.map(|(name, class)| (name.to_owned(), class))
        );
    }
}
