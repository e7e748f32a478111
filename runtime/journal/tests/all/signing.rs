//! Keys, notes and checkpoints: one log, one key, one form.

use base64::{Engine, prelude::BASE64_STANDARD};
use interlock_journal::{Checkpoint, Hash, JournalError, LogIdentity, LogSigner, MAX_SIZE};

use super::fixture::{ORIGIN, log, other_key, signed, signer};

/// A note with any text, signed by the log's key as if it were its own.
fn forged(text: &str) -> String {
    use ed25519_dalek::Signer;
    let key = ed25519_dalek::SigningKey::from_bytes(&[42; 32]);
    let mut bytes = signer().identity().key_id().to_be_bytes().to_vec();
    bytes.extend(key.sign(text.as_bytes()).to_bytes());
    format!("{text}\n— {ORIGIN} {}\n", BASE64_STANDARD.encode(bytes))
}

fn open(note: &str) -> Result<Checkpoint, JournalError> {
    Checkpoint::open(note.as_bytes(), signer().identity())
}

#[test]
fn a_signed_head_opens_with_the_pinned_key() {
    let (tree, _) = log(300);
    let note = signed(&tree);
    let checkpoint = open(&note).unwrap();
    assert_eq!(checkpoint.origin(), ORIGIN);
    assert_eq!((checkpoint.size(), checkpoint.root()), (300, &tree.root()));
    assert_eq!(forged(&checkpoint.text()), note);
    let empty = open(&signed(&log(0).0)).unwrap();
    assert_eq!((empty.size(), empty.root()), (0, &Hash::EMPTY_ROOT));
}

#[test]
fn another_key_origin_or_key_id_is_refused() {
    let note = signed(&log(300).0);
    let refused = Checkpoint::open(note.as_bytes(), &other_key());
    assert!(matches!(refused, Err(JournalError::NotSigned { .. })), "{refused:?}");
    let elsewhere = LogSigner::from_seed("example.com/other", &[42; 32]).unwrap();
    let refused = Checkpoint::open(note.as_bytes(), elsewhere.identity());
    assert!(matches!(refused, Err(JournalError::NotSigned { .. })), "{refused:?}");
    // The pinned name and another id, and the reverse.
    let (text, line) = note.rsplit_once("\n\n").unwrap();
    let base64 = line.trim_end().rsplit_once(' ').unwrap().1;
    let mut bytes = BASE64_STANDARD.decode(base64).unwrap();
    bytes[0] ^= 1;
    let other_id = format!("{text}\n\n— {ORIGIN} {}\n", BASE64_STANDARD.encode(&bytes));
    assert!(matches!(open(&other_id), Err(JournalError::NotSigned { .. })));
    let other_name = note.replace(&format!("— {ORIGIN}"), "— example.com/other");
    assert!(matches!(open(&other_name), Err(JournalError::NotSigned { .. })));
    // The right key over the text of another log.
    let text = format!("example.com/other\n0\n{}\n", Hash::EMPTY_ROOT);
    assert!(matches!(open(&forged(&text)), Err(JournalError::OtherOrigin { .. })));
    // A signer does not sign for another log.
    let head = log(3).0.head(elsewhere.identity()).unwrap();
    assert!(matches!(signer().sign(&head), Err(JournalError::OtherOrigin { .. })));
}

#[test]
fn every_single_bit_change_of_a_signed_checkpoint_is_refused() {
    let note = signed(&log(300).0).into_bytes();
    for at in 0..note.len() {
        for bit in 0..8 {
            let mut changed = note.clone();
            changed[at] ^= 1 << bit;
            let opened = Checkpoint::open(&changed, signer().identity());
            assert!(opened.is_err(), "byte {at}, bit {bit}: {opened:?}");
        }
        let cut = Checkpoint::open(&note[..at], signer().identity());
        assert!(cut.is_err(), "cut at {at}");
    }
}

