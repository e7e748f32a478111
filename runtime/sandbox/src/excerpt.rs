//! A plugin's words inside the host's own sentences, cut to a bound: a plugin whose names or source
//! lines are megabytes long must not drown the message about it, nor the terminal, log or journal that
//! shows it. Nothing is escaped here; whoever shows a message does that.

/// The longest sentence of the host that quotes a plugin or what the engine says of one, in characters.
pub(crate) const MAX_SENTENCE: usize = 500;
/// The longest name of a plugin's own that is quoted, in characters.
const MAX_NAME: usize = 120;
/// The longest error message of a tool that is passed on, in characters.
const MAX_TOOL_MESSAGE: usize = 4_096;
/// The most sentences of one kind about one plugin.
const MAX_SENTENCES: usize = 100;

/// A sentence that quotes a plugin.
pub(crate) fn sentence(text: impl Into<String>) -> String {
    cut(text.into(), MAX_SENTENCE)
}

/// A name that the plugin chose.
pub(crate) fn name(text: &str) -> String {
    cut(text.to_owned(), MAX_NAME)
}

/// What a tool says about its own failure.
pub(crate) fn tool_message(text: String) -> String {
    cut(text, MAX_TOOL_MESSAGE)
}

/// Sentences of one kind, of which a plugin can cause any number.
pub(crate) fn sentences(mut all: Vec<String>) -> Vec<String> {
    let more = all.len().saturating_sub(MAX_SENTENCES);
    all.truncate(MAX_SENTENCES);
    all.iter_mut().for_each(|text| *text = sentence(std::mem::take(text)));
    if more > 0 {
        all.push(format!("and {more} more"));
    }
    all
}

/// The first `max` characters, with how many there were where that is more.
fn cut(mut text: String, max: usize) -> String {
    let Some((at, _)) = text.char_indices().nth(max) else { return text };
    let all = text.chars().count();
    text.truncate(at);
    text.push_str(&format!("… (cut; {all} characters)"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_kept_and_what_does_not_is_cut_between_characters() {
        for fits in ["", "a", &"ü".repeat(MAX_SENTENCE)] {
            assert_eq!(sentence(fits), fits);
        }
        let long = sentence("ü".repeat(MAX_SENTENCE + 1));
        assert_eq!(long.matches('ü').count(), MAX_SENTENCE);
        assert!(long.ends_with("… (cut; 501 characters)"), "{long}");
        assert_eq!(name("\u{1b}[2J"), "\u{1b}[2J", "nothing is escaped");
    }

    #[test]
    fn many_sentences_are_counted() {
        let few = sentences(vec!["x".repeat(1_000); 2]);
        assert!(few.len() == 2 && few.iter().all(|s| s.chars().count() < 540));
        let many = sentences(vec![String::new(); 1_000]);
        assert_eq!((many.len(), many.last().unwrap().as_str()), (101, "and 900 more"));
    }
}
