//! Patterns that string arguments must match as a whole. A pattern is read alone before it is anchored, so
//! that `a)|(b` cannot step out of its anchors, and its classes are ASCII: `\d` is no Arabic digit and
//! `\w` no Cyrillic letter that looks like a Latin one.

use regex::bytes::{Regex, RegexBuilder};
use std::fmt;

/// What every string in an argv matches where the catalogue says nothing: one plain segment.
pub const SEGMENT: &str = "[A-Za-z0-9][A-Za-z0-9._-]{0,127}";
/// A compiled pattern takes at most this many bytes: `(a{1000}){1000}` is refused when the host starts.
const MAX_COMPILED: usize = 1 << 20;

/// An anchored pattern. Two are equal where their texts are.
#[derive(Clone)]
pub struct Pattern {
    text: String,
    regex: Regex,
}

impl Pattern {
    /// Reads a pattern; the error says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let compile = |text: &str| {
            RegexBuilder::new(text).unicode(false).size_limit(MAX_COMPILED).build().map_err(|e| {
                // The parser draws the place on several lines; the last one says what it is.
                let told = e.to_string();
                let last = told.lines().last().unwrap_or_default().trim();
                let last = last.trim_end_matches('.').trim_start_matches("error: ");
                format!("the pattern `{text}` cannot be used: {last}")
            })
        };
        compile(text)?;
        Ok(Self { text: text.to_owned(), regex: compile(&format!(r"\A(?:{text})\z"))? })
    }

    /// The rule for one plain segment.
    pub(super) fn segment() -> Result<Self, String> {
        Self::parse(SEGMENT)
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it matches the whole of `text`.
    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text.as_bytes())
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::{Pattern, SEGMENT};
    use crate::vocabulary::is_segment;

    #[test]
    fn the_whole_text_or_nothing() {
        for (pattern, fits, misfits) in [
            ("[a-z]+", "abc", vec!["abc\n", "\nabc", "abc d", "", "ABC", "abc\0"]),
            ("a|b", "b", vec!["ab", "axxx", "xxxb"]),
            ("^a$", "a", vec!["a\n", "ba"]),
            ("(?m)^a$", "a", vec!["a\nb", "b\na"]),
            (r"\d+", "12", vec!["١٢", "１２", "²"]),
            (r"\w+", "admin", vec!["аdmin", "ａdmin", "admın"]),
            ("(?i)k", "K", vec!["\u{212a}"]),
            ("(?i)s", "S", vec!["\u{17f}"]),
            (".{1,3}", "abc", vec!["abcd", "a\nb"]),
            ("", "", vec!["a"]),
        ] {
            let compiled = Pattern::parse(pattern).unwrap();
            assert!(compiled.matches(fits), "{pattern} {fits}");
            for misfit in misfits {
                assert!(!compiled.matches(misfit), "{pattern} {misfit:?}");
            }
        }
    }

    #[test]
    fn what_is_no_pattern_alone_is_none() {
        for bad in [
            "a)|(b",
            "a)(?:",
            "(",
            "[a-",
            "*",
            "(?x)a #",
            "(?P<n>a",
            r"\",
            "(a{1000}){1000}",
            "a{2,1}",
            r"(a)\1",
            "(?=a)",
        ] {
            let problem = Pattern::parse(bad).unwrap_err();
            assert!(!problem.contains('\n') && problem.contains("cannot be used"), "{problem}");
        }
    }

    #[test]
    fn the_default_is_the_segment_rule() {
        let pattern = Pattern::parse(SEGMENT).unwrap();
        let long = "a".repeat(128);
        let longer = "a".repeat(129);
        let texts =
            ["a", "0", "A.b_c-d", &long, &longer, "", ".", "-a", "_", "é", "a/b", "a b", "a\n"];
        for text in texts {
            assert_eq!(pattern.matches(text), is_segment(text), "{text:?}");
        }
    }
}
