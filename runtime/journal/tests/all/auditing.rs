//! A store that somebody edited, and how little of one a proof reads.

use std::cell::Cell;

use interlock_journal::{
    Checkpoint, Hash, JournalError, Memory, StorageError, Tile, TileReader, Tree, audit, leaf_hash,
    proof::{ConsistencyProof, InclusionProof},
};

use super::fixture::{Seeded, leaf, log, signer};

fn head(tree: &Tree) -> Checkpoint {
    tree.head(signer().identity()).unwrap()
}

/// A store with one hash of one tile changed.
struct Edited<'m>(&'m Memory, (u8, u64), usize);

impl TileReader for Edited<'_> {
    fn tile(&self, tile: Tile) -> Result<Vec<Hash>, StorageError> {
        let mut hashes = self.0.tile(tile)?;
        if (tile.level(), tile.index()) == self.1
            && let Some(hash) = hashes.get_mut(self.2)
        {
            *hash = leaf_hash(b"edited");
        }
        Ok(hashes)
    }
}

#[test]
fn a_store_that_nobody_touched_agrees_with_each_of_its_heads() {
    for size in [0, 1, 255, 256, 257, 700] {
        let (tree, memory) = log(size);
        audit(&head(&tree), &memory, &memory).unwrap();
    }
    let (_, grown) = log(700);
    audit(&head(&log(300).0), &grown, &grown).unwrap();
}

#[test]
fn journal_tells_of_each_edited_leaf_of_a_store() {
    let (tree, memory) = log(700);
    for index in (0..700).step_by(23).chain([255, 256, 699]) {
        let mut edited = memory.clone();
        edited.overwrite_leaf(index, b"nothing happened here".to_vec());
        match audit(&head(&tree), &edited, &edited).unwrap_err() {
            JournalError::Disagree { index: found, .. } => assert_eq!(found, index),
            other => panic!("{other}"),
        }
        // The heads before it are not touched by it.
        audit(&head(&log(index).0), &edited, &edited).unwrap();
    }
}

#[test]
fn journal_tells_of_each_edited_hash_of_a_store() {
    let (tree, memory) = log(700);
    for (tile, at) in
        [((0, 0), 0), ((0, 0), 255), ((0, 1), 7), ((0, 2), 187), ((1, 0), 0), ((1, 0), 1)]
    {
        let edited = Edited(&memory, tile, at);
        match audit(&head(&tree), &edited, &memory).unwrap_err() {
            JournalError::Disagree { tile: path, .. } => {
                assert!(path.starts_with(&format!("tile/{}/00{}", tile.0, tile.1)), "{path}");
            }
            other => panic!("{other}"),
        }
    }
}

#[test]
fn journal_tells_of_a_store_that_was_rewritten_from_leaf_to_root() {
    let (tree, _) = log(700);
    let mut leaves: Vec<_> = (0..700).map(leaf).collect();
    leaves.swap(3, 4);
    let (forged, mut stored) = (Tree::new(), Memory::new());
    let staged = forged.stage(&leaves).unwrap();
    stored.write(&staged, &leaves).unwrap();
    let refused = audit(&head(&tree), &stored, &stored);
    assert!(matches!(refused, Err(JournalError::Diverged { size: 700 })), "{refused:?}");
    let short = log(600).1;
    assert!(matches!(
        audit(&head(&tree), &short, &short),
        Err(JournalError::TileWidth { .. } | JournalError::Storage { .. })
    ));
}

struct Counting<'m>(&'m Memory, Cell<usize>);

impl TileReader for Counting<'_> {
    fn tile(&self, tile: Tile) -> Result<Vec<Hash>, StorageError> {
        self.1.set(self.1.get() + 1);
        self.0.tile(tile)
    }
}

/// What a proof costs is the tiles that it reads: two a level at most, of which 66,000 leaves have three.
#[test]
fn a_proof_reads_a_few_tiles_however_large_the_log() {
    let (tree, memory) = log(66_000);
    let mut random = Seeded(9);
    let counting = Counting(&memory, Cell::new(0));
    for _ in 0..50 {
        let index = random.below(66_000);
        counting.1.set(0);
        let proof = InclusionProof::prove(&counting, 66_000, index).unwrap();
        assert!(counting.1.get() <= 6, "{}", counting.1.get());
        assert!(proof.hashes().len() <= 17);
        proof.verify(&leaf_hash(&leaf(index)), index, 66_000, &tree.root()).unwrap();
        counting.1.set(0);
        ConsistencyProof::prove(&counting, index, 66_000).unwrap();
        assert!(counting.1.get() <= 6, "{}", counting.1.get());
    }
    counting.1.set(0);
    Tree::load(66_000, &counting).unwrap();
    assert!(counting.1.get() <= 3);
}
