//! Implementations that are not ours accept what we write, and agree on every byte: the crates `tlog_tiles` and
//! `signed_note` (Cloudflare's, ported from Go's checksum database), and the system's `tar`.

use std::{
    collections::BTreeMap,
    io::Write,
    process::{Command, Stdio},
};

use interlock_journal::{
    Bundle,
    proof::{ConsistencyProof, InclusionProof},
};
use signed_note::{Note, StandardSigner, StandardVerifier, VerifierList};
use tlog_tiles::{Tile, TileHashReader, TileReader};

use super::fixture::{exported, leaf, log, signed, signer};

/// The system's tar, on an export.
fn tar(arguments: &[&str], export: &[u8]) -> Vec<u8> {
    let mut tar = Command::new("tar")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = tar.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(export).unwrap());
        tar.wait_with_output().unwrap()
    });
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && complaints.is_empty(), "{complaints}");
    output.stdout
}

/// The files of an export, as tar sees them.
fn files(export: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let names = String::from_utf8(tar(&["--list", "--file=-"], export)).unwrap();
    names
        .lines()
        .map(|name| {
            let content = tar(&["--extract", "--to-stdout", "--file=-", name], export);
            (name.to_owned(), content)
        })
        .collect()
}

/// Reads our tiles for `tlog_tiles`, which checks each against the root before it uses it.
struct Exported(BTreeMap<String, Vec<u8>>);

impl TileReader for Exported {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        tiles
            .iter()
            .map(|tile| {
                // Its paths carry the height, which the C2SP layout fixes at 8 and leaves out.
                let path = tile.path().replacen("tile/8/", "tile/", 1);
                self.0.get(&path).cloned().ok_or(tlog_tiles::Error::InvalidTile)
            })
            .collect()
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

/// The checkpoint of an export, as `signed_note` and `tlog_tiles` read it with our key's text.
fn opened(note: &[u8]) -> tlog_tiles::Checkpoint {
    let key = StandardVerifier::new(&signer().identity().to_string()).unwrap();
    let note = Note::from_bytes(note).unwrap();
    let (verified, unverified) = note.verify(&VerifierList::new(vec![Box::new(key)])).unwrap();
    assert_eq!((verified.len(), unverified.len()), (1, 0));
    tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap()
}

#[test]
fn checkpoint_tiles_and_leaves_of_an_export_are_accepted_by_tlog_tiles_and_signed_note() {
    for size in [1, 255, 256, 257, 1000] {
        let (tree, memory) = log(size);
        let exported = Exported(files(&exported(&tree, &memory)));
        let head = opened(&exported.0["checkpoint"]);
        assert_eq!((head.origin(), head.size()), (signer().identity().origin(), size));
        assert_eq!(&head.hash().0, tree.root().as_bytes());

        let bundles = exported.0.iter().filter(|(name, _)| name.starts_with("tile/entries/"));
        let leaves: Vec<&[u8]> =
            bundles.flat_map(|(_, bytes)| Bundle::parse(bytes).unwrap()).collect();
        assert_eq!(leaves.len() as u64, size);

        let reader = TileHashReader::new(size, *head.hash(), &exported);
        for index in (0..size).step_by(if size > 300 { 9 } else { 1 }).chain([size - 1]) {
            let theirs = tlog_tiles::prove_record(size, index, &reader).unwrap();
            let hash = tlog_tiles::record_hash(leaves[index as usize]);
            tlog_tiles::check_record(&theirs, size, *head.hash(), index, hash).unwrap();
            let ours = InclusionProof::prove(&memory, size, index).unwrap();
            assert_eq!(
                plain(&theirs),
                ours.hashes().iter().map(|h| *h.as_bytes()).collect::<Vec<_>>()
            );
        }
        for old in (1..=size).step_by(if size > 300 { 71 } else { 19 }).chain([size]) {
            let theirs = tlog_tiles::prove_tree(size, old, &reader).unwrap();
            let old_root = tlog_tiles::tree_hash(old, &reader).unwrap();
            tlog_tiles::check_tree(&theirs, size, *head.hash(), old, old_root).unwrap();
            let ours = ConsistencyProof::prove(&memory, old, size).unwrap();
            assert_eq!(
                plain(&theirs),
                ours.hashes().iter().map(|h| *h.as_bytes()).collect::<Vec<_>>()
            );
        }
    }
}

fn plain(hashes: &[tlog_tiles::Hash]) -> Vec<[u8; 32]> {
    hashes.iter().map(|hash| hash.0).collect()
}

/// The checks above are checks: with one bit of one tile changed they refuse.
#[test]
fn tlog_tiles_refuses_a_changed_tile_of_ours() {
    let (tree, memory) = log(300);
    let root = tlog_tiles::Hash(*tree.root().as_bytes());
    let good = files(&exported(&tree, &memory));
    for (path, index) in [("tile/0/000", 7), ("tile/0/001.p/44", 256 + 7)] {
        let mut changed = Exported(good.clone());
        changed.0.get_mut(path).unwrap()[32 * 6] ^= 1; // The leaf beside `index`.
        let reader = TileHashReader::new(300, root, &changed);
        let refused = match tlog_tiles::prove_record(300, index, &reader) {
            Err(_) => true,
            Ok(proof) => {
                let hash = tlog_tiles::record_hash(&leaf(index));
                tlog_tiles::check_record(&proof, 300, root, index, hash).is_err()
            }
        };
        assert!(refused, "{path}");
    }
}

/// What they sign, we open; what we sign is byte for byte what they sign.
#[test]
fn checkpoints_that_signed_note_signs_are_ours_to_the_byte() {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let identity = signer().identity().clone();
    let mut secret = vec![1];
    secret.extend([42; 32]);
    let secret = format!(
        "PRIVATE+KEY+{}+{:08x}+{}",
        identity.origin(),
        identity.key_id(),
        BASE64_STANDARD.encode(secret)
    );
    let theirs = StandardSigner::new(&secret).unwrap();
    for size in [0, 1, 300] {
        let (tree, _) = log(size);
        let root = tlog_tiles::Hash(*tree.root().as_bytes());
        let text = tlog_tiles::Checkpoint::new(identity.origin(), size, root, "").unwrap();
        let mut note = Note::new(&text.to_bytes(), &[]).unwrap();
        note.add_sigs(&[&theirs]).unwrap();
        assert_eq!(note.to_bytes(), signed(&tree).as_bytes());
    }
}

#[test]
fn tar_unpacks_an_export_as_the_public_layout() {
    let (tree, memory) = log(1000);
    let files = files(&exported(&tree, &memory));
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "checkpoint",
            "tile/0/000",
            "tile/0/001",
            "tile/0/002",
            "tile/0/003.p/232",
            "tile/1/000.p/3",
            "tile/entries/000",
            "tile/entries/001",
            "tile/entries/002",
            "tile/entries/003.p/232",
        ]
    );
    assert_eq!(files["checkpoint"], signed(&tree).as_bytes());
    assert_eq!(Bundle::parse(&files["tile/entries/001"]).unwrap()[3], leaf(259));
}
