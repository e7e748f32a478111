//! What leaves say, as far as a receipt needs it. They are read back into types of their own: a leaf that
//! lacks something is an error with its number, never a receipt with a gap.

use crate::{HostError, record::Terms, response::EffectStatus};
use interlock_authority::{
    Class, Digest, InterfaceName, LinkState, Mode, Principal, Resource, Revision, signature::Signer,
};
use interlock_store::Stored;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

#[derive(Deserialize)]
pub(super) struct Decision {
    pub(super) principal: Principal,
    pub(super) plugin: String,
    pub(super) digest: Digest,
    pub(super) tool: String,
    #[serde(default)]
    pub(super) arguments: Option<Digest>,
    pub(super) mode: Mode,
    pub(super) terms: Terms,
    #[serde(default)]
    pub(super) refused: Option<String>,
    pub(super) links: BTreeMap<InterfaceName, BTreeMap<String, LinkState>>,
    pub(super) absent: Vec<InterfaceName>,
    pub(super) preopens: Vec<(String, String)>,
}

#[derive(Deserialize)]
pub(super) struct Plan {
    pub(super) plan: Digest,
}

#[derive(Deserialize)]
pub(super) struct Request {
    pub(super) request: String,
    pub(super) document: Digest,
}

#[derive(Deserialize)]
pub(super) struct Claim {
    pub(super) request: String,
    pub(super) document: Digest,
    pub(super) plan: Digest,
    pub(super) people: Vec<Signer>,
}

#[derive(Deserialize)]
pub(super) struct Intent {
    pub(super) step: u64,
    pub(super) interface: InterfaceName,
    pub(super) function: String,
    pub(super) class: Class,
    pub(super) resource: Resource,
    pub(super) arguments: Map<String, Value>,
}

#[derive(Deserialize)]
pub(super) struct Outcome {
    pub(super) step: u64,
    pub(super) status: EffectStatus,
    pub(super) revisions: BTreeMap<Resource, Revision>,
}

#[derive(Deserialize)]
pub(super) struct Resolution {
    pub(super) step: u64,
    pub(super) done: bool,
    pub(super) by: String,
}

#[derive(Deserialize)]
pub(super) struct Ended {
    pub(super) code: String,
}

#[derive(Deserialize)]
pub(super) struct StatementKey {
    pub(super) key: String,
}

/// Reads what a leaf says.
///
/// # Errors
/// What it said was erased, or is not what its kind says.
pub(super) fn said<T: DeserializeOwned>(stored: &Stored) -> Result<T, HostError> {
    let Stored { leaf, kind, payload, .. } = stored;
    let Some(payload) = payload else {
        let message =
            format!("what leaf {leaf} said was erased; no receipt can be made without it");
        return Err(HostError::Refused { code: "leaf-erased", message });
    };
    serde_json::from_slice(payload).map_err(|e| HostError::Integrity {
        code: "leaf-unreadable",
        message: format!("leaf {leaf} does not say what its kind `{kind}` says: {e}"),
    })
}
