//! What the policies say. Cedar evaluates them; what counts as an answer is decided here: no permit is a no,
//! one forbid is a no, an error is a no, and the people that satisfied permits ask for add up.

mod actions;
mod check;
mod context;
mod denial;
mod directory;
mod repeated;
mod schema;
mod scope;
mod surroundings;
mod world;

use crate::{
    canonical,
    catalogue::{Catalogue, ResolvedCall},
    needs::Needs,
    vocabulary::{Class, Digest, InterfaceName, Principal, Resource, Scope},
};
use actions::Actions;
use cedar_policy::{
    Authorizer, Context, Decision, Policy, PolicyId, PolicySet, Request, RestrictedExpression,
    Schema, ValidationMode, Validator,
};
use check::Kind;
use repeated::{Key, Repeated};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    str::FromStr,
    sync::Arc,
};
use surroundings::Surroundings;
use thiserror::Error;

pub use check::LONGEST_TTL;
pub use denial::PolicyDenial;
pub use directory::{Attribute, Directory};

/// Which validator looks at policies: what another one found holds for that one alone.
pub fn validator() -> String {
    format!("cedar {} {}", cedar_policy::get_sdk_version(), cedar_policy::get_lang_version())
}

/// A policy set that is safe and useful: what `init` writes.
pub const DEFAULT: &str = include_str!("default.cedar");

/// The text of [`Policies::where_granted`].
pub const WHERE_GRANTED: &str = r#"
@id("invoke") permit (principal, action == Action::"invoke", resource);
@id("read") permit (principal, action in Action::"read", resource);
@id("change") permit (principal, action in Action::"change", resource);
@id("apply") permit (principal, action == Action::"apply-plan", resource);
@id("destroy") @approvals("2") permit (principal, action in Action::"destroy", resource);
"#;

/// A file of policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySource {
    /// Its name, for messages.
    pub file: String,
    /// Its text.
    pub text: String,
}

/// Something wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Error)]
#[error("{file}{}: {}{message}", .line.map(|l| format!(":{l}")).unwrap_or_default(), .policy.as_ref().map(|p| format!("policy `{p}`: ")).unwrap_or_default())]
pub struct PolicyProblem {
    /// The file.
    pub file: String,
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// The policy, by its id, where it has one.
    pub policy: Option<String>,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// Who asks for what, as policies see it.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// The plugin's configured name.
    pub plugin: &'a str,
    /// Its identity.
    pub digest: Digest,
    /// Who published it.
    pub publisher: Option<&'a str>,
    /// The tool.
    pub tool: &'a str,
}

/// What policies may ask of a plan as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PlanFacts {
    /// How many effects.
    pub effects: u64,
    /// How many of them destroy.
    pub destroys: u64,
    /// How many resources they touch.
    pub resources: u64,
    /// Whether something is destroyed and then touched again.
    pub recreates: bool,
}

/// The policies allow it, as far as these people agree.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Allowed {
    /// The ids of the policies that permit it.
    pub by: Vec<String>,
    /// The people they ask for, all together.
    pub needs: Needs,
}

/// One policy, with what it asks for.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    id: String,
    file: String,
    line: Option<usize>,
    needs: Needs,
    policy: Policy,
    kinds: BTreeSet<Kind>,
}

/// A policy, for people.
#[derive(Debug, Clone, Serialize)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// Its file.
    pub file: String,
    /// Its line.
    pub line: Option<usize>,
}

/// A checked policy set.
#[derive(Debug)]
pub struct Policies {
    set: PolicySet,
    rules: BTreeMap<PolicyId, Rule>,
    actions: Actions,
    catalogue: Arc<Catalogue>,
    directory: Directory,
    /// Resources that a policy or the configuration names.
    named: BTreeSet<Resource>,
    schema: String,
    digest: Digest,
    authorizer: Authorizer,
    /// Yeses of this very set, to questions that are asked again and again.
    repeated: Repeated,
    surroundings: Surroundings,
    /// Of each function's action, the arguments that policies can see.
    arguments: HashMap<String, BTreeMap<String, schema::Field>>,
}

