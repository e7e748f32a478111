//! Inclusion and consistency: right for all sizes, and any change of a proof or of what it is about is refused.

use super::{
    fixture::{Seeded, leaf, log},
    reference,
};
use interlock_journal::{
    Hash, JournalError, leaf_hash,
    proof::{ConsistencyProof, InclusionProof, MAX_HASHES, root_at},
};

const ALL: u64 = 130;

/// All places of small logs; of larger ones the first, the last and some between, or the slow reference takes long.
fn places(from: u64, to: u64) -> impl Iterator<Item = u64> {
    (from..to)
        .filter(move |at| to <= 66 || (at - from) % 9 == to % 9 || *at == from || at + 1 == to)
}

#[test]
fn inclusion_proofs_of_0_to_130_leaves_are_those_of_the_rfc() {
    let (_, memory) = log(ALL);
    let leaves: Vec<_> = (0..ALL).map(leaf).collect();
    for size in 0..=ALL {
        let root = reference::root(&leaves[..size as usize]);
        for index in places(0, size) {
            let proof = InclusionProof::prove(&memory, size, index).unwrap();
            let expected = reference::path(index as usize, &leaves[..size as usize]);
            assert_eq!(proof.hashes(), expected, "leaf {index} of {size}");
            proof.verify(&leaf_hash(&leaf(index)), index, size, &root).unwrap();
        }
        for index in [size, size + 1, u64::MAX] {
            let refused = InclusionProof::prove(&memory, size, index);
            assert!(matches!(refused, Err(JournalError::NoSuchLeaf { .. })));
        }
    }
}

#[test]
fn consistency_proofs_of_0_to_130_leaves_are_those_of_the_rfc() {
    let (_, memory) = log(ALL);
    let leaves: Vec<_> = (0..ALL).map(leaf).collect();
    let roots: Vec<_> = (0..=ALL as usize).map(|n| reference::root(&leaves[..n])).collect();
    for new in 0..=ALL as usize {
        for old in places(0, new as u64 + 1).map(|old| old as usize) {
            let proof = ConsistencyProof::prove(&memory, old as u64, new as u64).unwrap();
            let expected =
                if old == 0 { Vec::new() } else { reference::proof(old, &leaves[..new]) };
            assert_eq!(proof.hashes(), expected, "{old} to {new}");
            proof.verify(old as u64, &roots[old], new as u64, &roots[new]).unwrap();
        }
        let refused = ConsistencyProof::prove(&memory, new as u64 + 1, new as u64);
        assert!(matches!(refused, Err(JournalError::Behind { .. })));
    }
}

#[test]
fn larger_logs_agree_with_the_rfc_at_random() {
    let (_, memory) = log(3000);
    let leaves: Vec<_> = (0..3000).map(leaf).collect();
    let mut random = Seeded(1);
    for _ in 0..25 {
        let size = 131 + random.below(2870);
        let all = &leaves[..size as usize];
        let root = reference::root(all);
        let index = random.below(size);
        let proof = InclusionProof::prove(&memory, size, index).unwrap();
        assert_eq!(proof.hashes(), reference::path(index as usize, all));
        proof.verify(&leaf_hash(&leaf(index)), index, size, &root).unwrap();
        let old = 1 + random.below(size);
        let proof = ConsistencyProof::prove(&memory, old, size).unwrap();
        assert_eq!(proof.hashes(), reference::proof(old as usize, all));
        let old_root = reference::root(&all[..old as usize]);
        proof.verify(old, &old_root, size, &root).unwrap();
    }
}

fn flipped(hash: &Hash, bit: usize) -> Hash {
    let mut bytes = *hash.as_bytes();
    bytes[bit / 8] ^= 1 << (bit % 8);
    Hash::from_bytes(bytes)
}

/// Every proof that differs in one node, has one less, one more, or two in another order.
fn mutants(hashes: &[Hash], random: &mut Seeded) -> Vec<Vec<Hash>> {
    let mut mutants = Vec::new();
    for at in 0..hashes.len() {
        let mut changed = hashes.to_vec();
        changed[at] = flipped(&changed[at], random.below(256) as usize);
        mutants.push(changed);
        let mut shorter = hashes.to_vec();
        shorter.remove(at);
        mutants.push(shorter);
        for other in at + 1..hashes.len() {
            let mut swapped = hashes.to_vec();
            swapped.swap(at, other);
            mutants.push(swapped);
        }
    }
    for at in 0..=hashes.len() {
        for inserted in [Hash::EMPTY_ROOT, hashes.first().copied().unwrap_or(Hash::EMPTY_ROOT)] {
            let mut longer = hashes.to_vec();
            longer.insert(at, inserted);
            if longer != hashes {
                mutants.push(longer);
            }
        }
    }
    mutants.retain(|mutant| mutant != hashes);
    mutants
}

