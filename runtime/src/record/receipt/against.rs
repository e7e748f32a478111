//! A receipt against an export: every leaf that it names is in the log, the log extends its checkpoint, the
//! key that signed it was in force, and the invocation's leaves, all of them, come to exactly this receipt.
//! The attack it stops: a receipt that is signed and leaves out an effect, or says another outcome.

use super::{Head, Receipt, build, said};
use crate::{
    HostError,
    providers::open_regular,
    record::space,
    statement::{Envelope, Statement, StatementError, StatementKey},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use interlock_journal::{
    Checkpoint, Hash, JournalError, LogIdentity,
    export::{Verified, Verifier, Visitor},
};
use interlock_store::{Mark, Picking, Stored};
use std::{fs::OpenOptions, io::BufReader, path::Path};

/// A receipt that an export bears out.
#[derive(Debug, Clone)]
pub struct Compared {
    /// The receipt.
    pub statement: Statement<Receipt>,
    /// The key that signed it.
    pub key: StatementKey,
    /// How many leaves the export has.
    pub leaves: u64,
    /// Leaves whose text was erased since: they are the ones that the receipt names, and what they said
    /// cannot be read again.
    pub erased: Vec<u64>,
}

/// Compares a receipt with an export of the journal. The log's key is enough: which key signs statements is
/// in the log.
///
/// # Errors
/// An export that is not the log's, a receipt that is not the key's, or a receipt that says something else
/// than the log.
pub fn against_export(
    file: &Path,
    log: &LogIdentity,
    envelope: &Envelope,
    key: Option<&StatementKey>,
) -> Result<Compared, HostError> {
    let key = match key {
        Some(key) => key.clone(),
        None => named_in(file, log, envelope)?,
    };
    let statement = Statement::<Receipt>::open(envelope, &key)?;
    let receipt = &statement.predicate;
    let mut picking = Picking::new(|mark: &Mark| wanted(mark, receipt));
    let verifier = Verifier::new(log).extends(checkpoint(&receipt.journal, log)?);
    let verified = verify(file, &verifier, &mut picking)?;
    let mut picked = picking.into_leaves();
    picked.retain(|stored| stored.leaf < receipt.journal.size);

    let in_force = picked.iter().rfind(|stored| stored.kind == "statement-key");
    let named: Option<said::StatementKey> = in_force.map(said::said).transpose()?;
    if named.is_none_or(|named| named.key != key.to_string()) {
        let message = format!("`{key}` was not the key in force when the receipt was signed");
        return Err(other("receipt-key-not-in-force", message));
    }
    let erased: Vec<u64> = receipt
        .leaves
        .iter()
        .filter(|named| picked.iter().any(|s| s.leaf == named.leaf && s.payload.is_none()))
        .map(|named| named.leaf)
        .collect();
    if erased.is_empty() {
        let told = build::statement(&picked, &receipt.invocation, receipt.journal.clone())?;
        if told != statement {
            return Err(differs(&statement, &told));
        }
    } else {
        // What can still be compared: these leaves and no others, each with the bytes that were signed for.
        same_leaves(receipt, &picked)?;
    }
    Ok(Compared { key, leaves: verified.checkpoint.size(), erased, statement })
}

/// The statement key of the export that signed the envelope.
fn named_in(
    file: &Path,
    log: &LogIdentity,
    envelope: &Envelope,
) -> Result<StatementKey, HostError> {
    let mut picking = Picking::new(|mark: &Mark| mark.space == space::STATEMENT_KEY);
    verify(file, &Verifier::new(log), &mut picking)?;
    let mut refusal = None;
    for stored in picking.into_leaves().iter().rev() {
        let key = StatementKey::parse(&said::said::<said::StatementKey>(stored)?.key)?;
        match Statement::<Receipt>::open(envelope, &key) {
            Err(error @ StatementError::NotSigned { .. }) => {
                refusal.get_or_insert(error);
            }
            Err(error) => return Err(error.into()),
            Ok(_) => return Ok(key),
        }
    }
    Err(refusal.map_or_else(
        || other("no-statement-key", "the export names no statement key".to_owned()),
        HostError::from,
    ))
}

fn verify(
    file: &Path,
    verifier: &Verifier<'_>,
    visitor: &mut impl Visitor,
) -> Result<Verified, HostError> {
    let opened = open_regular(OpenOptions::new().read(true), file)
        .map_err(HostError::io(format!("cannot read {}", file.display())))?;
    verifier.verify(BufReader::new(opened), visitor).map_err(|error| {
        let message = match error {
            JournalError::Behind { size, promised } => format!(
                "the export has {size} leaves, and the receipt speaks of {promised}; take a newer export"
            ),
            error => format!("{} is not what the log signed: {error}", file.display()),
        };
        other("export-broken", message)
    })
}

/// The leaves that a receipt can be about: its invocation's, its request's, and the keys.
fn wanted(mark: &Mark, receipt: &Receipt) -> bool {
    let request = receipt.approval.as_ref().map(|approval| approval.request.as_str());
    match mark.space.as_str() {
        space::INVOCATION => mark.key == receipt.invocation,
        space::ABOUT => Some(mark.key.as_str()) == request,
        space::STATEMENT_KEY => true,
        _ => false,
    }
}

/// The checkpoint that a receipt names, of this log.
fn checkpoint(head: &Head, log: &LogIdentity) -> Result<Checkpoint, HostError> {
    if head.origin != log.origin() {
        let origin: String = head.origin.chars().take(80).flat_map(char::escape_default).collect();
        let message = format!("the receipt is of the log `{origin}`, not of `{}`", log.origin());
        return Err(other("receipt-of-another-log", message));
    }
    let root = BASE64_STANDARD.decode(&head.root).ok().and_then(|bytes| Hash::from_slice(&bytes));
    let checkpoint = root.and_then(|root| Checkpoint::new(log, head.size, root).ok());
    checkpoint.ok_or_else(|| {
        other("receipt-differs", "the receipt's checkpoint is none of a log".to_owned())
    })
}

fn same_leaves(receipt: &Receipt, picked: &[Stored]) -> Result<(), HostError> {
    for named in &receipt.leaves {
        let there = picked.iter().find(|stored| stored.leaf == named.leaf);
        if there.is_none_or(|s| s.hash.to_string() != named.hash || s.kind != named.kind) {
            let message = format!("leaf {} is not the one that the receipt names", named.leaf);
            return Err(other("receipt-differs", message));
        }
    }
    let own = picked.iter().filter(|s| s.is_marked(space::INVOCATION, &receipt.invocation));
    for stored in own {
        if !receipt.leaves.iter().any(|named| named.leaf == stored.leaf) {
            let message = format!("the receipt leaves out leaf {}, `{}`", stored.leaf, stored.kind);
            return Err(other("receipt-differs", message));
        }
    }
    Ok(())
}

/// Says in which field a receipt and the journal differ.
fn differs(signed: &Statement<Receipt>, told: &Statement<Receipt>) -> HostError {
    let field = match (serde_json::to_value(signed), serde_json::to_value(told)) {
        (Ok(signed), Ok(told)) => {
            let (signed, told) = (signed.get("predicate"), told.get("predicate"));
            let names = signed
                .and_then(|s| s.as_object())
                .into_iter()
                .chain(told.and_then(|t| t.as_object()));
            let mut names = names.flat_map(|object| object.keys());
            let differs =
                |name: &&String| signed.map(|s| s.get(*name)) != told.map(|t| t.get(*name));
            names.find(differs).cloned()
        }
        _ => None,
    };
    let field = field.unwrap_or_else(|| "subject".to_owned());
    let message = format!("the receipt's `{field}` is not what the journal says");
    other("receipt-differs", message)
}

fn other(code: &'static str, message: String) -> HostError {
    HostError::Integrity { code, message }
}
