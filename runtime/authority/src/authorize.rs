//! The decision before a run: may this principal invoke this tool, and which capability functions are
//! live in it. `Authorized` has private fields and is minted only here; the sandbox takes nothing less.

use crate::{
    catalogue::Catalogue,
    grant::Grant,
    policy::{Asking, Policies},
    refusal::{Refusal, Withheld},
    vocabulary::{Class, Digest, InterfaceName, Principal, Resource},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Functions by interface: what a plugin imports.
pub type Imports = BTreeMap<InterfaceName, BTreeSet<String>>;

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Effects happen. Functions of class `destroy` are withheld: they need an approved plan.
    Call,
    /// Nothing happens: effects are answered with forecasts and recorded.
    Plan,
    /// The effects of a decided plan happen, each against its ticket, and no other.
    Apply,
}

/// What one imported function is in one invocation. An interface that was never granted has no link
/// state at all: it is not linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkState {
    /// Calls go to the gate.
    Live,
    /// A stub that refuses; no provider is behind it.
    Withheld(Withheld),
}

/// One wish to run one tool, with the facts to decide it by.
#[derive(Debug, Clone)]
pub struct Invocation<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// Every principal that the configuration names.
    pub known_principals: &'a BTreeSet<Principal>,
    /// The plugin's configured name.
    pub plugin: &'a str,
    /// The plugin's identity.
    pub digest: Digest,
    /// Who published the plugin, as the operator asserts.
    pub publisher: Option<&'a str>,
    /// What the plugin imports, apart from the inert floor.
    pub imports: &'a Imports,
    /// The plugin's standing grants.
    pub grants: &'a [Grant],
    /// The tool.
    pub tool: &'a str,
    /// The interfaces the tool declared, with or without version; `None` means all.
    pub uses: Option<&'a [String]>,
    /// What the run is for.
    pub mode: Mode,
}

/// Proof that an invocation was decided, and what is live in it.
#[derive(Debug, Clone)]
pub struct Authorized {
    principal: Principal,
    plugin: String,
    digest: Digest,
    publisher: Option<String>,
    tool: String,
    mode: Mode,
    policies: Vec<String>,
    links: BTreeMap<InterfaceName, BTreeMap<String, LinkState>>,
    grants: Vec<Grant>,
}

impl Authorized {
    /// Who asked.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }
    /// The plugin's configured name.
    pub fn plugin(&self) -> &str {
        &self.plugin
    }
    /// The identity of the plugin that may run.
    pub fn digest(&self) -> Digest {
        self.digest
    }
    /// The tool that may run.
    pub fn tool(&self) -> &str {
        &self.tool
    }
    /// What the run is for.
    pub fn mode(&self) -> Mode {
        self.mode
    }
    /// The link state of every imported function, by interface.
    pub fn links(&self) -> &BTreeMap<InterfaceName, BTreeMap<String, LinkState>> {
        &self.links
    }
    /// The state of one function; `None` where it is not linked at all.
    pub fn link(&self, interface: &InterfaceName, function: &str) -> Option<LinkState> {
        self.links.get(interface).and_then(|f| f.get(function)).copied()
    }
    /// The ids of the policies that allowed the invocation.
    pub fn policies(&self) -> &[String] {
        &self.policies
    }
    /// The grants that the run is under.
    pub fn grants(&self) -> &[Grant] {
        &self.grants
    }
    /// Who asks for what, as policies see it.
    pub fn asking(&self) -> Asking<'_> {
        Asking {
            principal: &self.principal,
            plugin: &self.plugin,
            digest: self.digest,
            publisher: self.publisher.as_deref(),
            tool: &self.tool,
        }
    }
    /// The live functions of class `change` or `destroy`, with the resources granted for each.
    pub fn live_effects<'a>(
        &'a self,
        catalogue: &'a Catalogue,
    ) -> impl Iterator<Item = (&'a InterfaceName, &'a str, Vec<Resource>)> {
        self.links.iter().flat_map(move |(name, functions)| {
            functions
                .iter()
                .filter(|(_, state)| **state == LinkState::Live)
                .filter(move |(function, _)| {
                    catalogue.function(name, function).is_some_and(|f| f.class != Class::Read)
                })
                .map(move |(function, _)| {
                    let covering = self.grants.iter().filter(|g| g.names(name, function));
                    let resources = covering.flat_map(|g| g.resources.iter().cloned()).collect();
                    (name, function.as_str(), resources)
                })
        })
    }
    /// Whether a grant covers the function on the resource.
    pub(crate) fn covers(
        &self,
        interface: &InterfaceName,
        function: &str,
        resource: &Resource,
    ) -> bool {
        self.grants.iter().any(|grant| grant.covers(interface, function, resource))
    }
}

/// A run that is done again offline: its functions are linked as they were, and nothing is permitted.
#[derive(Debug, Clone)]
pub struct Again {
    /// Who asked then.
    pub principal: Principal,
    /// The plugin's configured name then.
    pub plugin: String,
    /// The identity of the plugin that runs now.
    pub digest: Digest,
    /// The tool.
    pub tool: String,
    /// The link state that each function had.
    pub links: BTreeMap<InterfaceName, BTreeMap<String, LinkState>>,
}

