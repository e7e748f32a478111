//! Which tools a principal may call, and what each can do at most: decided by the same function that
//! decides a call, and read off the links that would be live in it. What a tool says of itself is not asked,
//! so a tool that claims to only read while it can destroy is offered as one that destroys.

use crate::{Host, desk::in_force, installed::Installed};
use interlock_authority::{Authorized, Class, Invocation, LinkState, Mode, Principal, authorize};
use interlock_sandbox::Tool;

/// The providers whose world is this deployment's own; what any other reaches is open.
const OWN_WORLD: &[&str] = &["environment", "files", "kv", "secrets"];

/// One tool that a principal may call.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The plugin's configured name.
    pub plugin: String,
    /// The tool, in the plugin's words.
    pub tool: Tool,
    /// What it can do at most.
    pub reach: Reach,
}

/// What a tool can do at most, whoever wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reach {
    /// A function of class `change` is live in it.
    pub changes: bool,
    /// A function of class `destroy` is live in its plans.
    pub destroys: bool,
    /// It reaches a world that is not this deployment's own.
    pub outside: bool,
}

impl Reach {
    /// Whether nothing that it can call changes anything.
    pub const fn only_reads(self) -> bool {
        !self.changes && !self.destroys
    }
}

/// The tools of a plugin that a principal may call.
pub(crate) fn offers(host: &Host, plugin: &Installed, principal: &Principal) -> Vec<Offer> {
    let holder = plugin.holder(host, principal, host.journal().deployment());
    let mut grants = plugin.grants.clone();
    // One that cannot be read gives nothing; the call itself says why.
    grants.extend(in_force(host, &holder).unwrap_or_default());
    let offer = |tool: &Tool| {
        // As a plan: what people could still approve is part of what the tool can do.
        let asked = Invocation {
            principal,
            known_principals: &host.config().principals,
            plugin: &plugin.name,
            digest: plugin.described.digest,
            publisher: plugin.publisher.as_deref(),
            imports: &plugin.described.imports,
            grants: &grants,
            tool: &tool.name,
            uses: tool.uses.as_deref(),
            mode: Mode::Plan,
        };
        let authorized = authorize(&asked, host.catalogue(), host.policies()).ok()?;
        let reach = reach(host, &authorized);
        Some(Offer { plugin: plugin.name.clone(), tool: tool.clone(), reach })
    };
    plugin.described.tools.iter().filter_map(offer).collect()
}

fn reach(host: &Host, authorized: &Authorized) -> Reach {
    let mut reach = Reach::default();
    for (name, functions) in authorized.links() {
        let live = functions.iter().filter(|(_, state)| **state == LinkState::Live);
        for (function, _) in live {
            // A function without a class is never live; should one be, it is the worst.
            match host.catalogue().function(name, function).map(|f| f.class) {
                Some(Class::Read) => {}
                Some(Class::Change) => reach.changes = true,
                Some(Class::Destroy) | None => reach.destroys = true,
            }
            let provider = host.catalogue().interface(name).map(|i| i.provider.as_str());
            reach.outside |= provider.is_none_or(|provider| !OWN_WORLD.contains(&provider));
        }
    }
    reach
}
