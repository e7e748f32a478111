//! Append, stage and commit, cost, load, extend.

use super::{
    fixture::{leaf, log, signer},
    reference,
};
use interlock_journal::{
    Checkpoint, Frontier, Hash, JournalError, MAX_LEAF_BYTES, MAX_SIZE, Memory, Tree, leaf_hash,
    proof::root_at,
};

#[test]
fn every_root_is_the_one_of_the_rfc_for_0_to_600_leaves() {
    let leaves: Vec<_> = (0..600).map(leaf).collect();
    let mut tree = Tree::new();
    for size in 0..=leaves.len() {
        assert_eq!(tree.size(), size as u64);
        assert_eq!(tree.root(), reference::root(&leaves[..size]), "size {size}");
        if let Some(leaf) = leaves.get(size) {
            tree.commit(tree.stage([leaf]).unwrap()).unwrap();
        }
    }
}

#[test]
fn batches_of_any_size_give_the_same_log() {
    let one = log(1000);
    for batch in [1, 2, 3, 255, 256, 257, 999] {
        let (mut tree, mut memory) = (Tree::new(), Memory::new());
        let leaves: Vec<_> = (0..1000).map(leaf).collect();
        for leaves in leaves.chunks(batch) {
            let staged = tree.stage(leaves).unwrap();
            assert_eq!(staged.first(), tree.size());
            memory.write(&staged, leaves).unwrap();
            let (size, root) = (staged.size(), staged.root());
            tree.commit(staged).unwrap();
            assert_eq!((tree.size(), tree.root()), (size, root));
        }
        assert_eq!(tree, one.0, "batches of {batch}");
        let tiles = |memory: &Memory| format!("{memory:?}");
        assert_eq!(tiles(&memory), tiles(&one.1), "batches of {batch}");
    }
}

#[test]
fn staging_changes_nothing_and_a_stale_stage_is_refused() {
    let (mut tree, mut memory) = log(5);
    let before = tree.clone();
    let (one, other) = (tree.stage([b"one"]).unwrap(), tree.stage([b"other"]).unwrap());
    assert_eq!(tree, before);
    memory.write(&one, [b"one"]).unwrap();
    tree.commit(one).unwrap();
    let after = tree.clone();
    assert!(matches!(
        memory.write(&other, [b"other"]),
        Err(JournalError::Stale { staged: 5, size: 6 })
    ));
    assert!(matches!(tree.commit(other), Err(JournalError::Stale { staged: 5, size: 6 })));
    assert_eq!(tree, after);
    // The same size is not enough: it must be the same log.
    let mut another = Tree::new();
    another.commit(another.stage(vec![b"x"; 5]).unwrap()).unwrap();
    let staged = another.stage([b"y"]).unwrap();
    let mut five = log(5).0;
    assert!(matches!(five.commit(staged), Err(JournalError::Stale { .. })));
}

#[test]
fn a_leaf_has_at_most_65535_bytes() {
    let tree = Tree::new();
    tree.stage([vec![0; MAX_LEAF_BYTES]]).unwrap();
    let refused = tree.stage([vec![0; MAX_LEAF_BYTES + 1]]);
    assert!(matches!(refused, Err(JournalError::LeafTooLong { bytes: 65_536 })));
}

/// What an append writes does not grow with the log: one hash, and a 256th and so on of one more.
#[test]
fn the_cost_of_an_append_is_flat() {
    let mut frontier = Frontier::new();
    let mut written = 0_u64;
    for index in 0_u64..100_000 {
        let before = written;
        frontier
            .append(leaf_hash(&index.to_be_bytes()), |height, _, _| {
                written += u64::from(height % 8 == 0);
            })
            .unwrap();
        assert!(written - before <= 3);
    }
    assert_eq!(written, 100_000 + 100_000 / 256 + 100_000 / 65_536);
}

#[test]
fn a_log_is_full_at_2_to_the_56() {
    let mut frontier = Frontier::from_peaks(MAX_SIZE - 1, vec![Hash::EMPTY_ROOT; 56]).unwrap();
    let mut top = None;
    frontier.append(Hash::EMPTY_ROOT, |height, index, _| top = Some((height, index))).unwrap();
    assert_eq!((frontier.size(), top), (MAX_SIZE, Some((56, 0))));
    let full = frontier.clone();
    assert!(matches!(
        frontier.append(Hash::EMPTY_ROOT, |_, _, _| panic!("told of a node")),
        Err(JournalError::TooManyLeaves)
    ));
    assert_eq!(frontier, full);
    assert!(Frontier::from_peaks(MAX_SIZE + 1, vec![Hash::EMPTY_ROOT; 2]).is_err());
    assert!(matches!(
        Frontier::from_peaks(3, vec![Hash::EMPTY_ROOT]),
        Err(JournalError::WrongPeaks { size: 3, peaks: 1 })
    ));
}

#[test]
fn a_stored_log_is_loaded_at_any_size() {
    let (tree, memory) = log(700);
    assert_eq!(Tree::load(700, &memory).unwrap(), tree);
    let leaves: Vec<_> = (0..700).map(leaf).collect();
    for size in [0, 1, 2, 255, 256, 257, 511, 512, 513, 699] {
        assert_eq!(root_at(&memory, size as u64).unwrap(), reference::root(&leaves[..size]));
    }
    assert!(matches!(Tree::load(701, &memory), Err(JournalError::Storage { .. })));
    assert!(matches!(Tree::load(u64::MAX, &memory), Err(JournalError::TooManyLeaves)));
}

#[test]
fn journal_tells_when_a_log_was_cut_or_rewritten() {
    let (tree, memory) = log(700);
    let signer = signer();
    let at = |size: u64| {
        let root = root_at(&memory, size).unwrap();
        Checkpoint::new(signer.identity(), size, root).unwrap()
    };
    for size in [0, 1, 255, 256, 300, 699, 700] {
        let checkpoint = at(size);
        let proof = tree.extends(&checkpoint, &memory).unwrap();
        proof.verify(size, checkpoint.root(), 700, &tree.root()).unwrap();
    }
    let (shorter, stored) = log(600);
    assert!(matches!(
        shorter.extends(&at(601), &stored),
        Err(JournalError::Behind { size: 600, promised: 601 })
    ));
    // The same size and other leaves: one leaf in the middle was rewritten.
    let mut leaves: Vec<_> = (0..700).map(leaf).collect();
    leaves[123] = b"nothing happened here".to_vec();
    let (mut forged, mut stored) = (Tree::new(), Memory::new());
    let staged = forged.stage(&leaves).unwrap();
    stored.write(&staged, &leaves).unwrap();
    forged.commit(staged).unwrap();
    for size in [124, 256, 699, 700] {
        let refused = forged.extends(&at(size), &stored);
        assert!(matches!(refused, Err(JournalError::Diverged { .. })), "size {size}");
    }
    forged.extends(&at(123), &stored).unwrap();
}
