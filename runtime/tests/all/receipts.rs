//! Receipts of real runs through a host with a journal: what each says, that any change of one is found, and
//! that one which leaves something out is not borne out by an export.

use crate::{
    fixture::{Cache, Mood, POLICIES, grant, host_of},
    pipeline::CALLER,
};
use interlock::{
    Host, HostError, Outcome, Request, Response,
    authority::{LinkState, signature},
    desk::Approver,
    install::{Install, install},
    journal::{Checkpoint, LogIdentity, LogSigner, Tree},
    record::{
        Event, EventBody, Record, Recorder,
        receipt::{self, Ran, Receipt, against_export},
        signer, space,
    },
    response::EffectStatus,
    sandbox::PluginBytes,
    statement::{Envelope, Statement, StatementKey, StatementSigner},
};
use serde_json::{Value, json};
use ssh_key::{PrivateKey, private::Ed25519Keypair};
use std::{fs::File, path::PathBuf, sync::Arc, time::Duration};

/// Changes need two people.
const ASKING: &str = r#"
@id("invoke") permit (principal, action == Action::"invoke", resource);
@id("read") permit (principal, action in Action::"read", resource);
@id("change") @approvals("2") permit (principal, action in Action::"change", resource);
@id("apply") permit (principal, action == Action::"apply-plan", resource);
"#;

struct Deployment {
    host: Host,
    cache: Arc<Cache>,
    folder: tempfile::TempDir,
}

fn person(byte: u8) -> PrivateKey {
    PrivateKey::new(Ed25519Keypair::from_seed(&[byte; 32]).into(), "").unwrap()
}

async fn deployment(policies: &str, look_at: &str) -> Deployment {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("interlock.toml");
    std::fs::create_dir(folder.path().join("policies")).unwrap();
    std::fs::write(folder.path().join("policies/test.cedar"), policies).unwrap();
    let signers: String = [("amira", 1), ("li", 2)]
        .map(|(name, byte)| {
            format!("{name}@example.com {}\n", person(byte).public_key().to_openssh().unwrap())
        })
        .concat();
    std::fs::write(folder.path().join("signers"), signers).unwrap();
    let text = "policies = \"policies\"\n[agents.bot]\n[approvers]\nallowed_signers = \"signers\"\n\
                [limits]\ntime = \"2s\"\n";
    std::fs::write(&file, text).unwrap();
    let cache = Arc::new(Cache::default());
    let build = || host_of(&file, &cache).build().unwrap_or_else(|e| panic!("{e}"));
    let plugin = PluginBytes::from_file_bytes(CALLER.as_bytes().to_vec()).unwrap();
    let wanted = Install {
        name: "caller".into(),
        grants: Some(vec![grant("look", &[look_at]), grant("tune", &["cache/a"])]),
        preopens: None,
    };
    install(&build(), &plugin, &wanted).await.unwrap();
    Deployment { host: build(), cache, folder }
}

impl Deployment {
    fn mood(&self, mood: Mood) {
        *self.cache.mood.lock().unwrap() = mood;
    }
    async fn call(&self, tool: &str, request: Option<&str>) -> Response {
        let bot = "Agent::bot".parse().unwrap();
        let mut asked = Request::new(bot, "caller", tool, json!({}));
        asked.request = request.map(str::to_owned);
        self.host.call(asked).await.unwrap()
    }
    /// Asks, and both people sign.
    async fn approved(&self, tool: &str) -> String {
        let response = self.call(tool, None).await;
        let Outcome::ApprovalRequired(waiting) = &response.outcome else { panic!("{response:?}") };
        let approver = Approver::of(&self.host);
        for byte in [1, 2] {
            let document = approver.case(&waiting.request).unwrap().document;
            let armoured = signature::sign(&person(byte), document.as_bytes()).unwrap();
            approver.approve(&waiting.request, &armoured).await.unwrap();
        }
        waiting.request.clone()
    }
    fn signer(&self) -> StatementSigner {
        StatementSigner::in_state(&self.host.config().state).unwrap()
    }
    async fn envelope(&self, response: &Response) -> Envelope {
        self.host.receipt(&response.invocation).await.unwrap_or_else(|e| panic!("{e}"))
    }
    async fn receipt(&self, response: &Response) -> Statement<Receipt> {
        Statement::open(&self.envelope(response).await, self.signer().public()).unwrap()
    }
    fn kind(&self, leaf: u64) -> String {
        self.host.journal().told(leaf).unwrap().unwrap().kind
    }
    fn log(&self) -> LogIdentity {
        signer(&self.host.config().state).unwrap().identity().clone()
    }
    fn export(&self) -> PathBuf {
        let file = self.folder.path().join("export.tar");
        self.host.journal().store().export(&mut File::create(&file).unwrap()).unwrap();
        file
    }
    fn against(&self, envelope: &Envelope) -> Result<Statement<Receipt>, HostError> {
        against_export(&self.export(), &self.log(), envelope, None).map(|found| found.statement)
    }
    /// A host that lies: it signs what the change makes of a receipt.
    async fn lie(&self, response: &Response, change: impl Fn(&mut Receipt)) -> Envelope {
        let mut statement = self.receipt(response).await;
        change(&mut statement.predicate);
        statement.sign(&self.signer()).unwrap()
    }
}

