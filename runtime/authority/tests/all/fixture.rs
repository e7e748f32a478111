//! A catalogue of a cache, small enough to read at once.

use interlock_authority::{
    Authorized, Catalogue, Digest, Grant, InterfaceName, Invocation, Mode, Policies, Principal,
    Refusal, ResolvedCall, authorize,
    authorize::Imports,
    catalogue::CatalogueSource,
    policy::{Directory, PolicyProblem, PolicySource},
};
use serde_json::json;
use std::{collections::BTreeSet, sync::Arc};

pub(crate) const WIT: &str = r#"
package acme:cache@1.0.0;

interface look {
  stats: func(cluster: string) -> string;
}
interface tune {
  variant error { denied(string), failed(string) }
  resize: func(cluster: string, megabytes: u32, label: string) -> result<_, error>;
  evict: func(cluster: string, key: string) -> result<_, error>;
}
interface wipe {
  flush: func(cluster: string) -> result<_, string>;
}
"#;

pub(crate) const CATALOGUE: &str = r#"wit = "acme-cache.wit"

[interface."acme:cache/look@1.0.0"]
provider = "cache"
[interface."acme:cache/look@1.0.0".function.stats]
class = "read"
resource = "cache/{cluster}"

[interface."acme:cache/tune@1.0.0"]
provider = "cache"
[interface."acme:cache/tune@1.0.0".function.resize]
class = "change"
resource = "cache/{cluster}"
arguments.megabytes = { min = 16, max = 1024 }
arguments.label = { max-length = 8 }
[interface."acme:cache/tune@1.0.0".function.evict]
class = "change"
resource = "cache/{cluster}/key/{key...}"

[interface."acme:cache/wipe@1.0.0"]
provider = "cache"
[interface."acme:cache/wipe@1.0.0".function.flush]
class = "destroy"
resource = "cache/{cluster}"
"#;

pub(crate) fn source(text: &str, wit: &str) -> CatalogueSource {
    CatalogueSource {
        file: "acme.toml".into(),
        text: text.into(),
        wit: vec![("acme-cache.wit".into(), wit.into())],
    }
}

pub(crate) fn catalogue() -> Catalogue {
    Catalogue::load(&[source(CATALOGUE, WIT)]).unwrap()
}

pub(crate) fn name(interface: &str) -> InterfaceName {
    format!("acme:cache/{interface}@1.0.0").parse().unwrap()
}

pub(crate) fn grant(interface: &str, functions: Option<&[&str]>, resources: &[&str]) -> Grant {
    Grant {
        interface: name(interface),
        functions: functions.map(|f| f.iter().map(|s| (*s).to_owned()).collect()),
        resources: resources.iter().map(|r| r.parse().unwrap()).collect(),
        budget: None,
        elevation: None,
    }
}

pub(crate) fn imports(all: &[(&str, &[&str])]) -> Imports {
    all.iter()
        .map(|(i, functions)| (name(i), functions.iter().map(|f| (*f).to_owned()).collect()))
        .collect()
}

/// A plugin that imports everything.
pub(crate) fn everything() -> Imports {
    imports(&[("look", &["stats"]), ("tune", &["resize", "evict"]), ("wipe", &["flush"])])
}

/// What the bot asks for, where nothing is said otherwise.
pub(crate) fn invoking<R>(
    imports: &Imports,
    grants: &[Grant],
    ask: impl FnOnce(Invocation<'_>) -> R,
) -> R {
    let principal: Principal = "Agent::bot".parse().unwrap();
    let known = BTreeSet::from([principal.clone()]);
    ask(Invocation {
        principal: &principal,
        known_principals: &known,
        plugin: "cachebox",
        digest: Digest::from_bytes([7; 32]),
        publisher: None,
        imports,
        grants,
        tool: "tidy",
        uses: None,
        mode: Mode::Call,
    })
}

pub(crate) fn decide(
    principal: &str,
    imports: &Imports,
    grants: &[Grant],
    uses: Option<&[String]>,
    mode: Mode,
) -> Result<Authorized, Refusal> {
    let principal = principal.parse().unwrap();
    invoking(imports, grants, |asked| {
        let asked = Invocation { principal: &principal, uses, mode, ..asked };
        authorize(&asked, &catalogue(), &policies(POLICIES))
    })
}

/// Everything that is granted; destroying with two people.
pub(crate) use interlock_authority::policy::WHERE_GRANTED as POLICIES;

pub(crate) fn try_policies(
    text: &str,
    directory: Directory,
) -> Result<Policies, Vec<PolicyProblem>> {
    let source = PolicySource { file: "test.cedar".into(), text: text.into() };
    Policies::load(&[source], &Arc::new(catalogue()), directory)
}

pub(crate) fn policies(text: &str) -> Policies {
    try_policies(text, Directory::default()).unwrap_or_else(|all| panic!("{all:?}"))
}

pub(crate) fn call(interface: &str, function: &str, arguments: &[&str]) -> ResolvedCall {
    let arguments = arguments.iter().map(|a| json!(a)).collect();
    catalogue().resolve(&name(interface), function, arguments).unwrap()
}
