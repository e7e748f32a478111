//! Logs and keys for the tests.

use interlock_journal::{LogIdentity, LogSigner, Memory, Tree, export};

pub(crate) const ORIGIN: &str = "example.com/journal";

pub(crate) fn signer() -> LogSigner {
    LogSigner::from_seed(ORIGIN, &[42; 32]).unwrap()
}

/// Leaf `index` of every log here: no two alike, lengths from 8 to 38.
pub(crate) fn leaf(index: u64) -> Vec<u8> {
    let mut leaf = index.to_be_bytes().to_vec();
    leaf.extend((0..index % 31).map(|byte| (byte * 7) as u8));
    leaf
}

/// A log of `size` leaves.
pub(crate) fn log(size: u64) -> (Tree, Memory) {
    let (mut tree, mut memory) = (Tree::new(), Memory::new());
    let leaves: Vec<_> = (0..size).map(leaf).collect();
    let staged = tree.stage(&leaves).unwrap();
    memory.write(&staged, &leaves).unwrap();
    tree.commit(staged).unwrap();
    (tree, memory)
}

pub(crate) fn signed(tree: &Tree) -> String {
    signer().sign(&tree.head(signer().identity()).unwrap()).unwrap()
}

pub(crate) fn exported(tree: &Tree, memory: &Memory) -> Vec<u8> {
    let mut out = Vec::new();
    let head = signed(tree);
    export::write(&mut out, head.as_bytes(), signer().identity(), memory, memory).unwrap();
    out
}

pub(crate) fn other_key() -> LogIdentity {
    LogSigner::from_seed(ORIGIN, &[43; 32]).unwrap().identity().clone()
}

/// Random numbers that are the same in each run (SplitMix64).
pub(crate) struct Seeded(pub(crate) u64);

impl Seeded {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}