/// Texts that the log's own key signed, and that are not what it writes.
#[test]
fn signed_texts_that_are_not_canonical_checkpoints_are_refused() {
    let root = log(3).0.root();
    let text = |size: &str| format!("{ORIGIN}\n{size}\n{root}\n");
    open(&forged(&text("3"))).unwrap();
    let base64 = root.to_string();
    let short = BASE64_STANDARD.encode([7; 31]);
    let long = BASE64_STANDARD.encode([7; 33]);
    for bad in [
        text("03"),
        text("+3"),
        text("-3"),
        text(" 3"),
        text("3 "),
        text("0x3"),
        text(""),
        text("3.0"),
        text("\u{0663}"),
        text("18446744073709551616"),
        text(&u64::MAX.to_string()),
        text(&(MAX_SIZE + 1).to_string()),
        text("0"), // with a root that is not the empty one
        format!("{}extension\n", text("3")),
        format!("{}\nextension\n", text("3")),
        format!("\n{}", text("3")),
        format!("{ORIGIN}\n3\n"),
        format!("{ORIGIN}\n"),
        format!("{ORIGIN}\n3\n{short}\n"),
        format!("{ORIGIN}\n3\n{long}\n"),
        format!("{ORIGIN}\n3\n{}\n", base64.trim_end_matches('=')),
        format!("{ORIGIN}\n3\n{base64}=\n"),
        format!("{ORIGIN}\n3\n{}\n", base64.replace('=', "")),
        format!("{ORIGIN}\n3\n {base64}\n"),
    ] {
        let refused = open(&forged(&bad));
        assert!(
            matches!(
                refused,
                Err(JournalError::BadCheckpoint(_) | JournalError::OtherOrigin { .. })
            ),
            "{bad:?}: {refused:?}"
        );
    }
}

#[test]
fn a_root_with_unused_bits_set_is_refused() {
    let root = log(3).0.root().to_string();
    // The last letter before the padding has two bits that belong to no byte.
    let letter = root.as_bytes()[42];
    let changed: Vec<String> = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        .bytes()
        .filter(|other| *other != letter)
        .map(|other| format!("{}{}=", &root[..42], other as char))
        .collect();
    assert_eq!(changed.len(), 63);
    let opened: Vec<_> = changed
        .iter()
        .filter_map(|root| open(&forged(&format!("{ORIGIN}\n3\n{root}\n"))).ok())
        .collect();
    // Sixteen letters spell 32 bytes canonically, and one of them is the root itself.
    assert_eq!(opened.len(), 15);
    assert!(opened.iter().all(|checkpoint| checkpoint.root() != &log(3).0.root()));
}

#[test]
fn notes_that_are_not_in_form_are_refused() {
    let note = signed(&log(3).0);
    let (text, line) = note.split_once("\n\n").unwrap();
    let text = format!("{text}\n");
    let many = line.repeat(33);
    for bad in [
        note.replace('\n', "\r\n"),
        note.replace("\n\n", "\n"),
        note.replace("\n\n", "\n\n\n"),
        format!("{note}\n"),
        format!("{note}\n{line}"),
        note.trim_end().to_owned(),
        format!("{text}\n"),
        text.clone(),
        note.replace("— ", "- "),
        note.replace("— ", "—"),
        note.replace("— ", "—  "),
        note.replace("—", "\u{2013}"),
        note.replace(&format!("{ORIGIN} "), &format!("{ORIGIN}\t")),
        format!("{text}\n{}", line.replace("=\n", "\n")),
        format!("{text}\n{}", line.replace('\n', "=\n")),
        format!("{text}\n{}", line.replace('\n', " \n")),
        format!("{text}\n— {ORIGIN} \n"),
        format!("{text}\n— {ORIGIN} AAAAAA==\n"),
        format!("{text}\n— a+b AAAAAAA=\n{line}"),
        format!("{text}\n— a\u{a0}b AAAAAAA=\n{line}"),
        format!("{text}\n{many}"),
        format!("\u{feff}{note}"),
        String::new(),
        "\n\n".to_owned(),
        "\n".repeat(200_000),
    ] {
        let refused = open(&bad);
        assert!(
            matches!(refused, Err(JournalError::BadNote(_) | JournalError::BadSignature)),
            "{:?}: {refused:?}",
            &bad[..bad.len().min(300)]
        );
    }
    let refused = open(&format!("{text}\n{line}{line}"));
    assert!(matches!(refused, Err(JournalError::SignedTwice)), "{refused:?}");
    let refused = Checkpoint::open(&[note.as_bytes(), b"\xff\n"].concat(), signer().identity());
    assert!(matches!(refused, Err(JournalError::BadNote(_))));
}

