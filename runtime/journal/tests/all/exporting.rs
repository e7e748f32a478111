//! Exports: what they hold, who may look, and the first wrong place by name.

use std::collections::BTreeMap;

use interlock_journal::{
    Checkpoint, JournalError, Memory, Tree,
    export::{LeavesOnly, MAX_PAYLOAD_BYTES, Verified, Verifier, Visitor, write},
    proof::root_at,
};

use super::fixture::{exported, leaf, log, other_key, signed, signer};

pub(crate) fn verify(export: &[u8]) -> Result<Verified, JournalError> {
    Verifier::new(signer().identity()).verify(export, &mut LeavesOnly)
}

/// Where an export is wrong, and how.
fn fault(export: &[u8]) -> (u64, String, String) {
    match verify(export).unwrap_err() {
        JournalError::Export { offset, place, fault } => (offset, place, fault),
        other => panic!("{other}"),
    }
}

/// A log whose leaves end with a digest of their payload and its salt: what a layer above may do.
fn log_with_payloads(size: u64) -> (Tree, Memory) {
    let (mut tree, mut memory) = (Tree::new(), Memory::new());
    for index in 0..size {
        let payload = payload(index);
        let leaf = digest(&payload);
        let staged = tree.stage([leaf]).unwrap();
        memory.write(&staged, [leaf]).unwrap();
        memory.set_payload(index, payload);
        tree.commit(staged).unwrap();
    }
    (tree, memory)
}

fn payload(index: u64) -> Vec<u8> {
    [index.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes().as_slice(), &leaf(index)].concat()
}

fn digest(payload: &[u8]) -> [u8; 32] {
    use sha2::Digest;
    sha2::Sha256::digest(payload).into()
}

/// Keeps what it is shown, and compares payloads with their leaves.
#[derive(Default)]
pub(crate) struct Digests {
    leaves: Vec<Vec<u8>>,
    payloads: BTreeMap<u64, Vec<u8>>,
}

impl Visitor for Digests {
    fn leaf(&mut self, index: u64, leaf: &[u8]) -> Result<(), String> {
        assert_eq!(index, self.leaves.len() as u64);
        self.leaves.push(leaf.to_vec());
        Ok(())
    }

    fn payload(&mut self, index: u64, leaf: &[u8], payload: &[u8]) -> Result<(), String> {
        assert_eq!(leaf, self.leaves[index as usize]);
        self.payloads.insert(index, payload.to_vec());
        if digest(payload) == leaf { Ok(()) } else { Err("another payload".to_owned()) }
    }
}

#[test]
fn an_export_of_any_size_verifies_and_shows_each_leaf_in_order() {
    for size in [0, 1, 2, 255, 256, 257, 511, 512, 513, 1000] {
        let (tree, memory) = log(size);
        let export = exported(&tree, &memory);
        let mut seen = Digests::default();
        let verified =
            Verifier::new(signer().identity()).verify(export.as_slice(), &mut seen).unwrap();
        assert_eq!(verified.checkpoint, tree.head(signer().identity()).unwrap());
        assert_eq!(verified.payloads, 0);
        assert_eq!(seen.leaves, (0..size).map(leaf).collect::<Vec<_>>());
        assert_eq!(export, exported(&tree, &memory), "one log has one export");
    }
}

/// Three levels of tiles.
#[test]
fn an_export_of_66000_leaves_verifies() {
    let (tree, memory) = log(66_000);
    let mut export = exported(&tree, &memory);
    assert_eq!(verify(&export).unwrap().checkpoint.size(), 66_000);
    let at = export.len() - 1024 - 600;
    export[at] ^= 4;
    assert!(verify(&export).is_err());
}

#[test]
fn an_export_may_be_older_than_the_log() {
    let (_, memory) = log(1000);
    let (old, _) = log(300);
    let mut out = Vec::new();
    let log = signer().identity().clone();
    write(&mut out, signed(&old).as_bytes(), &log, &memory, &memory).unwrap();
    assert_eq!(out, exported(&old, &memory));
    assert_eq!(verify(&out).unwrap().checkpoint.size(), 300);
}

