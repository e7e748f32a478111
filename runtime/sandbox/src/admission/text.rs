//! Text of a plugin that people and agents will read. Invisible and direction-changing characters are
//! how instructions are hidden in a tool's description (tool poisoning), so they are refused, not
//! stripped: what was reviewed is what is there.

/// Whether a character can hide or reorder text.
fn hides(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'      // Mongolian variation selectors, vowel separator
            | '\u{200b}'..='\u{200f}'      // zero width, direction marks
            | '\u{2028}'..='\u{202e}'      // line separators, bidi embeddings and overrides
            | '\u{2060}'..='\u{206f}'      // joiners, invisible operators, bidi isolates
            | '\u{3164}' | '\u{ffa0}' | '\u{feff}'
            | '\u{fe00}'..='\u{fe0f}'      // variation selectors: 16 values, enough to hide bytes
            | '\u{fff9}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e000}'..='\u{f8ff}'      // private use: no agreed look
            | '\u{e0000}'..='\u{e0fff}'    // tags, variation selectors supplement
            | '\u{f0000}'..='\u{10ffff}')
}

/// Checks one text of at most `max` bytes. Line breaks and tabs are text.
///
/// # Errors
/// What is wrong, in a sentence without the text itself.
pub(super) fn check(text: &str, max: usize) -> Result<(), String> {
    if text.len() > max {
        return Err(format!("it has {} bytes; at most {max} are admitted", text.len()));
    }
    visible(text)
}

fn visible(text: &str) -> Result<(), String> {
    match text.chars().enumerate().find(|(_, c)| hides(*c) && !matches!(c, '\n' | '\t')) {
        None => Ok(()),
        Some((at, c)) => Err(format!(
            "character {at} is U+{:04X}, which is invisible or reorders text; remove it",
            u32::from(c)
        )),
    }
}

/// Checks every key and string of a JSON value, of whatever length: its text was bounded.
///
/// # Errors
/// As [`check`].
pub(super) fn check_json(value: &serde_json::Value) -> Result<(), String> {
    use serde_json::Value;
    match value {
        Value::String(text) => visible(text),
        Value::Array(items) => items.iter().try_for_each(check_json),
        Value::Object(entries) => entries.iter().try_for_each(|(key, value)| {
            visible(key)?;
            check_json(value)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_text_is_refused_and_writing_is_not() {
        for good in ["", "Restarts one service.\n\tThen checks it.", "Größe, 大きさ, حجم, 📦"]
        {
            assert_eq!(check(good, 100), Ok(()), "{good}");
        }
        for bad in [
            "a\u{200b}b",
            "a\u{202e}b",
            "a\u{2066}b",
            "\u{e0041}",
            "a\u{feff}",
            "a\u{1b}[2J",
            "a\rb",
            "a\u{7f}",
            "a\u{85}",
            "a\u{ad}b",
            "a\u{fe01}",
            "a\u{e0101}",
            "\u{3164}",
            "\0",
            "\u{2028}",
        ] {
            assert!(check(bad, 100).is_err(), "{}", bad.escape_unicode());
        }
    }

    /// The first and the last of each range, and what lies beside it.
    #[test]
    fn every_range_of_hidden_characters_is_refused_to_its_ends() {
        for (from, to) in [
            ('\0', '\u{8}'),
            ('\u{b}', '\u{1f}'),
            ('\u{7f}', '\u{9f}'),
            ('\u{ad}', '\u{ad}'),
            ('\u{34f}', '\u{34f}'),
            ('\u{61c}', '\u{61c}'),
            ('\u{115f}', '\u{1160}'),
            ('\u{17b4}', '\u{17b5}'),
            ('\u{180b}', '\u{180f}'),
            ('\u{200b}', '\u{200f}'),
            ('\u{2028}', '\u{202e}'),
            ('\u{2060}', '\u{206f}'),
            ('\u{3164}', '\u{3164}'),
            ('\u{fe00}', '\u{fe0f}'),
            ('\u{feff}', '\u{feff}'),
            ('\u{ffa0}', '\u{ffa0}'),
            ('\u{fff9}', '\u{fffb}'),
            ('\u{1d173}', '\u{1d17a}'),
            ('\u{e000}', '\u{f8ff}'),
            ('\u{e0000}', '\u{e0fff}'),
            ('\u{f0000}', '\u{10ffff}'),
        ] {
            for c in from..=to {
                assert!(check(&format!("a{c}b"), 10).is_err(), "{}", c.escape_unicode());
            }
            let before = u32::from(from).checked_sub(1).and_then(char::from_u32);
            for beside in [before, char::from_u32(u32::from(to) + 1)].into_iter().flatten() {
                assert_eq!(check(&beside.to_string(), 10), Ok(()), "{}", beside.escape_unicode());
            }
        }
        let said = check("ab\u{202e}", 10).unwrap_err();
        assert_eq!(said, "character 2 is U+202E, which is invisible or reorders text; remove it");
    }

    #[test]
    fn text_is_bounded_in_bytes() {
        assert_eq!(check("aü", 3), Ok(()));
        assert_eq!(check("aü", 2), Err("it has 3 bytes; at most 2 are admitted".into()));
    }

    #[test]
    fn every_key_and_every_text_of_json_is_looked_at() {
        use serde_json::json;
        assert_eq!(check_json(&json!({"a": [{"b": "c"}, 1, null, true]})), Ok(()));
        for hidden in [
            json!("\u{200b}"),
            json!({"a": "\u{200b}"}),
            json!({"a\u{200b}": 1}),
            json!([1, "\u{200b}"]),
            json!({"a": 1, "b": [{"c": {"d\u{200b}": null}}]}),
        ] {
            assert!(check_json(&hidden).is_err(), "{hidden}");
        }
    }
}
