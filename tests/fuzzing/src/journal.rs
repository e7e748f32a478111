//! The Merkle log: heads, tiles, proofs and exports, against the definition of RFC 6962 and one log whose every byte
//! is known.

use crate::{bytes::Bytes, must};
use interlock::journal::{
    Bundle, Checkpoint, Hash, LogIdentity, LogSigner, Memory, Resource, Tile, Tree,
    export::{self, LeavesOnly, Verifier},
    leaf_hash, node_hash,
    proof::{ConsistencyProof, InclusionProof},
};
use std::sync::OnceLock;

struct Known {
    signer: LogSigner,
    tree: Tree,
    memory: Memory,
    head: String,
    export: Vec<u8>,
}

/// A log of three leaves, short enough for an input to hold its whole export.
fn known() -> &'static Known {
    static KNOWN: OnceLock<Known> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let signer = must(LogSigner::from_seed("example.com/journal", &[42; 32]), "the key");
        let (tree, memory) = log(3);
        let head =
            must(tree.head(signer.identity()).and_then(|head| signer.sign(&head)), "the head");
        let mut out = Vec::new();
        must(
            export::write(&mut out, head.as_bytes(), signer.identity(), &memory, &memory),
            "the export",
        );
        Known { signer, tree, memory, head, export: out }
    })
}

fn leaf(index: u64) -> Vec<u8> {
    format!("leaf {index}").into_bytes()
}

fn log(size: u64) -> (Tree, Memory) {
    let (mut tree, mut memory) = (Tree::new(), Memory::new());
    let leaves: Vec<_> = (0..size).map(leaf).collect();
    let staged = must(tree.stage(&leaves), "leaves are staged");
    must(memory.write(&staged, &leaves), "leaves are written");
    must(tree.commit(staged), "leaves are there");
    (tree, memory)
}

/// What an input of [`checkpoint`] looks like.
pub(crate) fn head() -> String {
    known().head.clone()
}

/// The key of the log, as it is pinned.
pub(crate) fn key() -> String {
    known().signer.identity().to_string()
}

