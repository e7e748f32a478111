//! Every single-byte change, swap, insertion, deletion and truncation of an export is found.

use interlock_journal::{Memory, Tree};

use super::{
    exporting::verify,
    fixture::{Seeded, exported, leaf, log},
};

const LEAVES: u64 = 1000;

/// Changes the bytes at `places`, one at a time and each to another value, on two threads.
fn change_each(export: &[u8], places: &[usize]) {
    verify(export).unwrap();
    std::thread::scope(|scope| {
        for places in places.chunks(places.len() / 2 + 1) {
            scope.spawn(move || {
                let mut changed = export.to_vec();
                let mut random = Seeded(places.len() as u64);
                for at in places {
                    let flip = 1 + random.below(255) as u8;
                    changed[*at] ^= flip;
                    assert!(verify(&changed).is_err(), "byte {at} ^ {flip}");
                    changed[*at] ^= flip;
                }
            });
        }
    });
}

/// Every leaf and every hash of 1,000 leaves, in one byte of it, and every header, in 16.
#[test]
fn journal_tells_of_a_changed_byte_in_each_leaf_hash_and_header_of_1000_leaves() {
    let (tree, memory) = log(LEAVES);
    let export = exported(&tree, &memory);
    // Hashes and headers begin at multiples of 32: one byte of each 32.
    let mut places: Vec<usize> = (0..export.len()).filter(|at| at % 32 == at / 32 % 32).collect();
    let (mut random, mut at) = (Seeded(4), 0);
    for index in 0..LEAVES {
        let leaf = leaf(index);
        let entry = [&(leaf.len() as u16).to_be_bytes(), leaf.as_slice()].concat();
        at += export[at..].windows(entry.len()).position(|window| window == entry).unwrap();
        places.push(at + random.below(entry.len() as u64) as usize);
        at += entry.len();
    }
    change_each(&export, &places);
}

/// All bytes of 1,000 leaves.
#[test]
fn journal_tells_of_a_change_of_every_byte_of_1000_leaves() {
    let (tree, memory) = log(LEAVES);
    let export = exported(&tree, &memory);
    change_each(&export, &(0..export.len()).collect::<Vec<_>>());
}

/// As above, of a full tile, partial ones, and two bundles.
#[test]
fn journal_tells_of_a_change_of_every_byte_of_258_leaves() {
    let (tree, memory) = log(258);
    let export = exported(&tree, &memory);
    change_each(&export, &(0..export.len()).collect::<Vec<_>>());
}

#[test]
fn journal_tells_of_a_change_of_every_byte_of_20_leaves() {
    let (tree, memory) = log(20);
    let export = exported(&tree, &memory);
    change_each(&export, &(0..export.len()).collect::<Vec<_>>());
}

/// Every bit of every byte that is not zero, and one bit of those that are: padding and the ends of fields.
#[test]
fn journal_tells_of_a_change_of_every_bit_of_3_leaves() {
    let (tree, memory) = log(3);
    let mut export = exported(&tree, &memory);
    for at in 0..export.len() {
        for bit in 0..if export[at] == 0 { 1 } else { 8 } {
            export[at] ^= 1 << bit;
            assert!(verify(&export).is_err(), "byte {at}, bit {bit}");
            export[at] ^= 1 << bit;
        }
    }
    verify(&export).unwrap();
}

#[test]
fn every_truncation_insertion_and_deletion_is_found() {
    let (tree, memory) = log(258);
    let export = exported(&tree, &memory);
    let mut random = Seeded(5);
    let places = (0..export.len()).filter(|at| at % 512 < 2 || at % 97 == 0);
    for at in places {
        assert!(verify(&export[..at]).is_err(), "cut at {at}");
        let mut longer = export.clone();
        longer.insert(at, random.next() as u8);
        assert!(verify(&longer).is_err(), "inserted at {at}");
        let mut shorter = export.clone();
        shorter.remove(at);
        assert!(verify(&shorter).is_err(), "removed at {at}");
    }
}

#[test]
fn every_swap_of_neighbouring_or_random_bytes_that_changes_anything_is_found() {
    let (tree, memory) = log(LEAVES);
    let export = exported(&tree, &memory);
    let mut random = Seeded(6);
    let pairs = (0..400).map(|_| {
        let at = random.below(export.len() as u64 - 1) as usize;
        let other =
            if random.below(2) == 0 { at + 1 } else { random.below(export.len() as u64) as usize };
        (at, other)
    });
    for (at, other) in pairs {
        let mut changed = export.clone();
        changed.swap(at, other);
        if changed != export {
            assert!(verify(&changed).is_err(), "{at} and {other}");
        }
    }
}

/// Blocks of the tar moved, doubled or left out: whole files, and files within files.
#[test]
fn every_moved_doubled_or_missing_block_is_found() {
    let (tree, memory) = log(300);
    let export = exported(&tree, &memory);
    let blocks: Vec<&[u8]> = export.chunks(512).collect();
    for at in 0..blocks.len() {
        let mut without = blocks.clone();
        without.remove(at);
        assert!(verify(&without.concat()).is_err(), "without block {at}");
        let mut twice = blocks.clone();
        twice.insert(at, blocks[at]);
        assert!(verify(&twice.concat()).is_err(), "block {at} twice");
        for other in at + 1..blocks.len() {
            let mut swapped = blocks.clone();
            swapped.swap(at, other);
            if blocks[at] != blocks[other] {
                assert!(verify(&swapped.concat()).is_err(), "blocks {at} and {other}");
            }
        }
    }
}

/// What an editor does to the leaves at one place.
type Edit = fn(&mut Vec<Vec<u8>>, usize);

/// An editor with access to the database and not to the key: tiles and all are computed anew, and the old
/// signature is put on it.
#[test]
fn a_consistently_rewritten_log_under_the_old_signature_is_found() {
    let (tree, memory) = log(LEAVES);
    let good = exported(&tree, &memory);
    let head = super::fixture::signed(&tree);
    let identity = super::fixture::signer().identity().clone();
    for victim in (0..LEAVES).step_by(37).chain([LEAVES - 1]) {
        let edits: [Edit; 3] = [
            |leaves, at| leaves[at][0] ^= 1,
            |leaves, at| {
                let other = (at + 1) % leaves.len();
                leaves.swap(at, other);
            },
            |leaves, at| {
                let leaf = leaves.remove(at);
                leaves.push(leaf);
            },
        ];
        for (kind, edit) in edits.iter().enumerate() {
            let mut leaves: Vec<_> = (0..LEAVES).map(leaf).collect();
            edit(&mut leaves, victim as usize);
            let (forged, mut stored) = (Tree::new(), Memory::new());
            let staged = forged.stage(&leaves).unwrap();
            stored.write(&staged, &leaves).unwrap();
            let mut export = Vec::new();
            interlock_journal::export::write(
                &mut export,
                head.as_bytes(),
                &identity,
                &stored,
                &stored,
            )
            .unwrap();
            if export == good {
                continue; // The last leaf moved to the end is where it was.
            }
            assert!(verify(&export).is_err(), "leaf {victim}, edit {kind}");
        }
    }
}
