//! Count words: a pure tool. It imports no capability, so there is nothing to grant and nothing it
//! could do beyond answering.

use std::collections::BTreeMap;

use interlock_guest::prelude::*;

#[derive(Deserialize, JsonSchema)]
struct Text {
    /// The text to count.
    text: String,
    /// How many of the most frequent words to list.
    #[serde(default = "five")]
    top: usize,
}

fn five() -> usize {
    5
}

#[derive(Serialize, JsonSchema)]
struct Counts {
    words: usize,
    lines: usize,
    /// Unicode characters, not bytes.
    characters: usize,
    /// The most frequent words in lower case; among equals in alphabetical order.
    top: Vec<Frequency>,
}

#[derive(Serialize, JsonSchema)]
struct Frequency {
    word: String,
    times: usize,
}

/// Count the words, lines and characters of a text, and list its most frequent words.
#[tool(uses())]
fn count(Text { text, top }: Text) -> Counts {
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    let words =
        text.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|word| !word.is_empty());
    for word in words {
        *times.entry(word.to_lowercase()).or_default() += 1;
    }
    let words = times.values().sum();
    let mut list: Vec<_> =
        times.into_iter().map(|(word, times)| Frequency { word, times }).collect();
    list.sort_by_key(|frequency| std::cmp::Reverse(frequency.times));
    list.truncate(top);
    Counts { words, lines: text.lines().count(), characters: text.chars().count(), top: list }
}

plugin!(count);

#[cfg(test)]
mod tests {
    use interlock_guest::ErrorKind;
    use interlock_guest::prelude::*;
    use interlock_guest::testing::{call, describe};

    use super::PLUGIN;

    #[test]
    fn it_counts() {
        let counts = call(&PLUGIN, "count", json!({ "text": "To be, or\nnot to be.", "top": 2 }));
        assert_eq!(
            counts.unwrap(),
            json!({
                "words": 6, "lines": 2, "characters": 20,
                "top": [{ "word": "be", "times": 2 }, { "word": "to", "times": 2 }],
            })
        );
    }

    #[test]
    fn characters_are_not_bytes() {
        let counts = call(&PLUGIN, "count", json!({ "text": "naïve café" })).unwrap();
        assert_eq!((&counts["characters"], &counts["words"]), (&json!(10), &json!(2)));
    }

    #[test]
    fn an_empty_text_has_nothing() {
        let counts = call(&PLUGIN, "count", json!({ "text": "" })).unwrap();
        assert_eq!(counts, json!({ "words": 0, "lines": 0, "characters": 0, "top": [] }));
    }

    #[test]
    fn a_misspelt_argument_is_refused() {
        let error = call(&PLUGIN, "count", json!({ "text": "a", "tops": 1 })).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArguments);
        assert_eq!(error.message(), "there is no argument `tops`; this tool takes `text`, `top`");
    }

    #[test]
    fn it_declares_that_it_uses_nothing() {
        assert_eq!(describe(&PLUGIN)[0].uses, Some(vec![]));
    }
}
