//! What became of a request, and whether it may be acted on: folding its history, and the last check before
//! a run applies. [`ByPeople`] has private fields and is minted only here, from signatures that were
//! verified over the document as it is rendered now.

use crate::{
    canonical,
    epoch::{Epoch, EpochPart},
    needs::Needs,
    quorum::{Tally, tally},
    request::{RequestBody, Wish},
    roster::Roster,
    signature::{SignatureRefusal, Signer},
    vocabulary::{Digest, Principal},
};
use serde::Serialize;
use serde_json::Value;
use thiserror::Error;

/// One thing that happened to a request, as the journal tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    /// Somebody signed.
    Approved {
        /// The armoured SSHSIG.
        signature: String,
        /// When, unix seconds.
        at: u64,
    },
    /// Somebody said no.
    Denied {
        /// Who.
        by: String,
        /// Why, in their words.
        reason: String,
    },
    /// It was taken back.
    Revoked {
        /// Who.
        by: String,
    },
    /// A run claimed it.
    Claimed {
        /// The run.
        run: String,
    },
    /// The elevation that it asked for came into force.
    Granted {
        /// When that ends, unix seconds.
        until: u64,
    },
}

/// What a request is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum RequestState {
    /// It waits for people.
    Pending,
    /// Enough people agreed; nothing has been done yet.
    Approved,
    /// Somebody said no.
    Denied {
        /// Who.
        by: String,
        /// Why, in their words.
        reason: String,
    },
    /// It was taken back.
    Revoked {
        /// Who.
        by: String,
    },
    /// Its time is over.
    Expired,
    /// A run claimed it: it can never be used again.
    Consumed {
        /// The run.
        run: String,
    },
    /// What it asked for is in force for a while, or was.
    Granted {
        /// When that ends, unix seconds.
        until: u64,
    },
}

impl RequestState {
    /// One word.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied { .. } => "denied",
            Self::Revoked { .. } => "revoked",
            Self::Expired => "expired",
            Self::Consumed { .. } => "consumed",
            Self::Granted { .. } => "granted",
        }
    }
}

/// Why nothing is done on a request.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DeskRefusal {
    /// Not enough people agreed yet.
    #[error("the request waits for {0}")]
    Pending(String),
    /// Its time is over.
    #[error("the request has expired")]
    Expired,
    /// Somebody said no.
    #[error("the request was denied by {0}")]
    Denied(String),
    /// It was taken back.
    #[error("the request was revoked by {0}")]
    Revoked(String),
    /// It was used.
    #[error("the approval was used by run {0}; an approval is used once")]
    Consumed(String),
    /// What it asked for came into force already.
    #[error("what the request asked for is in force already, or was")]
    Granted,
    /// Somebody else asked for it.
    #[error("the request is somebody else's")]
    ForeignPrincipal,
    /// It was made for another deployment.
    #[error("the request was made for another deployment")]
    ForeignDeployment,
    /// It is for another call.
    #[error("the request is for another call: its {0} differ")]
    DifferentCall(&'static str),
    /// The plugin has other bytes than the ones people saw.
    #[error("the plugin was replaced since the request was made")]
    PluginChanged,
    /// The rules are others than when it was made.
    #[error("the {} changed since the request was made; ask again", .0.as_str())]
    OtherEpoch(EpochPart),
    /// The asker asks too often.
    #[error("too many requests; wait, or let people answer the ones there are")]
    RateLimited,
    /// People said no a moment ago.
    #[error("a request of this principal was denied; the next may be made in {0} seconds")]
    CoolingDown(u64),
    /// The signature is not one of the roster on this document.
    #[error(transparent)]
    Signature(#[from] SignatureRefusal),
    /// The signature is one of the roster, and does not count.
    #[error("{person} {}", .why.sentence())]
    NotCounted {
        /// Who signed.
        person: String,
        /// Why it does not count.
        why: crate::quorum::NotCounted,
    },
}

impl DeskRefusal {
    /// A code that never changes its meaning.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Pending(_) => "request-pending",
            Self::Expired => "request-expired",
            Self::Denied(_) => "request-denied",
            Self::Revoked(_) => "request-revoked",
            Self::Consumed(_) => "request-consumed",
            Self::Granted => "request-granted",
            Self::ForeignPrincipal => "foreign-principal",
            Self::ForeignDeployment => "foreign-deployment",
            Self::DifferentCall(_) => "different-call",
            Self::PluginChanged => "plugin-changed",
            Self::OtherEpoch(EpochPart::Policies) => "epoch-policies",
            Self::OtherEpoch(EpochPart::Catalogues) => "epoch-catalogues",
            Self::OtherEpoch(EpochPart::Approvers) => "epoch-approvers",
            Self::OtherEpoch(EpochPart::Grants) => "epoch-grants",
            Self::RateLimited => "rate-limited",
            Self::CoolingDown(_) => "cooling-down",
            Self::Signature(refusal) => refusal.code(),
            Self::NotCounted { why, .. } => why.code(),
        }
    }
}

