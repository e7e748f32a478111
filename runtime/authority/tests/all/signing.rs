//! Rosters, signatures and quorums. The signatures are those of the real `ssh-keygen`, with keys made here;
//! a hardware key's is put together by hand.

use crate::{fixture::call, tickets::plan};
use interlock_authority::{
    Digest, Needs, Principal,
    desk::{Brought, Happened, Holder, RequestState, Standing, approved, check_apply},
    document,
    epoch::{Epoch, EpochPart},
    plan::PlanEnd,
    quorum::{NotCounted, tally},
    request::{Asker, RequestBody, Wish},
    roster::{Presence, Roster, RosterSource},
    signature::{NAMESPACE, Signer, sign},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

pub(crate) struct Keys {
    folder: tempfile::TempDir,
}

impl Keys {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
    /// A key of this name, and its line for a roster.
    pub(crate) fn line(&self, name: &str, kind: &str, options: &str) -> String {
        let path = self.path(name);
        if !path.exists() {
            keygen(&["-q", "-t", kind, "-N", "", "-f", path.to_str().unwrap()]);
        }
        let public = std::fs::read_to_string(path.with_extension("pub")).unwrap();
        format!("{name}@example.com {options} {}\n", public.trim())
    }
    pub(crate) fn sign(&self, name: &str, namespace: &str, document: &str) -> String {
        let file = self.path("doc");
        std::fs::write(&file, document).unwrap();
        let _ = std::fs::remove_file(self.path("doc.sig"));
        let (key, file) = (self.path(name), file.to_str().unwrap().to_owned());
        keygen(&["-q", "-Y", "sign", "-n", namespace, "-f", key.to_str().unwrap(), &file]);
        std::fs::read_to_string(self.path("doc.sig")).unwrap()
    }
}

fn keygen(arguments: &[&str]) {
    let out = Command::new("ssh-keygen").args(arguments).stdin(Stdio::null()).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}

pub(crate) fn roster(text: &str) -> Roster {
    try_roster(text, &[], &[]).unwrap()
}

fn try_roster(
    text: &str,
    people: &[(&str, &[&str])],
    groups: &[(&str, &[&str])],
) -> Result<Roster, String> {
    let map = |all: &[(&str, &[&str])]| -> BTreeMap<String, Vec<String>> {
        all.iter()
            .map(|(k, v)| ((*k).to_owned(), v.iter().map(|s| (*s).to_owned()).collect()))
            .collect()
    };
    let source = RosterSource {
        file: "allowed_signers".into(),
        allowed_signers: text.into(),
        people: map(people),
        groups: map(groups),
        ..RosterSource::default()
    };
    Roster::parse(&source).map_err(|e| e.to_string())
}

pub(crate) const NOW: u64 = 1_790_000_000;

#[test]
fn what_ssh_keygen_signs_is_accepted_and_what_we_sign_ssh_keygen_accepts() {
    let keys = Keys::new();
    for kind in ["ed25519", "ecdsa"] {
        let line = keys.line(kind, kind, "");
        let roster = roster(&line);
        let signer = roster.verify(b"text", &keys.sign(kind, NAMESPACE, "text"), NOW).unwrap();
        assert_eq!(signer.person, format!("{kind}@example.com"));
        assert_eq!(signer.presence, None);

        let private = std::fs::read_to_string(keys.path(kind)).unwrap();
        let ours = sign(&ssh_key::PrivateKey::from_openssh(&private).unwrap(), b"text").unwrap();
        std::fs::write(keys.path("ours.sig"), ours).unwrap();
        std::fs::write(keys.path("allowed"), &line).unwrap();
        std::fs::write(keys.path("text"), "text").unwrap();
        let out = Command::new("ssh-keygen")
            .args(["-Y", "verify", "-n", NAMESPACE, "-I", &format!("{kind}@example.com"), "-f"])
            .arg(keys.path("allowed"))
            .arg("-s")
            .arg(keys.path("ours.sig"))
            .stdin(std::fs::File::open(keys.path("text")).unwrap())
            .output()
            .unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }
}

#[test]
fn a_signature_of_something_else_has_its_own_code() {
    let keys = Keys::new();
    let signer = roster(&keys.line("a", "ed25519", ""));
    let good = keys.sign("a", NAMESPACE, "text");
    let code = |r: &Roster, document: &[u8], signature: &str, at: u64| {
        r.verify(document, signature, at).map(|s| s.person).map_err(|e| e.code())
    };
    assert_eq!(code(&signer, b"text", &good, NOW), Ok("a@example.com".into()));
    assert_eq!(code(&signer, b"text.", &good, NOW), Err("bad-signature"));
    let other = keys.sign("a", "git", "text");
    assert_eq!(code(&signer, b"text", &other, NOW), Err("other-namespace"));
    keys.line("b", "ed25519", "");
    let stranger = keys.sign("b", NAMESPACE, "text");
    assert_eq!(code(&signer, b"text", &stranger, NOW), Err("unknown-key"));
    for broken in ["", "x", "-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n"] {
        assert_eq!(code(&signer, b"text", broken, NOW), Err("bad-armour"), "{broken}");
    }
    let until = roster(&keys.line("a", "ed25519", "valid-before=\"20260101Z\""));
    assert_eq!(code(&until, b"text", &good, NOW), Err("key-not-valid-now"));
    assert_eq!(code(&until, b"text", &good, 1_700_000_000), Ok("a@example.com".into()));
    let from = roster(&keys.line("a", "ed25519", "valid-after=\"209901010000Z\""));
    assert_eq!(code(&from, b"text", &good, NOW), Err("key-not-valid-now"));
    // Each byte of the armour's inside matters.
    let accepted = good
        .char_indices()
        .filter(|(at, c)| c.is_ascii_alphanumeric() && (40..good.len() - 40).contains(at))
        .filter(|(at, c)| {
            let mut changed = good.clone();
            changed.replace_range(*at..at + 1, if *c == 'A' { "B" } else { "A" });
            signer.verify(b"text", &changed, NOW).is_ok()
        })
        .collect::<Vec<_>>();
    assert_eq!(accepted, [], "{good}");
}

#[test]
fn a_roster_that_does_not_say_whose_key_it_is_is_refused() {
    let keys = Keys::new();
    let a = keys.line("a", "ed25519", "");
    let key = a.split_once(' ').unwrap().1.trim().to_owned();
    for (line, word) in [
        (format!("a@example.com,b@example.com {key}"), "line of their own"),
        (format!("*@example.com {key}"), "wildcard"),
        (format!("!a@example.com {key}"), "wildcard"),
        (format!("a@example.com cert-authority {key}"), "certificate authority"),
        (format!("a@example.com namespaces=\"git\" {key}"), "namespaces"),
        (format!("a@example.com valid-before=\"20260101\" {key}"), "UTC"),
        (format!("a@example.com no-such-option {key}"), "not known"),
        (format!("{a}b@example.com {key}"), "one key is one person's"),
        ("a@example.com".into(), "NAME"),
        ("a@example.com ssh-ed25519 AAAA".into(), "cannot be read"),
    ] {
        let error = try_roster(&line, &[], &[]).unwrap_err();
        assert!(error.contains(word) && error.contains("allowed_signers:"), "{line}: {error}");
    }
    let names: &[&str] = &["a@example.com"];
    assert!(try_roster(&a, &[("x", names), ("y", names)], &[]).unwrap_err().contains("two people"));
    assert!(
        try_roster(&a, &[], &[("g", &["z@example.com"])])
            .unwrap_err()
            .contains("not on the roster")
    );
    assert!(try_roster(&a, &[("x", names)], &[("g", names)]).is_ok());
}

pub(crate) fn signer(person: &str, presence: Option<bool>) -> Signer {
    Signer {
        person: person.into(),
        principal: person.into(),
        fingerprint: format!("SHA256:{person}"),
        key_type: "ssh-ed25519".into(),
        presence,
    }
}

pub(crate) fn body(needs: Needs) -> RequestBody {
    let flush = call("wipe", "flush", &["a"]);
    let digest = Digest::from_bytes([1; 32]);
    RequestBody {
        version: 1,
        id: "01JD8Z5T3K9QW2M4X6Y8A0B1C2".into(),
        deployment: "5f0c9a1e77d24b60b8e1c4d3a2f19e05".into(),
        host: "prod-actions".into(),
        asker: Asker {
            principal: "Agent::bot".parse().unwrap(),
            teams: vec!["sre-agents".into()],
            operators: vec!["op@example.com".into()],
        },
        wish: Wish::Plan { plan: Box::new(plan(&[flush], PlanEnd::Complete)) },
        needs,
        not_counted: vec![],
        created: NOW,
        expires: NOW + 1800,
        nonce: "0".repeat(32),
        epoch: Epoch { policies: digest, catalogues: digest, approvers: digest },
        grants: digest,
        said: None,
    }
}

/// Every choice of up to three signatures of five people, two groups and every need up to 2 of each: against
/// sets.
#[test]
fn asker_cannot_approve_and_people_are_counted_not_keys() {
    let keys = Keys::new();
    let names = ["a", "b", "c", "op", "pub"];
    let text: String = names.iter().map(|n| keys.line(n, "ed25519", "")).collect();
    let one: &[&str] = &["a@example.com", "b@example.com", "op@example.com"];
    let two: &[&str] = &["b@example.com", "c@example.com", "pub@example.com"];
    let roster = try_roster(&text, &[], &[("one", one), ("two", two)]).unwrap();
    let person = |at: usize| format!("{}@example.com", names[at]);
    let members = |group: &str| -> BTreeSet<String> {
        let list = match group {
            "one" => one.to_vec(),
            "two" => two.to_vec(),
            _ => vec![
                "a@example.com",
                "b@example.com",
                "c@example.com",
                "op@example.com",
                "pub@example.com",
            ],
        };
        list.into_iter().map(str::to_owned).collect()
    };
    let excluded: BTreeSet<String> = ["op@example.com".into(), "pub@example.com".into()].into();
    let mut tried = 0;
    for (x, y, z) in (0..27).map(|n| (n % 3, n / 3 % 3, n / 9)) {
        let needs: BTreeMap<String, u8> =
            [("one", x), ("two", y), ("", z)].map(|(g, n)| (g.to_owned(), n)).into();
        let mut body = body(Needs { people: needs.clone(), ttl: None });
        if let Wish::Plan { plan } = &mut body.wish {
            plan.plugin.publisher = Some("pub@example.com".into());
        }
        for choice in 0..216usize {
            let chosen: Vec<usize> =
                [choice % 6, choice / 6 % 6, choice / 36].into_iter().filter(|c| *c < 5).collect();
            let signers: Vec<Signer> = chosen.iter().map(|at| signer(&person(*at), None)).collect();
            let agreed: BTreeSet<String> =
                chosen.iter().map(|at| person(*at)).filter(|p| !excluded.contains(p)).collect();
            let asked: Vec<_> = needs.iter().filter(|(_, n)| **n > 0).collect();
            let expected = !asked.is_empty()
                && asked.iter().all(|(group, n)| {
                    agreed.intersection(&members(group)).count() >= usize::from(**n)
                });
            let counted = tally(&body, &roster, &signers);
            assert_eq!(counted.met, expected, "{needs:?} {signers:?}");
            tried += 1;
        }
    }
    assert_eq!(tried, 27 * 216);
}

#[test]
fn asker_cannot_approve_the_person_who_asked_and_why() {
    let keys = Keys::new();
    let text: String = ["a", "op"].iter().map(|n| keys.line(n, "ed25519", "")).collect();
    let names: &[&str] = &["a@example.com"];
    let roster = try_roster(&text, &[("amira", names)], &[]).unwrap();
    let mut body = body(Needs::people(1, "", None));
    let why = |body: &RequestBody, person: &str| {
        tally(body, &roster, &[signer(person, None)]).left_out.first().map(|(_, why)| *why)
    };
    assert_eq!(why(&body, "amira"), None);
    assert_eq!(why(&body, "op@example.com"), Some(NotCounted::OperatesTheAsker));
    body.asker.principal = Principal::Person("amira".into());
    assert_eq!(why(&body, "amira"), Some(NotCounted::Asked));
    for (why, word) in [
        (NotCounted::Asked, "asked"),
        (NotCounted::OperatesTheAsker, "operates"),
        (NotCounted::PublishedThePlugin, "published"),
        (NotCounted::NoPresence, "touching"),
        (NotCounted::SamePerson, "already"),
        (NotCounted::NotInAGroup, "group"),
    ] {
        assert!(why.sentence().contains(word), "{why:?}");
    }
}

#[test]
fn presence_and_solo() {
    let keys = Keys::new();
    let source = RosterSource {
        allowed_signers: keys.line("a", "ed25519", "") + &keys.line("op", "ed25519", ""),
        presence: Presence::Destroy,
        ..RosterSource::default()
    };
    let strict = Roster::parse(&source).unwrap();
    let body = body(Needs::people(1, "", None));
    for (presence, met) in [(None, false), (Some(false), false), (Some(true), true)] {
        assert_eq!(tally(&body, &strict, &[signer("a@example.com", presence)]).met, met);
        // Other rules could drop that demand, so they are held to it; what only changes something is not.
        let mut rules = body.clone();
        let (from, to) = (body.epoch.clone(), body.epoch.clone());
        rules.wish = Wish::Epoch { from, to, changes: Vec::new() };
        assert_eq!(tally(&rules, &strict, &[signer("a@example.com", presence)]).met, met);
    }
    let solo =
        Roster::parse(&RosterSource { solo: true, presence: Presence::Off, ..source }).unwrap();
    let mut two = body.clone();
    two.needs = Needs::people(2, "", None);
    let met = |person: &str, presence| tally(&two, &solo, &[signer(person, presence)]).met;
    // One person is the team; who operates the asker counts only with a touch.
    assert!(met("a@example.com", None));
    assert!(!met("op@example.com", None));
    assert!(met("op@example.com", Some(true)));
}

pub(crate) struct Approved {
    keys: Keys,
    roster: Roster,
    body: RequestBody,
    document: String,
    history: Vec<Happened>,
}

fn approved_by_two() -> Approved {
    approved_by_two_people(body(Needs::people(2, "", None)))
}

/// A request that two people signed.
pub(crate) fn approved_by_two_people(body: RequestBody) -> Approved {
    let keys = Keys::new();
    let text: String = ["a", "b"].iter().map(|n| keys.line(n, "ed25519", "")).collect();
    let roster = roster(&text);
    let document = document::render(&body).unwrap();
    let history = ["a", "b"]
        .iter()
        .map(|n| Happened::Approved { signature: keys.sign(n, NAMESPACE, &document), at: NOW })
        .collect();
    Approved { keys, roster, body, document, history }
}

impl Approved {
    pub(crate) fn standing(&self) -> Standing<'_> {
        Standing {
            body: &self.body,
            document: &self.document,
            history: &self.history,
            roster: &self.roster,
            now: NOW + 1,
        }
    }
}

