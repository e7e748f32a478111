//! Calling tools: bad input is `invalid-arguments` and says where, never a panic.

use std::collections::HashMap;

use interlock_guest::ErrorKind;
use interlock_guest::prelude::*;
use interlock_guest::testing::call;

#[derive(Deserialize, JsonSchema)]
struct Order {
    item: String,
    #[serde(default)]
    amounts: Vec<Amount>,
}

#[derive(Deserialize, JsonSchema)]
struct Amount {
    of: u8,
}

#[derive(Deserialize, JsonSchema)]
struct Paged {
    #[serde(flatten)]
    order: Order,
    page: Option<u32>,
}

/// Add up an order.
#[tool]
fn total(Order { item, amounts }: Order) -> Result<String, String> {
    match amounts.iter().map(|amount| u32::from(amount.of)).sum::<u32>() {
        0 => Err(format!("no {item} ordered")),
        sum => Ok(format!("{sum} {item}")),
    }
}

/// Add up a page of an order.
#[tool]
fn page(paged: Paged) -> Result<String, ToolError> {
    Ok(format!("{} {:?}", total(paged.order)?, paged.page))
}

/// Say hello.
#[tool]
fn hello() -> &'static str {
    "hello"
}

/// Return what JSON cannot hold.
#[tool]
fn unwritable() -> HashMap<String, Bad> {
    HashMap::from([("a".into(), Bad)])
}

#[derive(JsonSchema)]
struct Bad;

impl Serialize for Bad {
    fn serialize<S: interlock_guest::serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(interlock_guest::serde::ser::Error::custom("bad value"))
    }
}

plugin!(total, page, hello, unwritable);

#[track_caller]
fn refused(tool: &str, arguments: &str) -> String {
    let Err(error) = PLUGIN.call(tool, arguments) else { panic!("accepted: {arguments}") };
    assert_eq!(error.kind(), ErrorKind::InvalidArguments, "{error}");
    error.message().to_owned()
}

#[test]
fn a_tool_gets_its_arguments_and_returns_json() {
    let order = json!({ "item": "apples", "amounts": [{ "of": 2 }, { "of": 3 }] });
    assert_eq!(call(&PLUGIN, "total", order).unwrap(), json!("5 apples"));
    assert_eq!(call(&PLUGIN, "hello", json!({})).unwrap(), json!("hello"));
}

#[test]
fn a_tool_is_still_an_ordinary_function() {
    assert_eq!(
        total(Order { item: "pears".into(), amounts: vec![Amount { of: 1 }] }),
        Ok("1 pears".into())
    );
}

#[test]
fn an_unknown_tool_is_named_with_those_that_exist() {
    let error = call(&PLUGIN, "totla", json!({})).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownTool);
    assert_eq!(
        error.message(),
        "there is no tool `totla` here; this plugin has `total`, `page`, `hello`, `unwritable`"
    );
}

#[test]
fn a_mistake_is_located() {
    let wrong = r#"{"item":"apples","amounts":[{"of":2},{"of":"three"}]}"#;
    let message = refused("total", wrong);
    assert!(message.starts_with("`amounts[1].of`: invalid type: string \"three\""), "{message}");
    let message = refused("total", r#"{"item":"apples","amounts":[{"of":300}]}"#);
    assert!(message.starts_with("`amounts[0].of`: invalid value: integer `300`"), "{message}");
    let message = refused("total", "{}");
    assert!(message.starts_with("missing field `item`"), "{message}");
}

#[test]
fn an_unknown_argument_is_refused_not_ignored() {
    assert_eq!(
        refused("total", r#"{"item":"apples","amount":[]}"#),
        "there is no argument `amount`; this tool takes `item`, `amounts`"
    );
    assert_eq!(
        refused("hello", r#"{"name":"x"}"#),
        "there is no argument `name`; this tool takes no arguments"
    );
}

#[test]
fn an_unknown_argument_beside_flattened_fields_is_refused_too() {
    let known = json!({ "item": "apples", "amounts": [{ "of": 2 }], "page": 3 });
    assert_eq!(call(&PLUGIN, "page", known).unwrap(), json!("2 apples Some(3)"));
    let told = refused("page", r#"{"item":"apples","pag":3}"#);
    assert!(told.starts_with("there is no argument `pag`; this tool takes "), "{told}");
    assert!(["`amounts`", "`item`", "`page`"].iter().all(|name| told.contains(name)), "{told}");
}

#[test]
fn a_key_given_twice_is_refused() {
    let message = refused("total", r#"{"item":"apples","item":"pears"}"#);
    assert!(message.contains("duplicate field `item`"), "{message}");
}

#[test]
fn what_is_not_an_object_is_refused() {
    let deep = "[".repeat(100_000);
    for text in
        ["", " ", "null", "[]", "3", "\"x\"", "{", "{}x", "{\"item\":\"\\ud800\"}", "\u{0}", &deep]
    {
        let message = refused("total", text);
        assert!(message.starts_with("the arguments are not a JSON object: "), "{message}");
        refused("hello", text);
    }
}

#[test]
fn a_result_that_json_cannot_hold_is_a_failure() {
    let error = call(&PLUGIN, "unwritable", json!({})).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert_eq!(error.message(), "the result cannot be written as JSON: bad value");
}
