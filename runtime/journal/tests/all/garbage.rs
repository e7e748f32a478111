//! Bytes from anywhere are refused without a panic, and whatever is accepted is what we would have written.

use interlock_journal::{
    Bundle, Checkpoint, Hash, LogIdentity, Memory, Resource, Tile, Tree,
    proof::{ConsistencyProof, InclusionProof},
};
use proptest::prelude::*;

use super::{
    exporting::verify,
    fixture::{exported, log, signed, signer},
};

fn hashes() -> impl Strategy<Value = Vec<Hash>> {
    proptest::collection::vec(any::<[u8; 32]>().prop_map(Hash::from_bytes), 0..70)
}

/// Text that is nearly right: pieces of notes, paths and keys.
fn pieces(pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(pieces), 0..12).prop_map(|all| all.concat())
}

proptest! {
    #[test]
    fn bytes_are_no_note(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(Checkpoint::open(&bytes, signer().identity()).is_err());
        let _ = Bundle::parse(&bytes);
        prop_assert!(verify(&bytes).is_err());
    }

    #[test]
    fn pieces_of_notes_are_no_note(note in pieces(&[
        "example.com/journal", "\n", "\n\n", "— ", " ", "3", "0", "18446744073709551616", "+", "=", "AAAAAAECAwQ=",
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "\r", "\t", "é", "\u{2028}",
    ])) {
        prop_assert!(Checkpoint::open(note.as_bytes(), signer().identity()).is_err());
    }

    #[test]
    fn a_path_that_parses_is_the_path_that_is_written(path in pieces(&[
        "tile", "/", "entries", "payloads", "checkpoint", "0", "7", "000", "x001", "255", ".p/", "x", "..", "999",
    ])) {
        if let Ok(resource) = Resource::parse(&path) {
            prop_assert_eq!(resource.path(), path);
        }
    }

    #[test]
    fn a_key_that_parses_is_the_key_that_is_written(key in pieces(&[
        "example.com/journal", "+", "a", "00000000", "AQ==", "ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann", "c74f20a3", " ", "\n",
    ])) {
        if let Ok(identity) = LogIdentity::parse(&key) {
            prop_assert_eq!(identity.to_string(), key);
        }
    }

    #[test]
    fn every_tile_has_a_path_and_is_read_back(level in any::<u8>(), index in any::<u64>(), width in any::<u16>()) {
        for (level, index, width) in [(level, index, width), (level % 8, index >> (level % 64), 1 + width % 256)] {
            if let Ok(tile) = Tile::new(level, index, width) {
                for resource in [Resource::Hashes(tile), Resource::Entries(tile), Resource::Payloads(tile)] {
                    let read = Resource::parse(&resource.path());
                    // Entries and payloads are of level 0.
                    if level == 0 || matches!(resource, Resource::Hashes(_)) {
                        prop_assert_eq!(read.unwrap(), resource);
                    }
                }
            }
            let _ = Tile::in_tree(level, index, index.rotate_left(7));
        }
    }

    #[test]
    fn made_up_proofs_prove_nothing(
        hashes in hashes(), leaf in any::<[u8; 32]>(), root in any::<[u8; 32]>(),
        sizes in (any::<u64>(), 0..300_u64), shift in 0..64_u32,
    ) {
        let (leaf, root) = (Hash::from_bytes(leaf), Hash::from_bytes(root));
        for (small, large) in [(sizes.1, sizes.0), (sizes.0, sizes.1), (sizes.1, sizes.0 >> shift)] {
            let proof = InclusionProof::from_hashes(hashes.clone());
            prop_assert!(proof.verify(&leaf, small, large, &root).is_err());
            let proof = ConsistencyProof::from_hashes(hashes.clone());
            prop_assert!(proof.verify(small, &leaf, large, &root).is_err());
        }
    }

    #[test]
    fn an_edited_export_is_not_the_log(
        at in any::<prop::sample::Index>(), cut in 0..2000_usize,
        put in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let (tree, memory) = log(20);
        let export = exported(&tree, &memory);
        let at = at.index(export.len());
        let end = (at + cut).min(export.len());
        let edited = [&export[..at], &put, &export[end..]].concat();
        prop_assert_eq!(verify(&edited).is_ok(), edited == export);
    }

    #[test]
    fn edited_bytes_of_a_checkpoint_are_refused(
        at in any::<prop::sample::Index>(), cut in 0..20_usize, put in "[ -~\n—]{0,20}",
    ) {
        let note = signed(&log(20).0).into_bytes();
        let at = at.index(note.len());
        let end = (at + cut).min(note.len());
        let edited = [&note[..at], put.as_bytes(), &note[end..]].concat();
        let opened = Checkpoint::open(&edited, signer().identity());
        if let Ok(checkpoint) = opened {
            // Only signature lines of others may have come in.
            prop_assert_eq!(checkpoint.size(), 20);
            prop_assert!(edited.starts_with(checkpoint.text().as_bytes()));
        }
    }

    #[test]
    fn damaged_storage_is_an_error(size in 0..2000_u64, asked in any::<u64>(), index in any::<u64>()) {
        let empty = Memory::new();
        prop_assert!(size == 0 || Tree::load(size, &empty).is_err());
        let _ = Tree::load(asked, &empty);
        let _ = InclusionProof::prove(&empty, asked, index);
        let _ = ConsistencyProof::prove(&empty, index, asked);
    }
}