/// One thing at a time changes after the approval: each is refused by its own code.
#[test]
fn shown_is_signed_and_whatever_changed_since_is_refused_by_name() {
    let at = approved_by_two();
    let arguments = serde_json::json!({});
    let other = serde_json::json!({"x": 1});
    let (principal, somebody): (Principal, Principal) =
        ("Agent::bot".parse().unwrap(), "Agent::other".parse().unwrap());
    let digest = Digest::from_bytes([1; 32]);
    let changed = Digest::from_bytes([9; 32]);
    let epoch = at.body.epoch.clone();
    let holder = Holder {
        deployment: &at.body.deployment,
        epoch: &epoch,
        grants: digest,
        principal: &principal,
        plugin: "cachebox",
        digest: Digest::from_bytes([7; 32]),
    };
    let brought = Brought { holder, tool: "tidy", arguments: &arguments };
    let by = |holder| Brought { holder, ..brought };
    let code = |brought: &Brought<'_>| {
        check_apply(&at.standing(), brought).map(drop).map_err(|e| e.code())
    };
    assert_eq!(code(&brought), Ok(()));
    let policies = Epoch { policies: changed, ..epoch.clone() };
    let catalogues = Epoch { catalogues: changed, ..epoch.clone() };
    let approvers = Epoch { approvers: changed, ..epoch.clone() };
    let cases = [
        (by(Holder { deployment: "ff", ..holder }), "foreign-deployment"),
        (by(Holder { principal: &somebody, ..holder }), "foreign-principal"),
        (by(Holder { plugin: "other", ..holder }), "different-call"),
        (Brought { tool: "other", ..brought }, "different-call"),
        (Brought { arguments: &other, ..brought }, "different-call"),
        (by(Holder { digest: changed, ..holder }), "plugin-changed"),
        (by(Holder { grants: changed, ..holder }), "epoch-grants"),
        (by(Holder { epoch: &policies, ..holder }), "epoch-policies"),
        (by(Holder { epoch: &catalogues, ..holder }), "epoch-catalogues"),
        (by(Holder { epoch: &approvers, ..holder }), "epoch-approvers"),
    ];
    for (brought, expected) in cases {
        assert_eq!(code(&brought), Err(expected));
    }
    assert_eq!(
        epoch.differences(&Epoch { approvers: changed, ..epoch.clone() }),
        [EpochPart::Approvers]
    );
    // Signatures belong to the document of these bytes: of any other request they are worth nothing.
    let mut edited = at.body.clone();
    edited.needs = Needs::people(1, "", None);
    let document = document::render(&edited).unwrap();
    let standing = Standing { body: &edited, document: &document, ..at.standing() };
    assert_eq!(standing.state(), RequestState::Pending);
    assert_eq!(approved(&standing).map(drop).unwrap_err().code(), "request-pending");
}

