//! The tools of one principal as an MCP client sees them, made once and handed out page by page. Hints are
//! read off what the host would let the tool do: a client that asks its user before anything destructive
//! must not be talked out of it by the tool's author.

use super::schema;
use interlock::{
    desk::Offers,
    pipeline::{Offer, Reach},
    schema::Schema,
};
use rmcp::model::{ListToolsResult, Tool, ToolAnnotations};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

/// Tools on one page: more would drown a client that shows them all.
pub(super) const PAGE: usize = 100;
/// The longest name that every client takes.
const MAX_NAME: usize = 64;

/// The tools of one principal.
#[derive(Debug, Default)]
pub(super) struct Tools {
    /// By name, and therefore in the order of their names.
    tools: Vec<Tool>,
    entries: BTreeMap<String, Entry>,
    /// What was left out, each with why: for the operator's log.
    pub(super) left_out: Vec<(String, String)>,
}

/// What is behind one name.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) plugin: String,
    pub(super) tool: String,
    /// Whether people may have to agree to what it does.
    pub(super) may_wait: bool,
    output: Option<Value>,
    schema: OnceLock<Option<Schema>>,
}

impl Entry {
    /// Whether a result is what the tool's schema says. Clients throw away what is not.
    pub(super) fn fits(&self, result: &Value) -> bool {
        let Some(schema) = &self.output else { return true };
        let schema = self.schema.get_or_init(|| interlock::schema::compile(schema).ok());
        schema.as_ref().is_none_or(|schema| schema.fits(result))
    }
}

impl Tools {
    /// The tools of these offers.
    pub(super) fn of(offers: &Offers) -> Self {
        let mut all = Self::default();
        for (plugin, why) in &offers.left_out {
            all.left_out.push((plugin.clone(), why.clone()));
        }
        for offer in &offers.offers {
            let name = format!("{}__{}", offer.plugin, offer.tool.name);
            match tool(&name, offer) {
                Ok(tool) => {
                    let entry = Entry {
                        plugin: offer.plugin.clone(),
                        tool: offer.tool.name.clone(),
                        may_wait: !offer.reach.only_reads(),
                        output: offer.tool.output_schema.clone(),
                        schema: OnceLock::new(),
                    };
                    all.entries.insert(name, entry);
                    all.tools.push(tool);
                }
                Err(why) => {
                    all.left_out.push((format!("{}.{}", offer.plugin, offer.tool.name), why));
                }
            }
        }
        all.tools.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// What is behind a name.
    pub(super) fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// One page, from where the page before ended; `None` for a cursor that is not one of ours.
    pub(super) fn page(&self, cursor: Option<&str>) -> Option<ListToolsResult> {
        let start = match cursor {
            None => 0,
            // A name, not a number: a tool that came or went meanwhile moves no other one.
            Some(cursor) => {
                let after = cursor.strip_prefix("after:")?;
                self.tools.partition_point(|tool| *tool.name <= *after)
            }
        };
        let page: Vec<Tool> = self.tools.iter().skip(start).take(PAGE).cloned().collect();
        let more = start + page.len() < self.tools.len();
        let next = page.last().filter(|_| more).map(|tool| format!("after:{}", tool.name));
        let mut result = ListToolsResult::with_all_items(page);
        result.next_cursor = next;
        Some(result)
    }

    /// Whether a client would see another list.
    pub(super) fn differs(&self, other: &Self) -> bool {
        self.tools != other.tools
    }
}

/// One tool as clients see it.
fn tool(name: &str, offer: &Offer) -> Result<Tool, String> {
    if name.len() > MAX_NAME {
        return Err(format!(
            "`{name}` has more than {MAX_NAME} characters; install the plugin under a shorter name"
        ));
    }
    let may_wait = !offer.reach.only_reads();
    let input = schema::input(&offer.tool.input_schema, may_wait)?;
    let output = schema::output(offer.tool.output_schema.as_ref(), may_wait);
    let title = offer.tool.title.clone().unwrap_or_else(|| offer.tool.name.clone());
    let tool = Tool::new(name.to_owned(), offer.tool.description.clone(), Arc::new(input))
        .with_title(title.clone())
        .with_raw_output_schema(Arc::new(output))
        .with_annotations(annotations(title, offer.reach));
    Ok(tool)
}

/// INVARIANT CLASS-BY-HOST: hints say what the host enforces.
fn annotations(title: String, reach: Reach) -> ToolAnnotations {
    ToolAnnotations::with_title(title)
        .read_only(reach.only_reads())
        .destructive(reach.destroys)
        // Nobody has checked that a change made twice is a change made once.
        .idempotent(reach.only_reads())
        .open_world(reach.outside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn offer(plugin: &str, tool: &str, reach: Reach) -> Offer {
        Offer {
            plugin: plugin.to_owned(),
            tool: interlock_sandbox::Tool {
                name: tool.to_owned(),
                title: None,
                description: "Only reads, promised.".to_owned(),
                input_schema: json!({"type": "object"}),
                output_schema: Some(json!({"type": "string"})),
                uses: None,
            },
            reach,
        }
    }

    fn tools(offers: Vec<Offer>) -> Tools {
        Tools::of(&Offers { offers, left_out: BTreeMap::new() })
    }

    #[test]
    fn class_by_host_a_tool_that_can_destroy_is_offered_as_one_that_does() {
        let destroys = Reach { destroys: true, ..Reach::default() };
        let all = tools(vec![offer("p", "reads", Reach::default()), offer("p", "razes", destroys)]);
        let page = all.page(None).unwrap();
        let hints = |name: &str| {
            let tool = page.tools.iter().find(|tool| tool.name == name).unwrap();
            let hints = tool.annotations.clone().unwrap();
            (hints.read_only_hint, hints.destructive_hint, hints.open_world_hint)
        };
        assert_eq!(hints("p__reads"), (Some(true), Some(false), Some(false)));
        assert_eq!(hints("p__razes"), (Some(false), Some(true), Some(false)));
    }

    #[test]
    fn pages_have_every_tool_once() {
        let names: Vec<String> = (0..250).map(|n| format!("t{n:03}")).collect();
        let all = tools(names.iter().map(|n| offer("p", n, Reach::default())).collect());
        let (mut seen, mut cursor, mut pages) = (Vec::new(), None::<String>, 0);
        loop {
            let page = all.page(cursor.as_deref()).unwrap();
            seen.extend(page.tools.into_iter().map(|tool| tool.name.into_owned()));
            pages += 1;
            match page.next_cursor {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        assert_eq!(pages, 3);
        assert_eq!(seen, names.iter().map(|n| format!("p__{n}")).collect::<Vec<_>>());
        assert!(all.page(Some("7")).is_none());
    }

    #[test]
    fn a_name_that_no_client_takes_is_left_out_and_said() {
        let all = tools(vec![offer("p", &"x".repeat(63), Reach::default())]);
        assert!(all.page(None).unwrap().tools.is_empty());
        assert_eq!(all.left_out.len(), 1);
    }

    #[test]
    fn a_result_of_another_form_is_noticed() {
        let all = tools(vec![offer("p", "t", Reach::default())]);
        let entry = all.entry("p__t").unwrap();
        assert!(entry.fits(&json!("text")) && !entry.fits(&json!(3)));
    }
}
