//! A policy decision beside a bare Cedar evaluation of the same request. The floor makes the request and its entities
//! from text, as whoever uses Cedar has to for each question (the names of entity types are read once), and evaluates
//! it; the evaluation alone is told too.

use crate::{
    Run,
    row::{Bound, Row, Unit},
    scene,
    stats::{Turn, interleaved, timed},
};
use anyhow::{Context as _, Result, anyhow, ensure};
use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid,
    PolicySet, Request, RestrictedExpression as Expression, Schema,
};
use interlock::authority::{
    Catalogue, Digest, Policies, Principal,
    policy::{Asking, WHERE_GRANTED},
};
use serde_json::json;
use std::{
    cell::Cell,
    collections::{HashMap, HashSet},
    hint::black_box,
    sync::Arc,
};

const WHAT: &str = "policy decision";
const LOOK: &str = "bench:box/look@1.0.0";
/// Decisions of one turn: one alone is as short as reading the clock twice.
const TURNS: u32 = 50;

/// The same policies, the same question, and nothing of ours.
struct Bare {
    set: PolicySet,
    actions: Entities,
    authorizer: Authorizer,
    types: HashMap<&'static str, EntityTypeName>,
    digest: String,
}

impl Bare {
    fn question(&self, key: &str) -> Result<(Request, Entities)> {
        let text = |text: &str| Expression::new_string(text.to_owned());
        let uid = |kind: &str, id: &str| -> Result<EntityUid> {
            let kind = self.types.get(kind).context("no such type")?.clone();
            Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
        };
        let record = |pairs: Vec<(&str, Expression)>| {
            let pairs = pairs.into_iter().map(|(name, value)| (name.to_owned(), value));
            Expression::new_record(pairs)
        };
        let plugin = record(vec![("name", text("reader")), ("digest", text(&self.digest))])?;
        let context = Context::from_pairs([
            ("arguments".to_owned(), record(vec![("key", text(key))])?),
            ("plugin".to_owned(), plugin),
            ("tool".to_owned(), text("reader.many")),
            ("run".to_owned(), record(vec![("effects", Expression::new_long(0))])?),
        ])?;
        let (bot, parent) = (uid("Agent", "bot")?, uid("Resource", "box")?);
        let own = uid("Resource", &format!("box/{key}"))?;
        let entities = vec![
            Entity::new_no_attrs(bot.clone(), HashSet::new()),
            Entity::new(parent.clone(), HashMap::new(), HashSet::new())?,
            Entity::new(own.clone(), HashMap::new(), HashSet::from([parent]))?,
        ];
        let entities = self.actions.clone().add_entities(entities, None)?;
        let action = uid("Action", &format!("{LOOK}#stats"))?;
        Ok((Request::new(bot, action, own, context, None)?, entities))
    }

    fn ask(&self, request: &Request, entities: &Entities) -> Result<()> {
        let response = self.authorizer.is_authorized(request, &self.set, entities);
        ensure!(response.decision() == Decision::Allow, "Cedar alone refuses: {response:?}");
        Ok(())
    }
}

pub(crate) fn rows(run: &Run) -> Result<Vec<Row>> {
    let catalogue = Arc::new(Catalogue::load(&[scene::catalogue()])?);
    let policies =
        Policies::where_granted(&catalogue).map_err(|problems| anyhow!("{problems:?}"))?;
    let (schema, _) = Schema::from_cedarschema_str(policies.schema())?;
    let digest = Digest::from_bytes([7; 32]);
    let bare = Bare {
        set: WHERE_GRANTED.parse()?,
        actions: schema.action_entities()?,
        authorizer: Authorizer::new(),
        types: ["Agent", "Resource", "Action"]
            .into_iter()
            .map(|name| Ok((name, name.parse()?)))
            .collect::<Result<_>>()?,
        digest: digest.to_string(),
    };
    let principal: Principal = "Agent::bot".parse()?;
    let asking =
        Asking { principal: &principal, plugin: "reader", digest, publisher: None, tool: "many" };
    let look = LOOK.parse()?;
    let next = Cell::new(0u64);
    let fresh_key = || format!("k{}", next.replace(next.get() + 1));

    let resolve = |key: &str| catalogue.resolve_for("reader", &look, "stats", vec![json!(key)]);
    let ours = |call: &interlock::authority::ResolvedCall| -> Result<()> {
        let allowed = policies.read(&asking, call, 0).map_err(|denial| anyhow!("{denial:?}"))?;
        ensure!(!black_box(allowed).by.is_empty(), "nothing permitted it");
        Ok(())
    };
    let repeated = resolve("again").map_err(|denial| anyhow!("{denial}"))?;
    let (request, entities) = bare.question("again")?;
    // The keys are made outside of what is timed, on both sides.
    let keys = || (0..TURNS).map(|_| fresh_key()).collect::<Vec<_>>();
    let each = |whole: f64| whole / f64::from(TURNS);
    let mut turns: [Turn<'_>; 4] = [
        Box::new(|| {
            let calls = keys().iter().map(|key| resolve(key)).collect::<Result<Vec<_>, _>>();
            let calls = calls.map_err(|denial| anyhow!("{denial}"))?;
            timed(|| calls.iter().try_for_each(&ours)).map(each)
        }),
        Box::new(|| timed(|| (0..TURNS).try_for_each(|_| ours(&repeated))).map(each)),
        Box::new(|| {
            let keys = keys();
            let one = |key: &String| {
                let (request, entities) = bare.question(key)?;
                bare.ask(&request, &entities)
            };
            timed(|| keys.iter().try_for_each(one)).map(each)
        }),
        Box::new(|| timed(|| (0..TURNS).try_for_each(|_| bare.ask(&request, &entities))).map(each)),
    ];
    let all = interleaved(&mut turns, 5, run.time(2))?;
    let [fresh, again, floor, alone] = all.as_slice() else {
        return Err(anyhow!("four were measured")).context(WHAT);
    };
    Ok(vec![
        Row::new("policy-fresh", WHAT, Unit::Micros, Bound::Ratio(1.3))
            .times(fresh)
            .floor("bare Cedar, same request", floor.p50_us())
            .note("five policies; both sides make the request and its entities; mean of 50 in each time"),
        Row::new("policy-repeated", WHAT, Unit::Micros, Bound::AtMost(1.0))
            .times(again)
            .note("the same question again"),
        Row::new("cedar-alone", "", Unit::Micros, Bound::Told)
            .times(alone)
            .note("Cedar's evaluation alone, of a request that is there already"),
    ])
}
