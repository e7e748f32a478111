//! The client of `interlock:kv` against the fake: what is kept, what is refused, and which errors stay apart.

use interlock_guest::kv::{Error, Page, read, remove, write};
use interlock_guest::prelude::*;
use interlock_guest::testing::Fake;

#[test]
fn what_is_kept_is_found_and_a_wrong_expectation_changes_nothing() {
    let fake = Fake::new().keeps("mail/a", "1").keeps("mail/b", "2").install();
    assert_eq!(read::get("mail/a").unwrap().as_deref(), Some("1"));
    write::set("mail/c", "3").unwrap();
    let page = read::keys("mail", Some("mail/a"), 1).unwrap();
    assert_eq!(page, Page { keys: vec!["mail/b".into()], more: true });
    assert!(matches!(write::set_if("mail/a", None, "9"), Err(Error::Conflict(_))));
    assert_eq!(read::get("mail/a").unwrap().as_deref(), Some("1"));
    assert!(remove::delete("mail/a").unwrap() && !remove::delete("mail/a").unwrap());
    assert_eq!(read::all_keys(None, 9).unwrap().keys, ["mail/b", "mail/c"]);
    assert_eq!(fake.effects()[0], "set(mail, c, 3)");
}

#[test]
fn what_is_withheld_or_no_key_is_denied() {
    let fake = Fake::new().withhold(remove::INTERFACE).install();
    let code = |answer: Result<_, Error>| match answer {
        Err(Error::Denied(text)) => text.split(':').next().unwrap_or_default().to_owned(),
        other => format!("{other:?}"),
    };
    assert_eq!(code(remove::delete("k").map(|_| ())), "withheld");
    for key in ["", "a//b", "..", "a/../b", "/a"] {
        assert_eq!(code(write::set(key, "v")), "bad-resource", "{key}");
    }
    write::set("a b/é", "v").unwrap();
    assert_eq!(fake.effects().len(), 1);
    let full: ToolError = Error::Full("too-many-keys: x".into()).into();
    assert_eq!(full.details().unwrap(), &json!({"error": "full"}));
}