fn code(result: Result<Statement<Receipt>, HostError>) -> &'static str {
    match result {
        Err(HostError::Integrity { code, .. }) => code,
        other => panic!("{other:?}"),
    }
}

/// An agent that asks for one thing twice at once has one request, and people one document.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_for_twice_at_once_is_asked_for_once() {
    let deployment = deployment(ASKING, "cache/a").await;
    let ask = || deployment.call("change", None);
    let (a, b, c, d) = tokio::join!(ask(), ask(), ask(), ask());
    let mut requests = std::collections::BTreeSet::new();
    for response in [a, b, c, d] {
        let Outcome::ApprovalRequired(waiting) = response.outcome else { panic!("{response:?}") };
        requests.insert(waiting.request);
    }
    assert_eq!(requests.len(), 1, "{requests:?}");
}

#[tokio::test]
async fn journal_tells_the_receipt_of_a_direct_run() {
    let deployment = deployment(POLICIES, "cache/a").await;
    let response = deployment.call("change", None).await;
    let transactions = deployment.host.journal().store().transactions();
    let statement = deployment.receipt(&response).await;
    let told = deployment.host.journal().store().transactions() - transactions;
    assert!(told <= 1, "only what was on its way was written, {told}");

    let plugin = deployment.host.config().plugins["caller"].digest;
    assert_eq!(statement.subject()[0].name, "caller");
    assert_eq!(statement.subject()[0].digest.sha256, plugin);
    let receipt = &statement.predicate;
    assert_eq!(receipt.deployment, deployment.host.journal().deployment());
    assert_eq!(receipt.invocation, response.invocation);
    assert_eq!(
        (&receipt.principal, receipt.tool.as_str()),
        (&"Agent::bot".parse().unwrap(), "change")
    );
    assert_eq!(receipt.arguments, receipt::arguments(&json!({})));
    assert_eq!((receipt.mode, receipt.end.as_deref()), (Ran::Direct, Some("done")));
    assert_eq!(receipt.terms.policies, deployment.host.rules().epoch.policies);
    assert!(!receipt.terms.solo);
    let names: Vec<String> = receipt.imports.keys().map(ToString::to_string).collect();
    assert_eq!(names, ["acme:cache/look@1.0.0", "acme:cache/tune@1.0.0"]);
    assert!(receipt.imports.values().flat_map(|f| f.values()).all(|s| *s == LinkState::Live));
    let absent: Vec<String> = receipt.absent.iter().map(ToString::to_string).collect();
    assert!(absent.contains(&"acme:cache/wipe@1.0.0".to_owned()), "{absent:?}");
    assert!(absent.contains(&"interlock:environment/teardown@0.1.0".to_owned()), "{absent:?}");
    assert!(receipt.approval.is_none() && receipt.plan.is_none() && receipt.asked.is_none());

    let [effect] = &receipt.effects[..] else { panic!("{:?}", receipt.effects) };
    assert_eq!((effect.step, effect.status), (1, EffectStatus::Done));
    assert_eq!(effect.resource.to_string(), "cache/a/key/k");
    assert_eq!(effect.arguments, receipt::arguments(&json!({"cluster": "a", "key": "k"})));
    assert_eq!(effect.revisions.values().next().unwrap().as_str(), "after");
    assert_eq!(deployment.kind(effect.intent), "intent");
    assert_eq!(deployment.kind(effect.outcome.unwrap()), "outcome");
    for leaf in &receipt.leaves {
        assert_eq!(deployment.kind(leaf.leaf), leaf.kind);
    }
    let kinds: Vec<&str> = receipt.leaves.iter().map(|leaf| leaf.kind.as_str()).collect();
    assert_eq!(kinds, ["statement-key", "decision", "intent", "outcome", "recording", "ended"]);
    assert_eq!(
        deployment.against(&deployment.envelope(&response).await).unwrap().predicate.effects,
        receipt.effects
    );
}