/// The specification wants signatures of others to be passed over: witnesses sign beside the log.
#[test]
fn signatures_of_witnesses_are_passed_over_and_prove_nothing() {
    let (tree, memory) = log(3);
    let note = signed(&tree);
    let witness = "— witness.example/w AAAAAAECAwQ=\n";
    let witnessed = format!("{note}{witness}");
    assert_eq!(open(&witnessed).unwrap(), open(&note).unwrap());
    let (text, _) = note.split_once("\n\n").unwrap();
    let alone = open(&format!("{text}\n\n{witness}"));
    assert!(matches!(alone, Err(JournalError::NotSigned { .. })), "{alone:?}");
    // One log has one export: it takes the log's own line alone.
    let log = signer().identity().clone();
    let mut out = Vec::new();
    let refused =
        interlock_journal::export::write(&mut out, witnessed.as_bytes(), &log, &memory, &memory);
    assert!(matches!(refused, Err(JournalError::OtherSignatures)), "{refused:?}");
}

/// Ed25519 signatures have a second form, S + L, which strict verification refuses.
#[test]
fn the_second_form_of_a_signature_is_refused() {
    const L: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let note = signed(&log(3).0);
    let (text, line) = note.rsplit_once("\n\n").unwrap();
    let mut bytes = BASE64_STANDARD.decode(line.trim_end().rsplit_once(' ').unwrap().1).unwrap();
    let mut carry = 0;
    for (byte, l) in bytes[36..].iter_mut().zip(L) {
        carry += u16::from(*byte) + u16::from(l);
        *byte = carry as u8;
        carry >>= 8;
    }
    let second = format!("{text}\n\n— {ORIGIN} {}\n", BASE64_STANDARD.encode(bytes));
    assert!(matches!(open(&second), Err(JournalError::BadSignature)));
}

#[test]
fn a_key_is_read_back_from_its_text_and_from_no_other() {
    let identity = signer().identity().clone();
    let text = identity.to_string();
    assert_eq!(LogIdentity::parse(&text).unwrap(), identity);
    assert_eq!(LogIdentity::new(ORIGIN, &identity.public_key()).unwrap(), identity);
    let (name, rest) = text.split_once('+').unwrap();
    let (id, key) = rest.split_once('+').unwrap();
    let ecdsa = BASE64_STANDARD.encode([[2].as_slice(), &identity.public_key()].concat());
    for bad in [
        format!("{name}+{}+{key}", id.to_uppercase()),
        format!("{name}+0{id}+{key}"),
        format!("{name}+00000000+{key}"),
        format!("other+{id}+{key}"),
        format!("{name}+{id}+{ecdsa}"),
        format!("{name}+{id}+{key}="),
        format!("{name}+{id}+{key}\n"),
        format!("{name}+{id}"),
        format!("+{id}+{key}"),
        String::new(),
        key.to_owned(),
    ] {
        let refused = LogIdentity::parse(&bad);
        assert!(
            matches!(refused, Err(JournalError::BadKey(_) | JournalError::BadOrigin(_))),
            "{bad}: {refused:?}"
        );
    }
}

#[test]
fn origins_and_keys_that_cannot_be_pinned_are_refused() {
    let key = signer().identity().public_key();
    let long = "o".repeat(256);
    for bad in ["", "a b", "a+b", "a\nb", "a\tb", "é", "a\u{200b}b", long.as_str()] {
        let refused = LogIdentity::new(bad, &key);
        assert!(matches!(refused, Err(JournalError::BadOrigin(_))), "{bad:?}");
        assert!(LogSigner::from_seed(bad, &[1; 32]).is_err());
    }
    LogIdentity::new(&"o".repeat(255), &key).unwrap();
    // Points of small order: with such a key, one signature fits many texts.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    for weak in [[0; 32], neutral] {
        assert!(matches!(LogIdentity::new(ORIGIN, &weak), Err(JournalError::BadKey(_))));
    }
}

#[test]
fn no_message_shows_the_secret() {
    let signer = signer();
    let shown = format!("{signer:?}");
    assert_eq!(shown, format!("LogSigner({})", signer.identity()));
}