#[test]
fn a_request_ends_once_and_nothing_revives_it() {
    let at = approved_by_two();
    let with = |more: Vec<Happened>, now: u64| {
        let history: Vec<_> = at.history.iter().cloned().chain(more).collect();
        let standing = Standing { history: &history, now, ..at.standing() };
        (standing.state().as_str(), approved(&standing).map(drop).map_err(|e| e.code()))
    };
    let by = || "x".to_owned();
    assert_eq!(with(vec![], NOW), ("approved", Ok(())));
    assert_eq!(with(vec![], NOW + 1800), ("expired", Err("request-expired")));
    let denied = Happened::Denied { by: by(), reason: by() };
    assert_eq!(with(vec![denied], NOW), ("denied", Err("request-denied")));
    assert_eq!(
        with(vec![Happened::Revoked { by: by() }], NOW),
        ("revoked", Err("request-revoked"))
    );
    let claimed = Happened::Claimed { run: by() };
    assert_eq!(with(vec![claimed.clone()], NOW), ("consumed", Err("request-consumed")));
    // An approval after the end is no approval.
    let mut late = at.history.clone();
    late.insert(0, claimed);
    let standing = Standing { history: &late, ..at.standing() };
    assert_eq!(standing.admit("x").unwrap_err().code(), "request-consumed");
    // A second signature of the same person is told, and not admitted.
    let again = at.keys.sign("a", NAMESPACE, &at.document);
    assert_eq!(at.standing().admit(&again).unwrap_err().code(), "already-approved");
    let _: &Path = at.keys.folder.path();
}