#[test]
fn every_changed_inclusion_proof_is_refused() {
    const SIZE: u64 = 33;
    let (_, memory) = log(SIZE);
    let (mut random, mut tried) = (Seeded(2), 0);
    for size in 1..=SIZE {
        let root = root_at(&memory, size).unwrap();
        for index in 0..size {
            let proof = InclusionProof::prove(&memory, size, index).unwrap();
            let hash = leaf_hash(&leaf(index));
            for mutant in mutants(proof.hashes(), &mut random) {
                let mutant = InclusionProof::from_hashes(mutant);
                let verdict = mutant.verify(&hash, index, size, &root);
                assert!(matches!(verdict, Err(JournalError::NotProven)), "{index} of {size}");
                tried += 1;
            }
            // The same proof for another index, leaf or root.
            for other in (0..size).filter(|other| *other != index) {
                assert!(proof.verify(&hash, other, size, &root).is_err());
                assert!(proof.verify(&leaf_hash(&leaf(other)), index, size, &root).is_err());
            }
            assert!(proof.verify(&flipped(&hash, 0), index, size, &root).is_err());
            assert!(proof.verify(&hash, index, size, &flipped(&root, 255)).is_err());
            for beyond in [size, size + 1, u64::MAX] {
                assert!(proof.verify(&hash, beyond, size, &root).is_err());
            }
        }
    }
    assert!(tried > 10_000, "{tried}");
}

/// A wrong size is refused together with the root that size has. (A root belongs to one size: it is signed with
/// it. With a wrong size and the right root some short paths are the same path.)
#[test]
fn an_inclusion_proof_for_another_size_is_refused() {
    const SIZE: u64 = 40;
    let (_, memory) = log(SIZE);
    let roots: Vec<_> = (0..=SIZE).map(|size| root_at(&memory, size).unwrap()).collect();
    for size in 1..=SIZE {
        for index in 0..size {
            let proof = InclusionProof::prove(&memory, size, index).unwrap();
            let hash = leaf_hash(&leaf(index));
            for (other, root) in (0..).zip(&roots).filter(|(other, _)| *other != size) {
                let verdict = proof.verify(&hash, index, other, root);
                assert!(verdict.is_err(), "{index} of {size} passed for {other}");
            }
        }
    }
}

#[test]
fn every_changed_consistency_proof_is_refused() {
    const SIZE: u64 = 33;
    let (_, memory) = log(SIZE);
    let roots: Vec<_> = (0..=SIZE).map(|size| root_at(&memory, size).unwrap()).collect();
    let (mut random, mut tried) = (Seeded(3), 0);
    for new in 0..=SIZE {
        for old in 0..=new {
            let proof = ConsistencyProof::prove(&memory, old, new).unwrap();
            let (old_root, new_root) = (roots[old as usize], roots[new as usize]);
            for mutant in mutants(proof.hashes(), &mut random) {
                let mutant = ConsistencyProof::from_hashes(mutant);
                let verdict = mutant.verify(old, &old_root, new, &new_root);
                assert!(matches!(verdict, Err(JournalError::NotProven)), "{old} to {new}");
                tried += 1;
            }
            assert!(proof.verify(old, &flipped(&old_root, 7), new, &new_root).is_err());
            if old > 0 {
                // The empty log is the beginning of any, so its proof says nothing of the new root.
                assert!(proof.verify(old, &old_root, new, &flipped(&new_root, 7)).is_err());
            }
            for (other, root) in (0..).zip(&roots) {
                if other != old {
                    let verdict = proof.verify(other, root, new, &new_root);
                    // An empty proof is right from 0 to anything, and from a size to itself.
                    assert!(
                        verdict.is_err()
                            || proof.hashes().is_empty() && (other == 0 || other == new),
                        "{old} to {new} passed for {other}"
                    );
                }
            }
        }
    }
    assert!(tried > 10_000, "{tried}");
}

#[test]
fn proofs_longer_than_any_log_needs_are_not_looked_at() {
    let hashes = vec![Hash::EMPTY_ROOT; MAX_HASHES + 1];
    let root = Hash::EMPTY_ROOT;
    let proof = InclusionProof::from_hashes(hashes.clone());
    assert!(proof.verify(&root, u64::MAX - 1, u64::MAX, &root).is_err());
    let proof = ConsistencyProof::from_hashes(hashes);
    assert!(proof.verify(u64::MAX - 1, &root, u64::MAX, &root).is_err());
    assert!(proof.verify(1 << 63, &root, u64::MAX, &root).is_err());
}
