//! The rules in force: policies, catalogues and approvers, each with the digest that binds a request to
//! them. A request of another epoch is refused with the name of the part that changed.

use crate::{Config, HostError, config::PluginConfig};
use interlock_authority::{
    Catalogue, Digest, canonical,
    catalogue::CatalogueSource,
    epoch::Epoch,
    policy::{Directory, Policies},
    roster::Roster,
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The rules in force.
#[derive(Clone)]
pub struct Rules {
    /// The policies.
    pub policies: Arc<Policies>,
    /// Who may approve.
    pub roster: Arc<Roster>,
    /// The digests of policies, catalogues and approvers.
    pub epoch: Epoch,
    /// All of it as text, for the journal.
    pub text: Value,
}

impl Rules {
    /// Reads the rules of a configuration.
    ///
    /// # Errors
    /// Policies or a roster that mean nothing. INVARIANT FAIL-CLOSED: a host does not start with them.
    pub fn load(
        config: &Config,
        sources: &[CatalogueSource],
        catalogue: &Arc<Catalogue>,
    ) -> Result<Self, HostError> {
        let roster = Roster::parse(&config.roster)?;
        let directory = Directory {
            teams: config.teams.clone(),
            attributes: config.attributes.clone(),
            groups: config.roster.groups.keys().cloned().collect::<BTreeSet<_>>(),
        };
        let policies =
            Policies::load(&config.policies, catalogue, directory).map_err(HostError::Policies)?;
        let catalogues: Vec<Value> = sources
            .iter()
            .map(|s| {
                let wit: Vec<&String> = s.wit.iter().map(|(_, text)| text).collect();
                json!({"text": s.text, "wit": wit})
            })
            .collect();
        let operators: BTreeMap<String, &Vec<String>> =
            config.operators.iter().map(|(agent, names)| (agent.clone(), names)).collect();
        let approvers = json!({
            "roster": roster.digest(),
            "operators": operators,
            "seal": config.seal,
        });
        let epoch = Epoch {
            policies: policies.digest(),
            catalogues: digest("interlock-catalogues/v1", &Value::from(catalogues))?,
            approvers: digest("interlock-approvers/v1", &approvers)?,
        };
        let text = json!({
            "policies": config.policies.iter().map(|p| json!({"file": p.file, "text": p.text})).collect::<Vec<_>>(),
            "allowed_signers": config.roster.allowed_signers,
            "people": config.roster.people,
            "groups": config.roster.groups,
            "presence": config.roster.presence,
            "solo": config.roster.solo,
            "operators": operators,
        });
        Ok(Self { policies: Arc::new(policies), roster: Arc::new(roster), epoch, text })
    }
}

/// The digest of what a plugin may do by itself: the part of the epoch that is the plugin's own.
///
/// # Errors
/// When the grants have no canonical form.
pub fn grants_digest(plugin: &PluginConfig) -> Result<Digest, HostError> {
    let grants = json!({
        "grants": plugin.grants,
        "preopens": plugin.preopens.iter().map(|(h, g)| json!([h.display().to_string(), g])).collect::<Vec<_>>(),
        "publisher": plugin.publisher,
    });
    digest("interlock-grants/v1", &grants)
}

fn digest(domain: &str, value: &Value) -> Result<Digest, HostError> {
    Ok(canonical::digest(domain, value)?)
}
