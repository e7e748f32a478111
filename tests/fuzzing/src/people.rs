//! What people sign, their signatures, and who they are.

use crate::must;
use interlock::authority::{
    document::{self, MAX_BYTES},
    request::RequestBody,
    roster::{Roster, RosterSource},
};
use std::sync::OnceLock;

/// A request is read from its canonical bytes alone; its document is a function of them, in ASCII, and no word of
/// anybody else stands at the beginning of a line.
pub(crate) fn approval_document(data: &[u8]) {
    if let Ok(body) = RequestBody::parse(data) {
        assert_eq!(must(body.canonical(), "what was read is written"), data, "two spellings");
    }
    let Ok(body) = serde_json::from_slice::<RequestBody>(data) else { return };
    let Ok(bytes) = body.canonical() else { return };
    let again = must(RequestBody::parse(&bytes), "what was written is read");
    assert_eq!(must(again.canonical(), "again"), bytes);
    let shown = document::render(&body);
    assert_eq!(shown, document::render(&again), "the document says more than the bytes");
    let Ok(text) = shown else { return };
    assert!(text.len() <= MAX_BYTES);
    let plain = |byte: u8| byte == b'\n' || (0x20..0x7f).contains(&byte);
    assert!(text.bytes().all(plain), "not ASCII: {text:?}");
    let digest = format!("sha256 {}", must(body.digest(), "the digest"));
    let lines: Vec<&str> = text.split('\n').collect();
    assert_eq!(lines.first(), Some(&"INTERLOCK APPROVAL v1"));
    assert_eq!(lines.get(1), Some(&digest.as_str()));
    assert_eq!(lines.len().checked_sub(2).and_then(|at| lines.get(at)), Some(&digest.as_str()));
    assert_eq!(lines.last(), Some(&""));
    for line in &lines {
        let ours = line.is_empty()
            || line.starts_with(' ')
            || OURS.iter().any(|(lead, _)| line.starts_with(lead));
        assert!(ours, "nobody of ours wrote this line: {line}");
    }
    for (lead, most) in OURS {
        let count = lines.iter().filter(|line| line.starts_with(lead)).count();
        assert!(count <= *most, "{count} lines begin with `{lead}`");
    }
}

/// How lines of ours begin, and how many of them a document has at most.
const OURS: &[(&str, usize)] = &[
    ("INTERLOCK APPROVAL v1", 1),
    ("sha256 ", 2),
    ("-----", 2),
    ("REQUEST   ", 1),
    ("EXPIRES   ", 1),
    ("HOST      ", 1),
    ("RULES     policies ", 1),
    ("ASKED BY  ", 1),
    ("TOOL      ", 1),
    ("PLUGIN    ", 1),
    ("NEEDS     ", 1),
    ("IN SHORT  ", 1),
    ("EXACTLY THIS MAY HAPPEN, IN THIS ORDER, ONCE:", 1),
    ("NOTHING ELSE CAN. Any prefix of this list may be the final state.", 1),
    ("The plan ", 1),
    ("THE PROVIDER SAYS OF ", 50),
    ("THE AGENT SAYS (not checked):", 1),
    ("THE ASKER SAYS (not checked):", 1),
    ("THIS ADDS ONLY, TO WHAT THE PLUGIN MAY DO ALREADY:", 1),
    ("At most ", 1),
    ("Only when the asker calls the plugin with these bytes, under these rules.", 1),
    ("Policies still decide each effect. Nothing of class destroy is added.", 1),
    ("THE RULES OF THIS HOST CHANGE:", 1),
    ("LINE BY LINE (- the old rules, + the new ones):", 1),
    ("Until people of the old rules agree, nothing has an effect here.", 1),
    ("END  ", 1),
];

pub(crate) const SIGNER: &str = "amira@example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDGolD1nYbQWRInmqARLS49oClKrxBd7vMJutFqKVVQT\n";
/// What `ssh-keygen -Y sign -n interlock-approval@v1` made of [`DOCUMENT`].
pub(crate) const SIGNATURE: &str = include_str!("signature.txt");
const DOCUMENT: &[u8] = b"the document\n";

/// One signature of one key over one document is known: whatever else is taken for one is a finding. Bytes that are
/// no text are tried as the inside of an armour.
pub(crate) fn sshsig(data: &[u8]) {
    static ROSTER: OnceLock<Roster> = OnceLock::new();
    let roster = ROSTER.get_or_init(|| {
        let source = RosterSource { allowed_signers: SIGNER.to_owned(), ..RosterSource::default() };
        must(Roster::parse(&source), "the roster")
    });
    let armoured = match std::str::from_utf8(data) {
        Ok(text) => text.to_owned(),
        Err(_) => armour(data),
    };
    let plain = |text: &str| text.split_whitespace().collect::<String>();
    let good = roster.verify(DOCUMENT, &armoured, 0);
    let expected = plain(&armoured) == plain(SIGNATURE);
    if good.is_ok() {
        assert!(expected, "a signature that nobody made: {armoured}");
    }
    assert!(roster.verify(b"another document\n", &armoured, 0).is_err());
}

fn armour(data: &[u8]) -> String {
    let base64 = crate::shapes::base64(data);
    let lines: Vec<String> = base64
        .as_bytes()
        .chunks(70)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", lines.join("\n"))
}

/// A roster that is read has people with keys, and one that is not names a line that it has.
pub(crate) fn roster(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let source = RosterSource {
        file: "allowed_signers".into(),
        allowed_signers: text.into(),
        ..RosterSource::default()
    };
    match Roster::parse(&source) {
        Ok(roster) => {
            let lines = text
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty() && !line.starts_with('#'))
                .count();
            assert!(roster.people_with_keys() <= lines, "more people than lines");
            assert_eq!(roster.people_with_keys() == 0, lines == 0, "lines without people");
            // A copy of any key under another name makes it unclear whose it is.
            let twice = format!("{text}\n{}", text.replace("@example.com", "@example.org"));
            if lines > 0 && text.contains("@example.com") {
                let source = RosterSource { allowed_signers: twice, ..source };
                assert!(Roster::parse(&source).is_err(), "one key of two people");
            }
        }
        Err(problem) => {
            let line = problem.line.unwrap_or(1);
            assert!((1..=text.lines().count().max(1)).contains(&line), "line {line} of {text:?}");
            assert!(!problem.message.is_empty());
        }
    }
}