/// A request as it stands, and the world it is to be judged in.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// The request.
    pub body: &'a RequestBody,
    /// Its document, rendered now.
    pub document: &'a str,
    /// What happened to it, oldest first.
    pub history: &'a [Happened],
    /// The roster in force.
    pub roster: &'a Roster,
    /// Now, unix seconds.
    pub now: u64,
}

impl Standing<'_> {
    /// The signatures that hold now, over the document as it is rendered now.
    pub fn signers(&self) -> Vec<Signer> {
        let verified = |happened: &Happened| match happened {
            Happened::Approved { signature, .. } => {
                self.roster.verify(self.document.as_bytes(), signature, self.now).ok()
            }
            _ => None,
        };
        self.history.iter().filter_map(verified).collect()
    }

    /// What the signatures come to.
    pub fn tally(&self) -> Tally {
        tally(self.body, self.roster, &self.signers())
    }

    /// What the request is now. What ends it is looked at first: nothing revives it.
    pub fn state(&self) -> RequestState {
        let mut granted = None;
        for happened in self.history {
            match happened {
                Happened::Claimed { run } => return RequestState::Consumed { run: run.clone() },
                Happened::Denied { by, reason } => {
                    return RequestState::Denied { by: by.clone(), reason: reason.clone() };
                }
                Happened::Revoked { by } => return RequestState::Revoked { by: by.clone() },
                // What is in force can still be taken back.
                Happened::Granted { until } => granted = Some(*until),
                Happened::Approved { .. } => {}
            }
        }
        if let Some(until) = granted {
            return RequestState::Granted { until };
        }
        if self.now >= self.body.expires {
            RequestState::Expired
        } else if self.tally().met {
            RequestState::Approved
        } else {
            RequestState::Pending
        }
    }

    /// Refuses unless the request is open: neither ended, nor over.
    ///
    /// # Errors
    /// What ended it.
    pub fn open(&self) -> Result<(), DeskRefusal> {
        match self.state() {
            RequestState::Pending | RequestState::Approved => Ok(()),
            RequestState::Denied { by, .. } => Err(DeskRefusal::Denied(by)),
            RequestState::Revoked { by } => Err(DeskRefusal::Revoked(by)),
            RequestState::Expired => Err(DeskRefusal::Expired),
            RequestState::Consumed { run } => Err(DeskRefusal::Consumed(run)),
            RequestState::Granted { .. } => Err(DeskRefusal::Granted),
        }
    }

    /// Whether one more signature would count.
    ///
    /// # Errors
    /// Why it would not.
    pub fn admit(&self, armoured: &str) -> Result<Signer, DeskRefusal> {
        self.open()?;
        let signer = self.roster.verify(self.document.as_bytes(), armoured, self.now)?;
        let mut signers = self.signers();
        signers.push(signer.clone());
        let tally = tally(self.body, self.roster, &signers);
        match tally.left_out.iter().rev().find(|(left_out, _)| *left_out == signer) {
            Some((_, why)) => Err(DeskRefusal::NotCounted { person: signer.person, why: *why }),
            None => Ok(signer),
        }
    }
}

/// Who wants to use what a request was approved for, and where.
#[derive(Debug, Clone, Copy)]
pub struct Holder<'a> {
    /// This deployment.
    pub deployment: &'a str,
    /// The rules in force.
    pub epoch: &'a Epoch,
    /// The digest of the plugin's standing grants.
    pub grants: Digest,
    /// Who calls.
    pub principal: &'a Principal,
    /// The plugin's configured name.
    pub plugin: &'a str,
    /// Its identity.
    pub digest: Digest,
}

/// What a host and a caller bring to a request for a plan.
#[derive(Debug, Clone, Copy)]
pub struct Brought<'a> {
    /// Who calls, and where.
    pub holder: Holder<'a>,
    /// The tool.
    pub tool: &'a str,
    /// The arguments.
    pub arguments: &'a Value,
}

