//! What agents are told: descriptions and JSON Schemas, whole, so that a change is seen.

use interlock_guest::prelude::*;
use interlock_guest::testing::describe;

/// Where to look.
#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "read by the schema only")]
struct Search {
    /// Words to find.
    text: String,
    /// How many results.
    #[schemars(range(min = 1, max = 50))]
    limit: Option<u32>,
    inside: Option<Place>,
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Place {
    TitleOnly,
    Anywhere,
}

#[derive(Serialize, JsonSchema)]
struct Found {
    /// Names, best first.
    names: Vec<String>,
    place: Place,
}

/// Find things by
/// their words.
///
/// Second paragraph.
#[tool(title = "Find things")]
fn find_things(search: Search) -> Result<Found, ToolError> {
    Err(search.text.into())
}

/// Say hello.
#[tool]
fn hello() -> String {
    "hello".into()
}

/// Nothing to say.
#[tool(name = "say-0")]
fn nothing() {}

plugin!(find_things, hello, nothing);

#[test]
fn a_tool_is_described_by_its_types_and_comments() {
    let tools = describe(&PLUGIN);
    assert_eq!(
        serde_json::to_value(&tools[0]).unwrap(),
        json!({
            "name": "find-things",
            "title": "Find things",
            "description": "Find things by their words.\n\nSecond paragraph.",
            "input_schema": {
                "type": "object",
                "description": "Where to look.",
                "properties": {
                    "text": { "type": "string", "description": "Words to find." },
                    "limit": {
                        "type": ["integer", "null"], "format": "uint32", "minimum": 1, "maximum": 50,
                        "description": "How many results.",
                    },
                    "inside": {
                        "type": ["string", "null"], "enum": ["title-only", "anywhere", null],
                    },
                },
                "required": ["text"],
                "additionalProperties": false,
            },
            "output_schema": {
                "type": "object",
                "properties": {
                    "names": {
                        "type": "array", "items": { "type": "string" },
                        "description": "Names, best first.",
                    },
                    "place": { "type": "string", "enum": ["title-only", "anywhere"] },
                },
                "required": ["names", "place"],
            },
            "uses": null,
        })
    );
}

#[test]
fn a_tool_without_arguments_takes_an_object_without_keys() {
    let hello = &describe(&PLUGIN)[1];
    assert_eq!(
        hello.input_schema,
        json!({ "type": "object", "properties": {}, "additionalProperties": false })
    );
    assert_eq!(hello.output_schema, json!({ "type": "string" }));
    assert_eq!(hello.title, None);
}

#[test]
fn tools_are_in_the_order_of_the_list_and_names_can_be_set() {
    let tools = describe(&PLUGIN);
    let names: Vec<_> = tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["find-things", "hello", "say-0"]);
}

#[test]
fn a_flattened_map_stays_open() {
    mod open {
        use interlock_guest::prelude::*;
        #[derive(Deserialize, JsonSchema)]
        pub(super) struct Labels {
            #[serde(flatten)]
            all: std::collections::BTreeMap<String, String>,
        }
        /// Count labels.
        #[tool]
        pub(super) fn count(labels: Labels) -> usize {
            labels.all.len()
        }
        plugin!(count);
    }
    let schema = &describe(&open::PLUGIN)[0].input_schema;
    assert_eq!(schema["additionalProperties"], json!({ "type": "string" }));
    let arguments = json!({ "a": "1", "b": "2" });
    assert_eq!(
        interlock_guest::testing::call(&open::PLUGIN, "count", arguments).unwrap(),
        json!(2)
    );
}

#[test]
fn an_argument_that_is_no_object_is_refused_by_name() {
    mod list {
        use interlock_guest::prelude::*;
        #[derive(Deserialize, JsonSchema)]
        pub(super) struct Names(Vec<String>);
        /// Count names.
        #[tool]
        pub(super) fn count(names: Names) -> usize {
            names.0.len()
        }
        plugin!(count);
    }
    let problem = list::PLUGIN.describe().unwrap_err();
    assert!(
        problem.starts_with("tool `count`: the argument type must be a struct with named fields"),
        "{problem}"
    );
}