#[test]
fn a_kept_checkpoint_must_be_extended() {
    let (tree, memory) = log(600);
    let export = exported(&tree, &memory);
    let identity = signer().identity().clone();
    let kept =
        |size| Checkpoint::new(&identity, size, root_at(&log(size).1, size).unwrap()).unwrap();
    let sizes = [600, 0, 257, 1, 256, 599, 256];
    let all = sizes.iter().fold(Verifier::new(&identity), |all, size| all.extends(kept(*size)));
    all.verify(export.as_slice(), &mut LeavesOnly).unwrap();
    // Rolled back: an older export, valid by itself.
    let behind = Verifier::new(&identity).extends(kept(601));
    let refused = behind.verify(export.as_slice(), &mut LeavesOnly);
    assert!(matches!(refused, Err(JournalError::Behind { size: 600, promised: 601 })));
    // A split view: the log's own key signed two histories.
    for (size, place) in [(1, "leaf 0 of "), (300, "leaf 299 of "), (600, "leaf 599 of ")] {
        let other = Checkpoint::new(&identity, size, root_at(&memory, 7).unwrap()).unwrap();
        let forked = Verifier::new(&identity).extends(kept(1)).extends(other);
        match forked.verify(export.as_slice(), &mut LeavesOnly).unwrap_err() {
            JournalError::Export { fault, .. } => {
                assert!(fault.contains("rewritten"), "{size} {place}: {fault}");
            }
            other => panic!("{other}"),
        }
    }
    let elsewhere = Checkpoint::new(&other_origin(), 3, root_at(&memory, 3).unwrap()).unwrap();
    let refused = Verifier::new(&identity).extends(elsewhere).verify(&*export, &mut LeavesOnly);
    assert!(matches!(refused, Err(JournalError::OtherOrigin { .. })));
}

fn other_origin() -> interlock_journal::LogIdentity {
    let key = signer().identity().public_key();
    interlock_journal::LogIdentity::new("example.com/other", &key).unwrap()
}

#[test]
fn journal_tells_only_with_the_pinned_origin_and_key() {
    let (tree, memory) = log(20);
    let export = exported(&tree, &memory);
    for identity in [other_key(), other_origin()] {
        let refused = Verifier::new(&identity).verify(export.as_slice(), &mut LeavesOnly);
        let message = refused.unwrap_err().to_string();
        assert!(message.starts_with("byte 512 of the export, in `checkpoint`: not signed by"));
    }
}

#[test]
fn the_first_wrong_place_is_named() {
    let (tree, memory) = log(1000);
    let export = exported(&tree, &memory);
    // A leaf is found by its bytes, which are in the export once: index and all.
    let at =
        |needle: &[u8]| export.windows(needle.len()).position(|window| window == needle).unwrap();
    let leaf_at = |index: u64| {
        let leaf = leaf(index);
        at(&[&(leaf.len() as u16).to_be_bytes(), leaf.as_slice()].concat()) + 2
    };
    for index in [0, 255, 256, 700, 767, 768, 999] {
        let mut changed = export.clone();
        let start = leaf_at(index);
        changed[start + 7] ^= 0x80;
        let (offset, place, fault) = fault(&changed);
        assert_eq!(offset, start as u64 - 2);
        assert!(place.starts_with(&format!("leaf {index} of `tile/entries/")), "{place}");
        assert_eq!(fault, "the leaf is not the one that was signed");
    }
    // A hash of the third full tile: the tile is named, before any leaf of it is believed.
    let hash = *interlock_journal::leaf_hash(&leaf(600)).as_bytes();
    let mut changed = export.clone();
    changed[at(&hash)] ^= 1;
    let (_, place, found) = fault(&changed);
    assert_eq!(place, "`tile/0/002`");
    assert_eq!(found, "the hashes of this tile are not those that were signed");
    // A hash of a partial tile.
    let hash = *interlock_journal::leaf_hash(&leaf(900)).as_bytes();
    let mut changed = export.clone();
    changed[at(&hash)] ^= 1;
    assert_eq!(fault(&changed).2, "the partial tiles do not have the signed root");
    // After the end.
    let mut longer = export.clone();
    longer.push(0);
    let (offset, place, found) = fault(&longer);
    assert_eq!((offset, place.as_str()), (export.len() as u64, "`the end`"));
    assert_eq!(found, "bytes follow the end");
}