/// Proof that enough people approved exactly one request.
#[derive(Debug, Clone)]
pub struct ByPeople {
    request: String,
    document: Digest,
    expires: u64,
    needs: Needs,
    people: Vec<Signer>,
    wish: Wish,
}

impl ByPeople {
    /// The request.
    pub fn request(&self) -> &str {
        &self.request
    }
    /// The digest of what they signed.
    pub const fn document(&self) -> Digest {
        self.document
    }
    /// When the approval ends, unix seconds.
    pub const fn expires(&self) -> u64 {
        self.expires
    }
    /// Who had to agree.
    pub const fn needs(&self) -> &Needs {
        &self.needs
    }
    /// Who agreed, and counts.
    pub fn people(&self) -> &[Signer] {
        &self.people
    }
    /// What they agreed to.
    pub const fn wish(&self) -> &Wish {
        &self.wish
    }
}

/// Whether the rules are those that a request was made under.
///
/// # Errors
/// The first part that changed, or another deployment.
pub fn check_rules(
    body: &RequestBody,
    deployment: &str,
    epoch: &Epoch,
    grants: Digest,
) -> Result<(), DeskRefusal> {
    if body.deployment != deployment {
        return Err(DeskRefusal::ForeignDeployment);
    }
    if let Some(part) = body.epoch.differences(epoch).first() {
        return Err(DeskRefusal::OtherEpoch(*part));
    }
    if body.grants != grants {
        return Err(DeskRefusal::OtherEpoch(EpochPart::Grants));
    }
    Ok(())
}

/// Whether a request is this holder's: of this deployment, this asker, this plugin with these bytes, and
/// under these rules.
///
/// # Errors
/// The first thing that is not so.
pub fn check_holder(body: &RequestBody, holder: &Holder<'_>) -> Result<(), DeskRefusal> {
    if body.deployment != holder.deployment {
        return Err(DeskRefusal::ForeignDeployment);
    }
    if body.asker.principal != *holder.principal {
        return Err(DeskRefusal::ForeignPrincipal);
    }
    let plugin = body.plugin().ok_or(DeskRefusal::DifferentCall("kinds"))?;
    if plugin.name != holder.plugin {
        return Err(DeskRefusal::DifferentCall("plugins"));
    }
    if plugin.digest != holder.digest {
        return Err(DeskRefusal::PluginChanged);
    }
    check_rules(body, holder.deployment, holder.epoch, holder.grants)
}

/// The last check before a run applies: everything that people saw is still so, and enough of them signed
/// it.
///
/// # Errors
/// The first reason not to.
pub fn check_apply(
    standing: &Standing<'_>,
    brought: &Brought<'_>,
) -> Result<ByPeople, DeskRefusal> {
    let body = standing.body;
    let plan = body.plan().ok_or(DeskRefusal::DifferentCall("kinds"))?;
    check_holder(body, &brought.holder)?;
    if plan.tool != brought.tool {
        return Err(DeskRefusal::DifferentCall("tools"));
    }
    if !canonical::same(&plan.arguments, brought.arguments) {
        return Err(DeskRefusal::DifferentCall("arguments"));
    }
    approved(standing)
}

/// INVARIANT DESTROY-NEEDS-PEOPLE: the only way to mint [`ByPeople`]; the quorum is counted again over
/// signatures that are verified again.
///
/// # Errors
/// Why the request is not approved, or no longer.
pub fn approved(standing: &Standing<'_>) -> Result<ByPeople, DeskRefusal> {
    let body = standing.body;
    standing.open()?;
    let tally = standing.tally();
    let document = body.digest().map_err(|_| DeskRefusal::DifferentCall("bytes"))?;
    if !tally.met {
        return Err(DeskRefusal::Pending(missing(&tally)));
    }
    Ok(ByPeople {
        request: body.id.clone(),
        document,
        expires: body.expires,
        needs: body.needs.clone(),
        people: tally.counted,
        wish: body.wish.clone(),
    })
}

/// `1 more of sre-leads`.
pub fn missing(tally: &Tally) -> String {
    let parts: Vec<String> = tally
        .groups
        .iter()
        .filter(|(_, (have, need))| have < need)
        .map(|(group, (have, need))| {
            let of = if group.is_empty() { "the roster" } else { group };
            format!("{} more of {of}", need.saturating_sub(*have))
        })
        .collect();
    if parts.is_empty() { "somebody to be named".to_owned() } else { parts.join(" and ") }
}
