//! Values that others published: the leaves and roots that Certificate Transparency implementations are tested
//! with, and the signed note of Go's checksum database.

use interlock_journal::{Checkpoint, Hash, JournalError, LogIdentity, LogSigner, Tree, leaf_hash};

fn hex(hash: &Hash) -> String {
    hash.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn rfc_6962_trees_of_0_to_8_leaves() {
    let leaves: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut tree = Tree::new();
    assert_eq!(hex(&tree.root()), roots[0]);
    for (leaf, root) in leaves.iter().zip(&roots[1..]) {
        tree.commit(tree.stage([leaf]).unwrap()).unwrap();
        assert_eq!(hex(&tree.root()), *root, "size {}", tree.size());
    }
    assert_eq!(hex(&tree.stage(leaves).unwrap().root()).len(), 64);
    assert_eq!(
        hex(&leaf_hash(b"L123456")),
        "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
    );
}

const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\
    \n\
    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

/// The signature is accepted, and then the text is not a checkpoint.
#[test]
fn the_signed_note_of_go_sumdb() {
    let peter = LogIdentity::parse(PETER).unwrap();
    assert_eq!((peter.origin(), peter.key_id()), ("PeterNeumann", 0xc74f_20a3));
    let opened = Checkpoint::open(NOTE.as_bytes(), &peter);
    assert!(matches!(opened, Err(JournalError::BadCheckpoint(_))), "{opened:?}");
    let opened = Checkpoint::open(NOTE.replace("know what", "know, what").as_bytes(), &peter);
    assert!(matches!(opened, Err(JournalError::BadSignature)), "{opened:?}");
}

/// Go's `GenerateKey` with zeroes for randomness and the name `EnochRoot`: the key, its id.
#[test]
fn the_key_that_go_makes_of_zeroes() {
    let enoch = LogSigner::from_seed("EnochRoot", &[0; 32]).unwrap();
    assert_eq!(enoch.identity().key_id(), 0xaf0c_fe78);
}