#[tokio::test]
async fn the_receipt_of_an_approved_run_names_the_people_and_their_signatures() {
    let deployment = deployment(ASKING, "cache/a").await;
    let request = deployment.approved("change").await;
    let response = deployment.call("change", Some(&request)).await;
    assert_eq!(response.outcome.code(), "done", "{response:?}");
    let receipt = deployment.receipt(&response).await.predicate;
    assert_eq!(receipt.mode, Ran::Applied);
    let case = Approver::of(&deployment.host).case(&request).unwrap();
    assert_eq!(receipt.plan, Some(case.body.plan().unwrap().digest().unwrap()));
    let approval = receipt.approval.as_ref().unwrap();
    assert_eq!((&approval.request, approval.document), (&request, case.digest));
    assert_eq!(deployment.kind(approval.claim), "claim");
    let people: Vec<&str> = approval.people.iter().map(|p| p.person.as_str()).collect();
    assert_eq!(people, ["amira@example.com", "li@example.com"]);
    for (person, byte) in approval.people.iter().zip([1, 2]) {
        let fingerprint = self::person(byte).fingerprint(ssh_key::HashAlg::Sha256).to_string();
        assert_eq!(person.fingerprint, fingerprint);
        assert_eq!(person.presence, None);
        let told = deployment.host.journal().told(person.leaf).unwrap().unwrap();
        assert_eq!(told.text("fingerprint"), Some(fingerprint.as_str()));
    }
    assert_eq!(receipt.effects.len(), 1);
    deployment.against(&deployment.envelope(&response).await).unwrap();

    // The call that asked has a receipt too: nothing happened in it.
    let asked = case.leaves[0].text("invocation").unwrap().to_owned();
    let envelope = deployment.host.receipt(&asked).await.unwrap();
    let asked = Statement::<Receipt>::open(&envelope, deployment.signer().public()).unwrap();
    assert_eq!(asked.predicate.mode, Ran::Planned);
    assert_eq!(asked.predicate.end.as_deref(), Some("approval-required"));
    assert_eq!(asked.predicate.asked.unwrap().request, request);
    assert!(asked.predicate.effects.is_empty());
    deployment.against(&envelope).unwrap();

    // A second use of the approval: nothing ran, and who tried is on its receipt.
    let again = deployment.call("change", Some(&request)).await;
    let receipt = deployment.receipt(&again).await.predicate;
    assert_eq!((receipt.mode, receipt.end.as_deref()), (Ran::Nothing, Some("request-consumed")));
    assert_eq!(receipt.principal, "Agent::bot".parse().unwrap());
    assert!(receipt.imports.is_empty() && receipt.effects.is_empty());
}

