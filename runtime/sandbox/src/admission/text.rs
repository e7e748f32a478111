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
    match text.chars().enumerate().find(|(_, c)| hides(*c) && !matches!(c, '\n' | '\t')) {
        None => Ok(()),
        Some((at, c)) => Err(format!(
            "character {at} is U+{:04X}, which is invisible or reorders text; remove it",
            u32::from(c)
        )),
    }
}

/// Checks every key and string of a JSON value.
///
/// # Errors
/// As [`check`].
pub(super) fn check_json(value: &serde_json::Value, max: usize) -> Result<(), String> {
    use serde_json::Value;
    match value {
        Value::String(text) => check(text, max),
        Value::Array(items) => items.iter().try_for_each(|item| check_json(item, max)),
        Value::Object(entries) => entries.iter().try_for_each(|(key, value)| {
            check(key, max)?;
            check_json(value, max)
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
        assert!(check("abc", 2).is_err());
        assert!(check_json(&serde_json::json!({"a": [{"b\u{200b}": 1}]}), 10).is_err());
    }
}
