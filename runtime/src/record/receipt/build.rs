//! From leaves to a receipt: a pure function, the same for the host that signs and for whoever compares a
//! receipt with an export. The mistake it stops: two readings of the journal, of which one is signed.

use super::{
    Approval, Asked, Effect, Folder, Head, Leaf, Person, Ran, Receipt, Resolved, arguments,
    said::{self, said},
};
use crate::{
    HostError,
    record::space,
    response::EffectStatus,
    statement::{Sha256, Statement, Subject},
};
use interlock_authority::{Mode, document::timestamp};
use interlock_store::Stored;
use std::collections::BTreeMap;

/// The leaves of one invocation, and the ones it refers to.
struct Leaves<'s> {
    all: &'s [Stored],
    own: Vec<&'s Stored>,
    /// The leaves that the receipt names.
    named: BTreeMap<u64, &'s Stored>,
}

impl<'s> Leaves<'s> {
    fn of(all: &'s [Stored], invocation: &str) -> Self {
        let own: Vec<_> =
            all.iter().filter(|s| s.is_marked(space::INVOCATION, invocation)).collect();
        let named = own.iter().map(|s| (s.leaf, *s)).collect();
        Self { all, own, named }
    }

    /// What the invocation's leaves of a kind say, oldest first.
    fn own<T: serde::de::DeserializeOwned>(&self, kind: &str) -> Result<Vec<(u64, T)>, HostError> {
        let of_kind = self.own.iter().filter(|s| s.kind == kind);
        of_kind.map(|s| Ok((s.leaf, said(s)?))).collect()
    }

    /// Names another leaf: the newest of a kind that carries a mark.
    fn other(&mut self, kind: &str, space: &str, key: &str) -> Result<u64, HostError> {
        let found = self.all.iter().rfind(|s| s.kind == kind && s.is_marked(space, key));
        let found = found.ok_or_else(|| HostError::Integrity {
            code: "leaf-missing",
            message: format!("the journal does not have the `{kind}` that leaves of it refer to"),
        })?;
        self.named.insert(found.leaf, found);
        Ok(found.leaf)
    }

    fn named(&self) -> Vec<Leaf> {
        let leaf = |s: &&Stored| Leaf {
            leaf: s.leaf,
            kind: s.kind.clone(),
            time: timestamp(s.time_ms / 1000),
            hash: s.hash.to_string(),
        };
        self.named.values().map(leaf).collect()
    }
}

/// The statement that these leaves come to. They are the invocation's, all of them, and at least those that
/// they refer to.
///
/// # Errors
/// Leaves without a decision, or of which something is missing or was erased.
pub(super) fn statement(
    all: &[Stored],
    invocation: &str,
    head: Head,
) -> Result<Statement<Receipt>, HostError> {
    let mut leaves = Leaves::of(all, invocation);
    let decisions: Vec<(u64, said::Decision)> = leaves.own("decision")?;
    // The last that let something run says what was linked; a plan may be followed by a refusal.
    let ran = decisions.iter().rev().find(|(_, decision)| decision.refused.is_none());
    let Some((_, decision)) = ran.or(decisions.last()) else {
        return Err(HostError::Refused {
            code: "no-decision",
            message: format!("nothing was decided in invocation {invocation}; it has no receipt"),
        });
    };
    let mode = match ran.map(|(_, decision)| decision.mode) {
        None => Ran::Nothing,
        Some(Mode::Plan) => Ran::Planned,
        Some(Mode::Call) => Ran::Direct,
        Some(Mode::Apply) => Ran::Applied,
    };
    let claim: Option<(u64, said::Claim)> = leaves.own("claim")?.pop();
    let planned: Option<(u64, said::Plan)> = leaves.own("plan")?.pop();
    let asked: Option<(u64, said::Request)> = leaves.own("request")?.pop();
    let ended: Option<(u64, said::Ended)> = leaves.own("ended")?.pop();
    let plan = planned.map(|(_, p)| p.plan).or(claim.as_ref().map(|(_, c)| c.plan));
    let approval = claim.map(|(leaf, claim)| approval(&mut leaves, leaf, claim)).transpose()?;
    let effects = effects(&leaves)?;
    leaves.other("statement-key", space::STATEMENT_KEY, super::IN_FORCE)?;
    let receipt = Receipt {
        deployment: head.origin.strip_prefix("interlock/").unwrap_or(&head.origin).to_owned(),
        invocation: invocation.to_owned(),
        principal: decision.principal.clone(),
        tool: decision.tool.clone(),
        arguments: decision.arguments,
        mode,
        terms: decision.terms.clone(),
        imports: decision.links.clone(),
        absent: decision.absent.clone(),
        preopens: decision
            .preopens
            .iter()
            .map(|(host, guest)| Folder { host: host.clone(), guest: guest.clone() })
            .collect(),
        plan,
        asked: asked.map(|(leaf, said::Request { request, document })| Asked {
            request,
            document,
            leaf,
        }),
        approval,
        effects,
        end: ended.map(|(_, ended)| ended.code),
        leaves: leaves.named(),
        journal: head,
    };
    let digest = Sha256 { sha256: decision.digest };
    Ok(Statement::of(Subject { name: decision.plugin.clone(), digest }, receipt))
}

fn approval(leaves: &mut Leaves<'_>, claim: u64, said: said::Claim) -> Result<Approval, HostError> {
    let said::Claim { request, document, people, .. } = said;
    leaves.other("request", space::REQUEST, &request)?;
    let person = |signer: interlock_authority::signature::Signer| {
        let key = format!("{request}/{}", signer.person);
        Ok(Person {
            leaf: leaves.other("approval", space::APPROVAL, &key)?,
            person: signer.person,
            principal: signer.principal,
            fingerprint: signer.fingerprint,
            presence: signer.presence,
        })
    };
    let people = people.into_iter().map(person).collect::<Result<_, HostError>>()?;
    Ok(Approval { request, document, claim, people })
}

/// INVARIANT JOURNAL-TELLS: every intent of the invocation is an effect of its receipt, whether or not
/// anybody knows how it ended.
fn effects(leaves: &Leaves<'_>) -> Result<Vec<Effect>, HostError> {
    let outcomes: Vec<(u64, said::Outcome)> = leaves.own("outcome")?;
    let resolutions: Vec<(u64, said::Resolution)> = leaves.own("resolution")?;
    let effect = |(intent, said): (u64, said::Intent)| {
        let outcome = outcomes.iter().rev().find(|(_, outcome)| outcome.step == said.step);
        let resolved = resolutions.iter().find(|(_, resolution)| resolution.step == said.step);
        Effect {
            step: said.step,
            interface: said.interface,
            function: said.function,
            class: said.class,
            resource: said.resource,
            arguments: arguments(&said.arguments),
            status: outcome.map_or(EffectStatus::Unknown, |(_, outcome)| outcome.status),
            revisions: outcome.map(|(_, o)| o.revisions.clone()).unwrap_or_default(),
            intent,
            outcome: outcome.map(|(leaf, _)| *leaf),
            resolved: resolved.map(|(leaf, resolution)| Resolved {
                done: resolution.done,
                by: resolution.by.clone(),
                leaf: *leaf,
            }),
        }
    };
    Ok(leaves.own("intent")?.into_iter().map(effect).collect())
}