impl From<Again> for Authorized {
    /// INVARIANT ONE-DOOR: whatever was live then, a call that came to a gate with this would be denied: it
    /// is under no grant, and of a mode in which nothing happens.
    fn from(again: Again) -> Self {
        let Again { principal, plugin, digest, tool, links } = again;
        let (policies, grants) = (Vec::new(), Vec::new());
        let (publisher, mode) = (None, Mode::Plan);
        Self { principal, plugin, digest, publisher, tool, mode, policies, links, grants }
    }
}

/// Whether a name that a tool declared means this interface.
pub fn uses_names(declared: &str, interface: &InterfaceName) -> bool {
    declared == interface.as_str() || declared == interface.unversioned()
}

/// Compares what a plugin imports with the catalogue and its grants, as at admission.
///
/// # Errors
/// The first import that no catalogue describes, or that no grant names.
pub fn check_imports(
    plugin: &str,
    imports: &Imports,
    grants: &[Grant],
    catalogue: &Catalogue,
) -> Result<(), Vec<Refusal>> {
    let mut refusals = Vec::new();
    for (name, functions) in imports {
        let Some(interface) = catalogue.interface(name) else {
            refusals
                .push(Refusal::Uncatalogued { plugin: plugin.into(), import: name.to_string() });
            continue;
        };
        for function in functions.iter().filter(|f| !interface.functions.contains_key(*f)) {
            let import = format!("{name}#{function}");
            refusals.push(Refusal::Uncatalogued { plugin: plugin.into(), import });
        }
        // INVARIANT ABSENT-NOT-DENIED: an interface that no grant names is not linked at all.
        if !grants.iter().any(|grant| grant.interface == *name) {
            refusals.push(Refusal::NotGranted { plugin: plugin.into(), interface: name.clone() });
        }
    }
    if refusals.is_empty() { Ok(()) } else { Err(refusals) }
}

/// Decides one invocation: who asks, what the plugin was granted, and what the policies say of the tool.
///
/// # Errors
/// The first reason to refuse; nothing of the plugin has run then.
pub fn authorize(
    asked: &Invocation<'_>,
    catalogue: &Catalogue,
    policies: &Policies,
) -> Result<Authorized, Refusal> {
    // INVARIANT FAIL-CLOSED: whoever is not configured gets nothing.
    if !asked.known_principals.contains(asked.principal) {
        return Err(Refusal::UnknownPrincipal { principal: asked.principal.clone() });
    }
    check_imports(asked.plugin, asked.imports, asked.grants, catalogue).map_err(|mut all| {
        // `check_imports` never returns an empty list of refusals.
        if all.is_empty() {
            Refusal::Uncatalogued { plugin: asked.plugin.into(), import: String::new() }
        } else {
            all.swap_remove(0)
        }
    })?;
    for declared in asked.uses.into_iter().flatten() {
        // Whatever is imported is in a catalogue, as was just checked.
        if catalogue.interfaces().all(|i| !uses_names(declared, &i.name)) {
            return Err(Refusal::UsesNotImported {
                tool: asked.tool.into(),
                uses: declared.clone(),
            });
        }
    }
    let asking = Asking {
        principal: asked.principal,
        plugin: asked.plugin,
        digest: asked.digest,
        publisher: asked.publisher,
        tool: asked.tool,
    };
    // INVARIANT FAIL-CLOSED: without a policy that permits it, a tool is not invoked.
    let allowed = policies.invoke(&asking).map_err(|denial| Refusal::Policy { denial })?;
    let mut links = BTreeMap::new();
    for (name, functions) in asked.imports {
        let states: BTreeMap<String, LinkState> = functions
            .iter()
            .map(|function| (function.clone(), state(asked, catalogue, name, function)))
            .collect();
        links.insert(name.clone(), states);
    }
    Ok(Authorized {
        principal: asked.principal.clone(),
        plugin: asked.plugin.to_owned(),
        digest: asked.digest,
        publisher: asked.publisher.map(str::to_owned),
        tool: asked.tool.to_owned(),
        mode: asked.mode,
        policies: allowed.by,
        links,
        grants: asked.grants.to_vec(),
    })
}

/// The link state of one function of a granted interface.
fn state(
    asked: &Invocation<'_>,
    catalogue: &Catalogue,
    name: &InterfaceName,
    function: &str,
) -> LinkState {
    let class = catalogue.function(name, function).map(|f| f.class);
    if !asked.grants.iter().any(|grant| grant.names(name, function)) {
        return LinkState::Withheld(Withheld::FunctionNotGranted);
    }
    if asked.uses.is_some_and(|uses| !uses.iter().any(|u| uses_names(u, name))) {
        return LinkState::Withheld(Withheld::ToolDoesNotUse);
    }
    match (asked.mode, class) {
        // INVARIANT DESTROY-NEEDS-PEOPLE: no call reaches `destroy` without an approved plan.
        (Mode::Call, Some(Class::Destroy)) | (_, None) => {
            LinkState::Withheld(Withheld::NeedsApproval)
        }
        _ => LinkState::Live,
    }
}
