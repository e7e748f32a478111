//! Notes between runs: keep one, find it again, forget it. The keys are this plugin's own, by the name under which it
//! is installed; nothing here can name another's.

use interlock_guest::kv::{read, remove, write};
use interlock_guest::prelude::*;

#[derive(Deserialize, JsonSchema)]
struct Topic {
    /// What the note is about: one name, or several with `/` between them.
    topic: String,
}

#[derive(Deserialize, JsonSchema)]
struct Note {
    /// What the note is about: one name, or several with `/` between them.
    topic: String,
    /// What to remember.
    text: String,
}

#[derive(Serialize, JsonSchema)]
struct Recalled {
    /// The note, where there is one.
    text: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Done {
    did: String,
}

fn key(topic: &str) -> String {
    format!("notes/{topic}")
}

/// The note on a topic.
#[tool(uses(read))]
fn recall(Topic { topic }: Topic) -> Result<Recalled, ToolError> {
    Ok(Recalled { text: read::get(&key(&topic))? })
}

/// Keep a note on a topic, whatever was noted before.
#[tool]
fn remember(Note { topic, text }: Note) -> Result<Done, ToolError> {
    write::set(&key(&topic), &text)?;
    Ok(Done { did: format!("noted {topic}") })
}

/// Forget the note on a topic. It waits for people.
#[tool]
fn forget(Topic { topic }: Topic) -> Result<Done, ToolError> {
    let did = if remove::delete(&key(&topic))? { "forgot" } else { "knew nothing of" };
    Ok(Done { did: format!("{did} {topic}") })
}

plugin!(recall, remember, forget);

#[cfg(test)]
mod tests {
    use interlock_guest::prelude::*;
    use interlock_guest::testing::{Fake, call};

    use super::PLUGIN;

    #[test]
    fn a_note_is_found_again_until_it_is_forgotten() {
        let fake = Fake::new().install();
        let topic = json!({"topic": "api"});
        call(&PLUGIN, "remember", json!({"topic": "api", "text": "x"})).unwrap();
        assert_eq!(call(&PLUGIN, "recall", topic.clone()).unwrap(), json!({"text": "x"}));
        call(&PLUGIN, "forget", topic.clone()).unwrap();
        assert_eq!(call(&PLUGIN, "recall", topic).unwrap(), json!({"text": null}));
        assert_eq!(fake.effects(), ["set(notes, api, x)", "delete(notes, api)"]);
    }
}
