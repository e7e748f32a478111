//! What an effect does to a key, by one rule for the forecast and for the effect: what was said is what happens.

use super::{
    quota::{Quota, Used},
    rows::{Row, Rows},
};
use interlock_authority::{Forecast, Planned, catalogue::ResolvedCall};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a call asks of a key.
pub(super) struct Change<'a> {
    pub(super) key: &'a str,
    /// The value that it must have, where that is said.
    expected: Option<Option<&'a str>>,
    /// The value that it gets; none deletes it.
    pub(super) value: Option<&'a str>,
}

/// How things would be after a change.
pub(super) enum After {
    /// Other than before; the answer with it.
    Changed(Value),
    /// As before, and the guest gets this.
    Same(Value),
    /// Not as it is looked at now: what the plan does before moves the revision of the key.
    Moving,
}

impl<'a> Change<'a> {
    /// What a call asks; none where this provider does not know it.
    pub(super) fn of(call: &'a ResolvedCall) -> Option<Self> {
        let key = call.text("key")?;
        let (expected, value) = match (call.interface().interface(), call.function()) {
            ("write", "set") => (None, Some(call.text("value")?)),
            ("write", "set-if") => (Some(call.text("expected")), Some(call.text("value")?)),
            ("remove", "delete") => (None, None),
            _ => return None,
        };
        Some(Self { key, expected, value })
    }

    /// What becomes of a key that is so, of a plugin that uses so much.
    pub(super) fn after(&self, before: Option<&str>, used: Used, quota: &Quota) -> After {
        if self.expected.is_some_and(|expected| expected != before) {
            let words = "the key has another value than was expected; look again";
            return After::Same(json!({"err": {"conflict": words}}));
        }
        let Some(value) = self.value else {
            return match before {
                Some(_) => After::Changed(json!({"ok": true})),
                None => After::Same(json!({"ok": false})),
            };
        };
        match quota.allows(used, self.used_after(before, used), value.len() as u64) {
            Ok(()) => After::Changed(json!({"ok": null})),
            Err(words) => After::Same(json!({"err": {"full": words}})),
        }
    }

    fn used_after(&self, before: Option<&str>, used: Used) -> Used {
        let length = |text: &str| text.len() as u64;
        used.after(self.key, before.map(length), self.value.map(length))
    }

    /// What it would do after the earlier effects of a plan, and the key as it is now.
    pub(super) fn after_all(
        &self,
        rows: &Rows<'_>,
        earlier: &[Planned],
        plugin: &str,
        quota: &Quota,
    ) -> rusqlite::Result<(Row, Option<String>, After)> {
        let mut used = rows.used()?;
        let mut deletions = 0;
        let mut values: BTreeMap<String, Option<String>> = BTreeMap::new();
        let mine = |planned: &&Planned| {
            planned.call.interface().package() == super::provider::PACKAGE
                && planned.call.owner() == Some(plugin)
        };
        for change in earlier.iter().filter(mine).filter_map(|p| Change::of(&p.call)) {
            let before = match values.get(change.key) {
                Some(value) => value.clone(),
                None => rows.get(change.key)?.value,
            };
            deletions += u64::from(before.is_some() && change.value.is_none());
            used = change.used_after(before.as_deref(), used);
            values.insert(change.key.to_owned(), change.value.map(str::to_owned));
        }
        let now = rows.get(self.key)?;
        let before = values.remove(self.key).unwrap_or_else(|| now.value.clone());
        let mut after = self.after(before.as_deref(), used, quota);
        // A plan that could only be done in part is not one: its end is known here.
        if before.is_none()
            && matches!(after, After::Changed(_))
            && deletions > 0
            && rows.forgets_after(deletions)?
        {
            after = After::Moving;
        }
        Ok((now, before, after))
    }

    /// What people read before it happens.
    pub(super) fn forecast(
        &self,
        call: &ResolvedCall,
        now: &Row,
        before: Option<&str>,
        result: Value,
    ) -> Forecast {
        let bytes = before.map_or(0, |before| before.len() as u64);
        let (verb, counts, note) = match self.value {
            Some(value) => {
                let note = match before {
                    Some(_) => format!("it replaces a value of {bytes} bytes"),
                    None => "the key has no value yet".to_owned(),
                };
                ("set", [("bytes".to_owned(), value.len() as u64)], note)
            }
            None => {
                let note = format!("its value of {bytes} bytes is gone then");
                ("delete", [("deletes keys".to_owned(), 1)], note)
            }
        };
        Forecast {
            verb: verb.to_owned(),
            counts: counts.into(),
            touches: vec![call.resource().clone()],
            revision: now.revision(),
            result,
            note: Some(note),
        }
        .bounded()
    }
}