#[tokio::test]
async fn a_run_that_was_stopped_has_a_receipt_of_what_was_done_before() {
    // It changes, and then looks where it may not.
    let stopped = deployment(POLICIES, "cache/other").await;
    let response = stopped.call("change-then-look", None).await;
    let receipt = stopped.receipt(&response).await.predicate;
    assert_eq!((receipt.mode, receipt.end.as_deref()), (Ran::Direct, Some("outside-grant")));
    assert_eq!(receipt.effects[0].status, EffectStatus::Done);
    stopped.against(&stopped.envelope(&response).await).unwrap();

    let deviating = deployment(ASKING, "cache/a").await;
    let request = deviating.approved("look-then-change").await;
    deviating.mood(Mood::Sour);
    let response = deviating.call("look-then-change", Some(&request)).await;
    let receipt = deviating.receipt(&response).await.predicate;
    assert_eq!((receipt.mode, receipt.end.as_deref()), (Ran::Applied, Some("deviated")));
    assert!(receipt.effects.is_empty() && receipt.approval.is_some());
    deviating.against(&deviating.envelope(&response).await).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_most_once_what_nobody_knows_the_end_of_is_unknown_on_the_receipt() {
    let deployment = deployment(POLICIES, "cache/a").await;
    deployment.mood(Mood::Faults);
    let response = deployment.call("change", None).await;
    let receipt = deployment.receipt(&response).await.predicate;
    assert_eq!(receipt.end.as_deref(), Some("unknown"));
    assert_eq!(receipt.effects[0].status, EffectStatus::Unknown);
    // A person looks; the receipt of later says so, and the effect stays what it was.
    let body = EventBody::Resolution { step: 1, done: true, by: "amira".into() };
    let key = format!("{}/1", response.invocation);
    let record = Record::of(Event::of(&response.invocation, body)).once(space::OUTCOME, key);
    deployment.host.journal().write(record).await.unwrap();
    let receipt = deployment.receipt(&response).await.predicate;
    let resolved = receipt.effects[0].resolved.clone().unwrap();
    assert_eq!((receipt.effects[0].status, resolved.done), (EffectStatus::Unknown, true));
    deployment.against(&deployment.envelope(&response).await).unwrap();

    // An effect that outlives its run: unknown when the caller asks, done when it is over.
    deployment.mood(Mood::Slow);
    let response = deployment.call("change", None).await;
    let early = deployment.envelope(&response).await;
    let receipt = deployment.receipt(&response).await.predicate;
    assert_eq!(
        (receipt.effects[0].status, receipt.effects[0].outcome),
        (EffectStatus::Unknown, None)
    );
    assert!(deployment.host.drain(Duration::from_secs(30)).await);
    let receipt = deployment.receipt(&response).await.predicate;
    assert_eq!(
        (receipt.effects[0].status, receipt.end.as_deref()),
        (EffectStatus::Done, Some("unknown"))
    );
    // Both are true, each as of its checkpoint.
    deployment.against(&early).unwrap();
}

#[tokio::test]
async fn what_was_never_run_has_a_receipt_that_says_so() {
    let deployment = deployment(POLICIES, "cache/a").await;
    let bot = "Agent::bot".parse().unwrap();
    for (principal, arguments, end) in [
        ("Agent::bot".parse().unwrap(), json!({"x": 1}), "invalid-arguments"),
        ("Agent::other".parse().unwrap(), json!({}), "unknown-principal"),
    ] {
        let asked = Request::new(principal, "caller", "change", arguments.clone());
        let response = deployment.host.call(asked.clone()).await.unwrap();
        let receipt = deployment.receipt(&response).await.predicate;
        assert_eq!((receipt.mode, receipt.end.as_deref()), (Ran::Nothing, Some(end)));
        assert_eq!(receipt.principal, asked.principal);
        assert_eq!(receipt.arguments, receipt::arguments(&arguments));
    }
    let planned = deployment.host.plan(Request::new(bot, "caller", "change", json!({}))).await;
    let receipt = deployment.receipt(&planned.unwrap()).await.predicate;
    assert_eq!((receipt.mode, receipt.end.as_deref()), (Ran::Planned, Some("planned")));
    let none = deployment.host.receipt("01JD8Z5T3K9QW2M4X6Y8A0B1C2").await;
    assert!(matches!(none, Err(HostError::Refused { code: "no-invocation", .. })), "{none:?}");
}

/// Every byte of the file, every byte of the payload, every byte of the signature.
#[tokio::test]
async fn every_change_of_a_receipt_is_found() {
    let deployment = deployment(POLICIES, "cache/a").await;
    let response = deployment.call("change", None).await;
    let (envelope, key) = (deployment.envelope(&response).await, deployment.signer());
    let whole = Statement::<Receipt>::open(&envelope, key.public()).unwrap();
    let text = serde_json::to_vec(&envelope).unwrap();
    let value: Value = serde_json::from_slice(&text).unwrap();
    let keyid = value["signatures"][0]["keyid"].as_str().unwrap();
    let at = String::from_utf8(text.clone()).unwrap().find(keyid).unwrap();
    let hint = at..at + keyid.len();
    let mut found = 0;
    for index in 0..text.len() {
        for flip in [0x01, 0x20] {
            let mut edited = text.clone();
            edited[index] ^= flip;
            let read = Envelope::read(&edited)
                .and_then(|envelope| Statement::<Receipt>::open(&envelope, key.public()));
            match read {
                Err(_) => found += 1,
                // The hint at the key decides nothing; whatever it says, the statement is the same.
                Ok(same) => assert!(hint.contains(&index) && same == whole, "byte {index}"),
            }
        }
    }
    assert!(found >= 2 * (text.len() - keyid.len()), "{found} of {}", text.len());
    // Cut short, or with something after it.
    for length in (0..text.len()).step_by(7) {
        assert!(Envelope::read(&text[..length]).is_err(), "{length}");
    }
    assert!(Envelope::read(&[&text[..], b"{}"].concat()).is_err());
    let other = StatementSigner::from_seed(&[9; 32]).unwrap();
    let refused = Statement::<Receipt>::open(&envelope, other.public()).unwrap_err();
    assert_eq!(refused.code(), "statement-not-signed");
}

/// Threat B13: one key, three formats; none is taken for another.
#[tokio::test]
async fn a_signature_of_one_role_is_none_of_another() {
    let seed = [7; 32];
    let statements = StatementSigner::from_seed(&seed).unwrap();
    let log = LogSigner::from_seed("example/log", &seed).unwrap();
    let ssh = PrivateKey::new(Ed25519Keypair::from_seed(&seed).into(), "").unwrap();
    let mut tree = Tree::new();
    let staged = tree.stage(&[b"leaf".to_vec()]).unwrap();
    tree.commit(staged).unwrap();
    let note = log.sign(&tree.head(log.identity()).unwrap()).unwrap();
    let armoured = signature::sign(&ssh, b"document").unwrap();
    let deployment = deployment(POLICIES, "cache/a").await;
    let response = deployment.call("change", None).await;
    let envelope = deployment.receipt(&response).await.sign(&statements).unwrap();
    let receipt = serde_json::to_string(&envelope).unwrap();

    // As they are.
    let roster = &deployment.host.rules().roster;
    for text in [&note, &armoured] {
        assert_eq!(Envelope::read(text.as_bytes()).unwrap_err().code(), "not-an-envelope");
    }
    for text in [&receipt, &armoured] {
        assert!(Checkpoint::open(text.as_bytes(), log.identity()).is_err());
    }
    for text in [&receipt, &note] {
        let refused = roster.verify(b"document", text, 0).unwrap_err();
        assert_eq!(refused.code(), "bad-armour");
    }
    // Dressed up as the others, with signatures that are good ones of the same key.
    let head = note.split("\n\n").next().unwrap().to_owned() + "\n";
    let line = note.trim_end().rsplit(' ').next().unwrap();
    let sig = base64(&decode(line)[4..]);
    let dressed = |payload: &[u8], sig: &str| {
        let text = json!({"payload": base64(payload), "signatures": [{"sig": sig}],
            "payloadType": interlock::statement::PAYLOAD_TYPE});
        let envelope = Envelope::read(text.to_string().as_bytes()).unwrap();
        Statement::<Receipt>::open(&envelope, statements.public()).unwrap_err().code()
    };
    assert_eq!(dressed(head.as_bytes(), &sig), "statement-not-signed");
    let value: Value = serde_json::from_str(&receipt).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (payload, own) = (text(&value["payload"]), text(&value["signatures"][0]["sig"]));
    assert_eq!(dressed(&decode(&payload), &sig), "statement-not-signed");
    let ssh_sig = ssh_key::SshSig::from_pem(&armoured).unwrap();
    assert_eq!(
        dressed(b"document", &base64(ssh_sig.signature().as_bytes())),
        "statement-not-signed"
    );
    let id = &decode(line)[..4];
    for signature in [decode(&own), ssh_sig.signature().as_bytes().to_vec()] {
        let forged =
            format!("{head}\n\u{2014} example/log {}\n", base64(&[id, &signature].concat()));
        assert!(Checkpoint::open(forged.as_bytes(), log.identity()).is_err());
    }
    // A key says its role.
    assert!(StatementKey::parse(&log.identity().to_string()).is_err());
    assert!(LogIdentity::parse(&statements.public().to_string()).is_err());
    assert_eq!(
        &StatementKey::parse(&statements.public().to_string()).unwrap(),
        statements.public()
    );
}

fn base64(bytes: &[u8]) -> String {
    use base64::{Engine, prelude::BASE64_STANDARD};
    BASE64_STANDARD.encode(bytes)
}

fn decode(text: &str) -> Vec<u8> {
    use base64::{Engine, prelude::BASE64_STANDARD};
    BASE64_STANDARD.decode(text).unwrap()
}

type Change = fn(&mut Receipt);

/// A host that signs something else than its journal says is found out by the export.
#[tokio::test]
async fn journal_tells_a_signed_receipt_that_says_something_else_than_the_log() {
    let deployment = deployment(POLICIES, "cache/a").await;
    let response = deployment.call("change", None).await;
    deployment.against(&deployment.envelope(&response).await).unwrap();
    let lies: [(&str, Change); 9] = [
        ("an effect is left out", |r| r.effects.clear()),
        ("another outcome", |r| r.effects[0].status = EffectStatus::Failed),
        ("another resource", |r| r.effects[0].resource = "cache/a/key/z".parse().unwrap()),
        ("another asker", |r| r.principal = "Person::amira".parse().unwrap()),
        ("another end", |r| r.end = None),
        ("an interface that was not linked", |r| r.absent.clear()),
        ("solo", |r| r.terms.solo = true),
        ("a leaf is left out", |r| drop(r.leaves.remove(2))),
        ("another leaf", |r| r.leaves[1].hash = r.leaves[2].hash.clone()),
    ];
    for (lie, change) in lies {
        let envelope = deployment.lie(&response, change).await;
        Statement::<Receipt>::open(&envelope, deployment.signer().public()).unwrap();
        assert_eq!(code(deployment.against(&envelope)), "receipt-differs", "{lie}");
    }
    let head = deployment.lie(&response, |r| r.journal.root = r.leaves[0].hash.clone()).await;
    assert_eq!(code(deployment.against(&head)), "export-broken");
    let longer = deployment.lie(&response, |r| r.journal.size += 1000).await;
    assert_eq!(code(deployment.against(&longer)), "export-broken");
    let other = deployment.lie(&response, |r| r.journal.origin = "interlock/0".into()).await;
    assert_eq!(code(deployment.against(&other)), "receipt-of-another-log");
    let nobody =
        deployment.lie(&response, |r| r.invocation = "01JD8Z5T3K9QW2M4X6Y8A0B1C2".into()).await;
    assert!(deployment.against(&nobody).is_err());
}

#[tokio::test]
async fn what_was_erased_is_told_and_the_leaves_still_hold() {
    let deployment = deployment(POLICIES, "cache/a").await;
    let response = deployment.call("change", None).await;
    let envelope = deployment.envelope(&response).await;
    let intent = deployment.receipt(&response).await.predicate.effects[0].intent;
    assert_eq!(deployment.host.journal().store().erase(&[intent]).unwrap(), 1);
    let found = against_export(&deployment.export(), &deployment.log(), &envelope, None).unwrap();
    assert_eq!(found.erased, [intent]);
    let lie =
        Statement::<Receipt>::open(&envelope, deployment.signer().public()).map(|mut statement| {
            statement.predicate.leaves.pop();
            statement.sign(&deployment.signer()).unwrap()
        });
    assert_eq!(code(deployment.against(&lie.unwrap())), "receipt-differs");
    let again = deployment.host.receipt(&response.invocation).await;
    assert!(matches!(again, Err(HostError::Refused { code: "leaf-erased", .. })), "{again:?}");
}

/// Threat E6: a key that was replaced signs nothing more that the journal bears out.
#[tokio::test]
async fn a_replaced_key_is_in_the_journal_and_the_old_one_is_out_of_force() {
    let deployment = deployment(POLICIES, "cache/a").await;
    let first = deployment.call("change", None).await;
    let (old, before) = (deployment.signer(), deployment.envelope(&first).await);
    let journal = deployment.host.journal();
    let new = StatementSigner::from_seed(&[3; 32]).unwrap();
    let envelope = receipt::issue(journal, &new, &first.invocation).await.unwrap();
    deployment.against(&envelope).unwrap();
    // What was signed before still holds, with the key of then.
    deployment.against(&before).unwrap();
    let stolen = Statement::<Receipt>::open(&envelope, new.public()).unwrap().sign(&old).unwrap();
    assert_eq!(code(deployment.against(&stolen)), "receipt-key-not-in-force");
    let stranger = StatementSigner::from_seed(&[4; 32]).unwrap();
    let stranger = Statement::<Receipt>::open(&envelope, new.public()).unwrap().sign(&stranger);
    assert_eq!(code(deployment.against(&stranger.unwrap())), "statement-not-signed");
    assert_eq!(journal.find(space::STATEMENT_KEY, &new.public().id()).unwrap().len(), 1);
}