#[test]
fn payloads_are_shown_with_their_leaves_and_an_erased_one_leaves_the_log_verifiable() {
    let (tree, mut memory) = log_with_payloads(300);
    let identity = signer().identity().clone();
    let mut seen = Digests::default();
    let export = exported(&tree, &memory);
    let verified = Verifier::new(&identity).verify(export.as_slice(), &mut seen).unwrap();
    assert_eq!(verified.payloads, 300);
    assert!((0..300).all(|index| seen.payloads[&index] == payload(index)));

    memory.erase_payload(7);
    memory.erase_payload(299);
    let mut seen = Digests::default();
    let export = exported(&tree, &memory);
    let verified = Verifier::new(&identity).verify(export.as_slice(), &mut seen).unwrap();
    assert_eq!(verified.payloads, 298);
    assert!(!seen.payloads.contains_key(&7) && seen.leaves.len() == 300);
    assert!(!export.windows(40).any(|window| payload(7).starts_with(window)));

    // With all of them erased, the export is that of a log that never had any.
    (0..300).for_each(|index| memory.erase_payload(index));
    let export = exported(&tree, &memory);
    assert_eq!(verify(&export).unwrap().payloads, 0);
    assert!(!export.windows(9).any(|window| window == b"payloads/"));
}

#[test]
fn payloads_that_nobody_can_check_are_refused() {
    let (tree, memory) = log_with_payloads(3);
    let (_, place, found) = fault(&exported(&tree, &memory));
    assert_eq!(place, "leaf 0 of `payloads/000.p/3`");
    assert!(found.contains("belongs to its leaf"));
    // And a visitor's no is final.
    let (tree, mut memory) = log_with_payloads(3);
    memory.set_payload(1, b"forged".to_vec());
    let export = exported(&tree, &memory);
    let refused =
        Verifier::new(signer().identity()).verify(export.as_slice(), &mut Digests::default());
    let message = refused.unwrap_err().to_string();
    assert!(message.ends_with("in leaf 1 of `payloads/000.p/3`: another payload"), "{message}");
}

#[test]
fn every_single_byte_change_of_payloads_is_detected() {
    let (tree, mut memory) = log_with_payloads(6);
    memory.erase_payload(2);
    let export = exported(&tree, &memory);
    for at in 0..export.len() {
        let mut changed = export.clone();
        changed[at] ^= 1 << (at % 8);
        let verdict = Verifier::new(signer().identity()).verify(&*changed, &mut Digests::default());
        assert!(verdict.is_err(), "byte {at}");
    }
}

#[test]
fn a_payload_is_limited_and_must_not_change_while_it_is_written() {
    let (tree, mut memory) = log_with_payloads(2);
    memory.set_payload(1, vec![0; MAX_PAYLOAD_BYTES as usize + 1]);
    let identity = signer().identity().clone();
    let head = signed(&tree);
    let refused = write(&mut Vec::new(), head.as_bytes(), &identity, &memory, &memory);
    assert!(matches!(refused, Err(JournalError::Payload { index: 1, .. })), "{refused:?}");
}

/// Reads one byte at a time, as a slow pipe does.
struct Slow<'b>(&'b [u8]);

impl std::io::Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = buffer.len().min(1);
        self.0.read(&mut buffer[..length])
    }
}

#[test]
fn an_export_is_verified_from_a_stream() {
    let (tree, memory) = log(300);
    let export = exported(&tree, &memory);
    Verifier::new(signer().identity()).verify(Slow(&export), &mut LeavesOnly).unwrap();
}