/// A head that opens is the one that was signed; further lines are signatures of others and nothing else.
pub(crate) fn checkpoint(data: &[u8]) {
    let known = known();
    if let Ok(head) = Checkpoint::open(data, known.signer.identity()) {
        assert_eq!(
            (head.size(), *head.root()),
            (3, known.tree.root()),
            "a head that nobody signed"
        );
        let signed = format!("{}\n", head.text());
        assert!(data.starts_with(signed.as_bytes()), "another text than what was signed");
        assert!(known.head.starts_with(&signed));
        let rest = data.get(signed.len()..).unwrap_or_default();
        let rest = must(std::str::from_utf8(rest), "text");
        assert!(
            rest.ends_with('\n') && rest.split_terminator('\n').all(|line| line.starts_with("— "))
        );
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(identity) = LogIdentity::parse(text) {
        assert_eq!(identity.to_string(), text, "a key with two spellings");
        assert!(
            Checkpoint::open(known.head.as_bytes(), &identity).is_err()
                || identity == *known.signer.identity()
        );
    }
}

/// A path that is read is the path that is written; a bundle that is read is the bundle that is written.
pub(crate) fn tiles(data: &[u8]) {
    if let Some(text) = std::str::from_utf8(data).ok().filter(|text| text.len() < 200)
        && let Ok(resource) = Resource::parse(text)
    {
        assert_eq!(resource.path(), text, "a path with two spellings");
        assert!(
            !text.split('/').any(|part| matches!(part, "" | "." | "..")),
            "a path that leads out"
        );
    }
    if let Ok(leaves) = Bundle::parse(data) {
        let mut bundle = Bundle::new();
        let whole = leaves.iter().try_for_each(|leaf| bundle.push(leaf));
        if whole.is_ok() {
            assert_eq!(bundle.as_bytes(), data, "a bundle with two spellings");
            assert_eq!(usize::from(bundle.leaves()), leaves.len());
        }
    }
    let mut bytes = Bytes::new(data);
    let (level, index, width) =
        (bytes.byte() % 9, bytes.u64() >> (bytes.byte() % 64), u16::from(bytes.byte()) + 1);
    if let Ok(tile) = Tile::new(level, index, width) {
        let resource = Resource::Hashes(tile);
        assert_eq!(must(Resource::parse(&resource.path()), "our own path"), resource);
    }
    let size = bytes.u64() >> (bytes.byte() % 64);
    if let Some(tile) = Tile::in_tree(level, index, size) {
        let hashes = size >> (8 * u32::from(level));
        assert!(tile.first() + u64::from(tile.width()) <= hashes, "a tile beyond its tree");
    }
}

/// The root, as section 2.1 of RFC 6962 defines it.
fn reference(leaves: &[Vec<u8>]) -> Hash {
    match leaves {
        [] => Hash::EMPTY_ROOT,
        [leaf] => leaf_hash(leaf),
        _ => {
            let mut split = 1;
            while split * 2 < leaves.len() {
                split *= 2;
            }
            let (left, right) = leaves.split_at(split);
            node_hash(&reference(left), &reference(right))
        }
    }
}

/// Proofs prove, against roots by the definition; altered in any way they do not.
pub(crate) fn proofs(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let size = 1 + bytes.below(80) as u64;
    let index = bytes.below(80) as u64 % size;
    let leaves: Vec<_> = (0..size).map(leaf).collect();
    let (tree, memory) = log(size);
    let root = reference(&leaves);
    assert_eq!(tree.root(), root, "another root than the definition's");
    let proof = must(InclusionProof::prove(&memory, size, index), "a proof");
    let hash = leaf_hash(&leaf(index));
    must(proof.verify(&hash, index, size, &root), "a proof of our own");
    let hashes = altered(&mut bytes, proof.hashes());
    let moved = bytes.u64() >> (bytes.byte() % 64);
    if hashes != proof.hashes() {
        let proof = InclusionProof::from_hashes(hashes);
        assert!(proof.verify(&hash, index, size, &root).is_err(), "an altered proof");
    }
    if moved != index {
        assert!(proof.verify(&hash, moved, size, &root).is_err(), "a proof of another leaf");
    }
    let old = bytes.below(81) as u64 % (size + 1);
    let old_root =
        reference(leaves.get(..usize::try_from(old).unwrap_or_default()).unwrap_or_default());
    let proof = must(ConsistencyProof::prove(&memory, old, size), "a proof of growth");
    must(proof.verify(old, &old_root, size, &root), "a proof of growth of our own");
    let hashes = altered(&mut bytes, proof.hashes());
    if hashes != proof.hashes() {
        let proof = ConsistencyProof::from_hashes(hashes);
        assert!(proof.verify(old, &old_root, size, &root).is_err(), "an altered proof of growth");
    }
    let other = Hash::from_bytes([bytes.byte(); 32]);
    assert!(
        old == size || proof.verify(old, &other, size, &root).is_err(),
        "growth out of another log"
    );
    assert!(
        proof.verify(old, &old_root, size, &other).is_err() || old == 0,
        "growth to another log"
    );
}

fn altered(bytes: &mut Bytes<'_>, hashes: &[Hash]) -> Vec<Hash> {
    let mut hashes = hashes.to_vec();
    for _ in 0..bytes.below(3) {
        let at = bytes.below(hashes.len() + 1);
        match bytes.below(4) {
            0 => hashes.truncate(at),
            1 => hashes.insert(at, Hash::from_bytes([bytes.byte(); 32])),
            2 => {
                let half = at % hashes.len().max(1);
                hashes.rotate_left(half);
            }
            _ => {
                if let Some(hash) = hashes.get_mut(at) {
                    let mut inside = *hash.as_bytes();
                    let bit = 1 << bytes.below(8);
                    if let Some(byte) = inside.get_mut(bytes.below(32)) {
                        *byte ^= bit;
                    }
                    *hash = Hash::from_bytes(inside);
                }
            }
        }
    }
    hashes
}

/// An export that is accepted is the export, to its last byte: a log has exactly one without payloads. Inputs that
/// begin with `edit` are edits of it: a place, how much goes, and what comes.
pub(crate) fn export(data: &[u8]) {
    let known = known();
    let given = match data.strip_prefix(b"edit") {
        None => data.to_vec(),
        Some(edits) => {
            let (mut bytes, mut export) = (Bytes::new(edits), known.export.clone());
            while !bytes.is_empty() {
                let at = (bytes.below(256) << 8 | bytes.below(256)) % (export.len() + 1);
                let to = (at + bytes.below(256)).min(export.len());
                export.splice(at..to, bytes.some().iter().copied());
            }
            export
        }
    };
    let verifier = Verifier::new(known.signer.identity());
    let verified = verifier.verify(given.as_slice(), &mut LeavesOnly);
    if let Ok(verified) = &verified {
        assert_eq!(verified.checkpoint.size(), 3);
    }
    assert_eq!(
        verified.is_ok(),
        given == known.export,
        "an edited export that is accepted, or ours that is not"
    );
    assert_eq!(must(Tree::load(3, &known.memory), "the log").root(), known.tree.root());
}