impl Policies {
    /// Reads and checks policies. No policy at all is a set that refuses everything.
    ///
    /// # Errors
    /// All that is wrong. INVARIANT FAIL-CLOSED: a set with one problem is no set.
    pub fn load(
        sources: &[PolicySource],
        catalogue: &Arc<Catalogue>,
        directory: Directory,
    ) -> Result<Self, Vec<PolicyProblem>> {
        Self::load_unless(sources, catalogue, directory, |_| false)
    }

    /// As [`Policies::load`], where Cedar's validator need not look again at a set of which `validated` says that it
    /// found nothing wrong: it depends on nothing but what the digest is of, and on Cedar's version. Everything
    /// that is made of the set is made again.
    ///
    /// # Errors
    /// As [`Policies::load`].
    pub fn load_unless(
        sources: &[PolicySource],
        catalogue: &Arc<Catalogue>,
        directory: Directory,
        validated: impl FnOnce(Digest) -> bool,
    ) -> Result<Self, Vec<PolicyProblem>> {
        let at_schema = |message: String| {
            vec![PolicyProblem { file: "schema".to_owned(), line: None, policy: None, message }]
        };
        let text = schema::text(catalogue, &directory);
        let digest = digest(sources, &directory, &text).map_err(|e| at_schema(e.to_string()))?;
        let validator = if validated(digest) {
            None
        } else {
            let schema = Schema::from_cedarschema_str(&text);
            let (schema, _) = schema.map_err(|e| at_schema(e.to_string()))?;
            Some(Validator::new(schema))
        };
        let mut problems = Vec::new();
        let (mut set, mut rules) = (PolicySet::new(), BTreeMap::new());
        let mut seen = BTreeMap::new();
        for source in sources {
            let parsed = match PolicySet::from_str(&source.text) {
                Ok(parsed) => parsed,
                Err(error) => {
                    problems.push(check::problem(source, None, &error));
                    continue;
                }
            };
            if parsed.templates().next().is_some() {
                let message = "a template (`?principal`, `?resource`) is not for here".to_owned();
                let file = source.file.clone();
                problems.push(PolicyProblem { file, line: None, policy: None, message });
                continue;
            }
            let result = validator.as_ref().map(|v| v.validate(&parsed, ValidationMode::Strict));
            for error in result.iter().flat_map(|result| result.validation_errors()) {
                let policy = parsed.policy(error.policy_id()).and_then(|p| p.annotation("id"));
                problems.push(check::problem(source, policy.map(str::to_owned), error));
            }
            // Cedar numbers them as they stand in the text.
            let mut ordered: Vec<&Policy> = parsed.policies().collect();
            ordered.sort_by_key(|policy| check::number(policy.id()));
            let mut from = 0;
            for policy in ordered {
                let line = check::line_of(policy, source, &mut from);
                let rule = check::rule(
                    policy,
                    line,
                    source,
                    catalogue,
                    &directory,
                    &mut seen,
                    &mut problems,
                );
                let id = PolicyId::new(&rule.id);
                let renamed = policy.new_id(id.clone());
                // A repeated id was told above.
                if set.add(renamed).is_ok() {
                    rules.insert(id, rule);
                }
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut named: BTreeSet<Resource> = directory.attributes.keys().cloned().collect();
        for rule in rules.values() {
            let literals = rule.policy.entity_literals();
            let resources = literals.iter().filter(|uid| uid.type_name().to_string() == "Resource");
            for uid in resources {
                match uid.id().unescaped().parse() {
                    Ok(resource) => _ = named.insert(resource),
                    Err(_) => problems.push(PolicyProblem {
                        file: rule.file.clone(),
                        line: rule.line,
                        policy: Some(rule.id.clone()),
                        message: format!(
                            "`{}` is not a resource",
                            uid.id().unescaped().escape_debug()
                        ),
                    }),
                }
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let actions =
            Actions::of(catalogue, rules.values().map(|rule| &rule.policy)).map_err(at_schema)?;
        Ok(Self {
            set,
            rules,
            actions,
            catalogue: catalogue.clone(),
            directory,
            named,
            schema: text,
            digest,
            authorizer: Authorizer::new(),
            repeated: Repeated::default(),
            surroundings: Surroundings::default(),
            arguments: schema::all_arguments(catalogue),
        })
    }

    /// A set that leaves the decision to grants: everybody may do what was granted, and two people agree to
    /// whatever destroys. For programs that embed a room of their own.
    ///
    /// # Errors
    /// As [`Policies::load`].
    pub fn where_granted(catalogue: &Arc<Catalogue>) -> Result<Self, Vec<PolicyProblem>> {
        let (file, text) = ("where-granted".to_owned(), WHERE_GRANTED.to_owned());
        Self::load(&[PolicySource { file, text }], catalogue, Directory::default())
    }

    /// The digest of the policies, with teams and attributes.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The generated schema, in Cedar's text form.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// The policies, by id.
    pub fn list(&self) -> Vec<Listed> {
        let listed = |r: &Rule| Listed { id: r.id.clone(), file: r.file.clone(), line: r.line };
        self.rules.values().map(listed).collect()
    }

    /// What a principal belongs to.
    pub fn teams(&self, principal: &Principal) -> Vec<String> {
        self.directory.teams.get(principal).into_iter().flatten().cloned().collect()
    }

    /// The most people that any policy asks for, of every group of which one asks for so many: who must
    /// accept other rules.
    pub fn largest_needs(&self) -> Needs {
        let count = |needs: &Needs| needs.people.values().copied().max().unwrap_or_default();
        let most = self.rules.values().map(|rule| count(&rule.needs)).max().unwrap_or_default();
        self.rules
            .values()
            .filter(|rule| most > 0 && count(&rule.needs) == most)
            .fold(Needs::nobody(), |all, rule| all.join(&rule.needs))
    }

    /// May this tool be invoked?
    ///
    /// # Errors
    /// Why not.
    pub fn invoke(&self, asking: &Asking<'_>) -> Result<Allowed, PolicyDenial> {
        self.repeated.or(Key::of(asking, &["invoke"]), || {
            let context = vec![("plugin".to_owned(), plugin(asking)?)];
            self.ask(asking, "invoke", &On::tool(asking), context)
        })
    }

    /// May this be read?
    ///
    /// # Errors
    /// Why not.
    pub fn read(
        &self,
        asking: &Asking<'_>,
        call: &ResolvedCall,
        effects_so_far: u64,
    ) -> Result<Allowed, PolicyDenial> {
        let action = schema::action(call.interface(), call.function());
        let (resource, so_far) = (call.resource().to_string(), effects_so_far.to_string());
        // Without a text of the arguments it is no question that was asked before.
        let arguments = serde_json::to_string(call.arguments())
            .map_err(|e| PolicyDenial::Unmappable { problem: e.to_string() })?;
        let key = Key::of(asking, &["read", &action, &resource, &arguments, &so_far]);
        self.repeated.or(key, || {
            let context = self.context(asking, &action, call, effects_so_far)?;
            self.ask(asking, &action, &On::resource(call.resource()), context)
        })
    }

    /// May this effect happen, on its resource, on all it touches, and on every descendant that a policy or
    /// the configuration names? Its own resource must be permitted; everywhere one forbid refuses, one
    /// error refuses, and the people that permits ask for add up.
    ///
    /// # Errors
    /// Why not.
    pub fn effect(
        &self,
        asking: &Asking<'_>,
        call: &ResolvedCall,
        touches: &[Resource],
        effects_so_far: u64,
    ) -> Result<Allowed, PolicyDenial> {
        let action = schema::action(call.interface(), call.function());
        let context = self.context(asking, &action, call, effects_so_far)?;
        let own = On::resource(call.resource());
        let mut allowed = self.ask(asking, &action, &own, context.clone())?;
        for resource in self.also(call, touches) {
            match self.ask(asking, &action, &On::resource(resource), context.clone()) {
                Ok(also) => {
                    allowed.needs = allowed.needs.join(&also.needs);
                    allowed.by.extend(also.by);
                }
                // Nobody has to permit the parts one by one; anybody may forbid one of them.
                Err(PolicyDenial::NoPermit { .. }) => {}
                Err(denial) => return Err(denial),
            }
        }
        allowed.by.sort();
        allowed.by.dedup();
        Ok(allowed)
    }

    /// What an effect reaches beside its own resource: all it touches, and what is named below.
    fn also<'a>(
        &'a self,
        call: &'a ResolvedCall,
        touches: &'a [Resource],
    ) -> BTreeSet<&'a Resource> {
        let below = self.named.iter().filter(|named| {
            call.scope() == Scope::Subtree && named.is_within(call.resource())
                || touches.iter().any(|touched| named.is_within(touched))
        });
        let mut all: BTreeSet<&Resource> = touches.iter().chain(below).collect();
        all.remove(call.resource());
        all
    }

    /// May a plan with these effects be applied?
    ///
    /// # Errors
    /// Why not.
    pub fn plan(&self, asking: &Asking<'_>, facts: &PlanFacts) -> Result<Allowed, PolicyDenial> {
        let plan = record([
            ("effects", long(facts.effects)?),
            ("destroys", long(facts.destroys)?),
            ("resources", long(facts.resources)?),
            ("recreates", RestrictedExpression::new_bool(facts.recreates)),
        ])?;
        let context = vec![("plugin".to_owned(), plugin(asking)?), ("plan".to_owned(), plan)];
        self.ask(asking, "apply-plan", &On::tool(asking), context)
    }

    /// May this plugin be given more for a while, on this resource?
    ///
    /// # Errors
    /// Why not.
    pub fn elevate(
        &self,
        asking: &Asking<'_>,
        resource: &Resource,
        effects: u64,
        seconds: u64,
    ) -> Result<Allowed, PolicyDenial> {
        let context = vec![
            ("plugin".to_owned(), plugin(asking)?),
            ("effects".to_owned(), long(effects)?),
            ("seconds".to_owned(), long(seconds)?),
        ];
        self.ask(asking, "elevate", &On::resource(resource), context)
    }

    /// Whether a run with these live effect functions must be planned first: whether any policy whose
    /// scope can match one of them asks for people, or any on `apply-plan` does, or forbids.
    pub fn must_plan<'a>(
        &self,
        principal: &Principal,
        live: impl Iterator<Item = (&'a InterfaceName, &'a str, Vec<Resource>)>,
    ) -> bool {
        let live: Vec<_> = live
            .filter_map(|(interface, function, resources)| {
                let class = self.catalogue.function(interface, function)?.class;
                (class != Class::Read).then_some((interface, function, class, resources))
            })
            .collect();
        // What only reads has nothing to plan.
        if live.is_empty() {
            return false;
        }
        let teams = self.directory.teams.get(principal);
        self.rules.values().any(|rule| scope::concerns(rule, principal, teams, &live))
    }

    fn context(
        &self,
        asking: &Asking<'_>,
        action: &str,
        call: &ResolvedCall,
        effects_so_far: u64,
    ) -> Result<Vec<(String, RestrictedExpression)>, PolicyDenial> {
        let fields = self.arguments.get(action).ok_or_else(|| PolicyDenial::Unmappable {
            problem: format!("no catalogue describes {action}"),
        })?;
        let arguments = context::arguments(fields, call.arguments())
            .map_err(|problem| PolicyDenial::Unmappable { problem })?;
        let tool = format!("{}.{}", asking.plugin, asking.tool);
        Ok(vec![
            ("arguments".to_owned(), arguments),
            ("plugin".to_owned(), plugin(asking)?),
            ("tool".to_owned(), RestrictedExpression::new_string(tool)),
            ("run".to_owned(), record([("effects", long(effects_so_far)?)])?),
        ])
    }

    /// One question to Cedar.
    fn ask(
        &self,
        asking: &Asking<'_>,
        action: &str,
        on: &On<'_>,
        context: Vec<(String, RestrictedExpression)>,
    ) -> Result<Allowed, PolicyDenial> {
        let fault = |problem: String| PolicyDenial::Error { problems: vec![problem] };
        let context = Context::from_pairs(context).map_err(|e| fault(e.to_string()))?;
        let principal = world::principal_uid(asking.principal).map_err(fault)?;
        let action_uid = world::uid("Action", action).map_err(fault)?;
        let (resource, parent, own) = match on {
            On::Tool(tool) => (world::uid("Tool", tool).map_err(fault)?, None, None),
            On::Resource(resource) => {
                let own = world::resource(resource, &self.directory).map_err(fault)?;
                (own.uid(), world::above(resource), Some(own))
            }
        };
        let among = (action_uid.clone(), asking.principal.clone(), parent);
        let around = self.surroundings.of(&self.actions, &self.directory, among).map_err(fault)?;
        let entities = match own {
            None => around,
            Some(own) => around.add_entities([own], None).map_err(|e| fault(e.to_string()))?,
        };
        let request = Request::new(principal, action_uid, resource, context, None)
            .map_err(|e| fault(e.to_string()))?;
        let response = self.authorizer.is_authorized(&request, &self.set, &entities);
        // INVARIANT FAIL-CLOSED: Cedar skips a policy that errs; a forbid that is skipped would be a yes.
        let problems: Vec<String> =
            response.diagnostics().errors().map(ToString::to_string).collect();
        if !problems.is_empty() {
            return Err(PolicyDenial::Error { problems });
        }
        let reasons: Vec<&Rule> =
            response.diagnostics().reason().filter_map(|id| self.rules.get(id)).collect();
        let ids = || reasons.iter().map(|rule| rule.id.clone()).collect::<BTreeSet<_>>();
        match response.decision() {
            Decision::Allow if !reasons.is_empty() => Ok(Allowed {
                by: ids().into_iter().collect(),
                needs: reasons.iter().fold(Needs::nobody(), |all, rule| all.join(&rule.needs)),
            }),
            _ if reasons.is_empty() => Err(PolicyDenial::NoPermit {
                action: format!("Action::\"{action}\""),
                resource: on.name(),
            }),
            _ => Err(PolicyDenial::Forbidden {
                policies: ids().into_iter().collect(),
                resource: on.name(),
            }),
        }
    }
}

/// What a question is about.
enum On<'a> {
    Tool(String),
    Resource(&'a Resource),
}

impl<'a> On<'a> {
    fn tool(asking: &Asking<'_>) -> Self {
        Self::Tool(format!("{}.{}", asking.plugin, asking.tool))
    }
    const fn resource(resource: &'a Resource) -> Self {
        Self::Resource(resource)
    }
    fn name(&self) -> String {
        match self {
            Self::Tool(tool) => format!("Tool::\"{tool}\""),
            Self::Resource(resource) => format!("Resource::\"{resource}\""),
        }
    }
}

fn long(n: u64) -> Result<RestrictedExpression, PolicyDenial> {
    i64::try_from(n).map(RestrictedExpression::new_long).map_err(|_| PolicyDenial::Unmappable {
        problem: format!("{n} is more than policies can hold"),
    })
}

fn record<const N: usize>(
    pairs: [(&str, RestrictedExpression); N],
) -> Result<RestrictedExpression, PolicyDenial> {
    RestrictedExpression::new_record(pairs.map(|(name, value)| (name.to_owned(), value)))
        .map_err(|e| PolicyDenial::Error { problems: vec![e.to_string()] })
}

fn plugin(asking: &Asking<'_>) -> Result<RestrictedExpression, PolicyDenial> {
    let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
    let (name, digest) = (text(asking.plugin), text(&asking.digest.to_string()));
    match asking.publisher {
        None => record([("name", name), ("digest", digest)]),
        Some(by) => record([("name", name), ("digest", digest), ("publisher", text(by))]),
    }
}

fn digest(
    sources: &[PolicySource],
    directory: &Directory,
    schema: &str,
) -> Result<Digest, canonical::CanonicalError> {
    let teams: BTreeMap<String, &BTreeSet<String>> =
        directory.teams.iter().map(|(p, t)| (p.to_string(), t)).collect();
    let attributes: BTreeMap<String, &BTreeMap<String, Attribute>> =
        directory.attributes.iter().map(|(r, a)| (r.to_string(), a)).collect();
    let texts: Vec<&str> = sources.iter().map(|source| source.text.as_str()).collect();
    canonical::digest(
        "interlock-policies/v1",
        &serde_json::json!({
            "texts": texts, "teams": teams, "attributes": attributes, "schema": schema,
        }),
    )
}
