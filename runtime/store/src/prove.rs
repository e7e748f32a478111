//! Leaves with the checkpoint under which they are proven, here and in an export. The attack it stops: a
//! statement about leaves of one moment under the head of another, or about a leaf that is in no log.

use crate::{
    Durability, Mark, Payloads, Store, StoreError, Stored,
    envelope::Envelope,
    follow::{AT_ONCE, to_head},
    head,
    read::{stored, unreadable},
    schema,
    tables::Tables,
};
use interlock_journal::{
    Checkpoint, ContentReader, Tree, export, leaf_hash, proof::InclusionProof,
};
use rusqlite::Connection;
use std::collections::BTreeMap;

/// Leaves, and the signed head that they were proven against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// The head.
    pub checkpoint: Checkpoint,
    /// The leaves, in the order of the log.
    pub leaves: Vec<Stored>,
}

impl Store {
    /// All leaves from `first` on that are wanted by their marks, and these earlier ones, each proven against the signed head; none
    /// where the journal is empty. Every leaf since `first` is hashed, in pieces; what nobody wants is not kept, and its
    /// payload not read.
    ///
    /// # Errors
    /// Something that is not as it was written.
    pub fn prove(
        &self,
        first: u64,
        earlier: &[u64],
        wanted: impl Fn(&[Mark]) -> bool,
    ) -> Result<Option<Proven>, StoreError> {
        // What is about more than a moment is read beside what calls ask meanwhile, and one at a time.
        let near = first.saturating_add(AT_ONCE);
        if near == u64::MAX || near >= self.size()? {
            return self.prove_on(&self.reader(), first, earlier, wanted);
        }
        let mut beside = self.beside();
        let connection = match beside.take() {
            Some(connection) => connection,
            None => schema::open(self.path(), Durability::Full)?,
        };
        let proven = self.prove_on(&connection, first, earlier, wanted);
        *beside = Some(connection);
        proven
    }

    fn prove_on(
        &self,
        connection: &Connection,
        first: u64,
        earlier: &[u64],
        wanted: impl Fn(&[Mark]) -> bool,
    ) -> Result<Option<Proven>, StoreError> {
        let transaction = connection.unchecked_transaction()?;
        let Some((_, checkpoint)) = head::signed(&transaction, self.identity())? else {
            return Ok(None);
        };
        let tables = Tables(&transaction);
        let first = first.min(checkpoint.size());
        let mut leaves = BTreeMap::new();
        for leaf in earlier.iter().copied().filter(|leaf| *leaf < first) {
            let named = format!("leaf {leaf}");
            let bytes = tables.leaf(leaf).map_err(unreadable(&named))?;
            InclusionProof::prove(&tables, checkpoint.size(), leaf)?
                .verify(&leaf_hash(&bytes), leaf, checkpoint.size(), checkpoint.root())
                .map_err(|e| StoreError::Edited { what: named, problem: e.to_string() })?;
            leaves.insert(leaf, stored(&transaction, leaf, &bytes)?);
        }
        let mut found = Vec::new();
        let before = Tree::load(first, &tables)?;
        to_head(&transaction, before, &checkpoint, |leaf, bytes| {
            if wanted(&Envelope::read(leaf, bytes)?.marks) {
                found.push((leaf, bytes.to_vec()));
            }
            Ok(())
        })?;
        for (leaf, bytes) in found {
            leaves.insert(leaf, stored(&transaction, leaf, &bytes)?);
        }
        Ok(Some(Proven { checkpoint, leaves: leaves.into_values().collect() }))
    }
}

/// Keeps the leaves of an export that carry a mark of some kind, with their payloads, and checks all
/// payloads. What it kept is to be used only when the whole export has been verified.
#[derive(Debug)]
pub struct Picking<F> {
    wanted: F,
    picked: BTreeMap<u64, Stored>,
}

impl<F: Fn(&Mark) -> bool> Picking<F> {
    /// Keeps the leaves of which one mark is wanted.
    pub const fn new(wanted: F) -> Self {
        Self { wanted, picked: BTreeMap::new() }
    }

    /// What was kept, in the order of the log.
    pub fn into_leaves(self) -> Vec<Stored> {
        self.picked.into_values().collect()
    }
}

impl<F: Fn(&Mark) -> bool> export::Visitor for Picking<F> {
    fn leaf(&mut self, index: u64, leaf: &[u8]) -> Result<(), String> {
        let envelope = Envelope::read(index, leaf).map_err(|e| e.to_string())?;
        if envelope.marks.iter().any(&self.wanted) {
            let stored = Stored::of(index, leaf, None).map_err(|e| e.to_string())?;
            self.picked.insert(index, stored);
        }
        Ok(())
    }

    fn payload(&mut self, index: u64, leaf: &[u8], payload: &[u8]) -> Result<(), String> {
        match self.picked.get_mut(&index) {
            None => export::Visitor::payload(&mut Payloads, index, leaf, payload),
            Some(picked) => {
                *picked =
                    Stored::of(index, leaf, Some(payload.to_vec())).map_err(|e| e.to_string())?;
                Ok(())
            }
        }
    }
}
