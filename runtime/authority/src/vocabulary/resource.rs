//! Resources as paths of segments. Comparing whole segments, never string prefixes, is what keeps
//! `environment/prod` from covering `environment/production`, and the segment rule is what keeps
//! `..`, empty segments and separators out of every later decision.

use crate::AuthorityError;
use serde::{Deserialize, Serialize, de};
use std::{fmt, str::FromStr, sync::Arc};

/// The most segments a resource may have.
pub const MAX_SEGMENTS: usize = 64;

/// The exact thing a call touches: `environment/prod/service/api`. Never a selector or a glob.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resource(Arc<[String]>);

/// Whether `text` is one plain segment: `[A-Za-z0-9][A-Za-z0-9._-]{0,127}`.
pub fn is_segment(text: &str) -> bool {
    text.len() <= 128
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

/// A segment that [`encode`] can have made: the same characters, and `%XX` for all others.
fn is_encoded_segment(text: &str) -> bool {
    let mut bytes = text.bytes();
    let mut first = true;
    if text.is_empty() || text.len() > 128 * 3 {
        return false;
    }
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let upper = |b: Option<u8>| b.filter(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F'));
                let (Some(high), Some(low)) = (upper(bytes.next()), upper(bytes.next())) else {
                    return false;
                };
                let nibble = |b: u8| if b <= b'9' { b - b'0' } else { b - b'A' + 10 };
                let decoded = (nibble(high) << 4) | nibble(low);
                // One spelling per segment: what need not be encoded must not be.
                if decoded.is_ascii_alphanumeric()
                    || (!first && matches!(decoded, b'.' | b'_' | b'-'))
                {
                    return false;
                }
            }
            b'.' | b'_' | b'-' if first => return false,
            b if b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-') => {}
            _ => return false,
        }
        first = false;
    }
    true
}

/// Percent-encodes one segment of a key or a file path (RFC 3986 section 2.1, upper-case digits).
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (index, byte) in text.bytes().enumerate() {
        if byte.is_ascii_alphanumeric() || (index > 0 && matches!(byte, b'.' | b'_' | b'-')) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

impl Resource {
    /// A resource of plain segments.
    ///
    /// # Errors
    /// When there is no segment, too many, or one that is not a plain segment.
    pub fn from_segments<S: Into<String>>(
        segments: impl IntoIterator<Item = S>,
    ) -> Result<Self, AuthorityError> {
        let segments: Vec<String> = segments.into_iter().map(Into::into).collect();
        let valid = !segments.is_empty()
            && segments.len() <= MAX_SEGMENTS
            && segments.iter().all(|s| is_encoded_segment(s));
        if valid {
            Ok(Self(segments.into()))
        } else {
            Err(AuthorityError::BadResource(segments.join("/").chars().take(200).collect()))
        }
    }

    /// The percent-encoded segments of a key or path such as `a b/c`: `a%20b`, `c`.
    ///
    /// # Errors
    /// An empty, `.` or `..` segment, or one longer than 128 bytes: such a path has a shorter
    /// spelling, or leaves its folder.
    pub fn encode_path(path: &str) -> Result<Vec<String>, AuthorityError> {
        let segments: Vec<&str> = path.split('/').collect();
        if segments.iter().any(|s| matches!(*s, "" | "." | "..") || s.len() > 128) {
            return Err(AuthorityError::BadResource(path.chars().take(200).collect()));
        }
        Ok(segments.into_iter().map(encode).collect())
    }

    /// The segments, first to last.
    pub fn segments(&self) -> &[String] {
        &self.0
    }

    /// Whether `self` is `other` or lies below it, comparing whole segments.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// Whether one of the two lies within the other.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.is_within(other) || other.is_within(self)
    }

    /// `self` with more segments.
    ///
    /// # Errors
    /// As [`Resource::from_segments`].
    pub fn child<S: Into<String>>(
        &self,
        segments: impl IntoIterator<Item = S>,
    ) -> Result<Self, AuthorityError> {
        Self::from_segments(self.0.iter().cloned().chain(segments.into_iter().map(Into::into)))
    }

    /// The resource itself, then each ancestor up to the first segment.
    pub fn lineage(&self) -> impl Iterator<Item = Self> + '_ {
        (1..=self.0.len()).rev().filter_map(|n| self.0.get(..n).map(|s| Self(s.into())))
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.join("/"))
    }
}

impl FromStr for Resource {
    type Err = AuthorityError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_segments(text.split('/'))
    }
}

impl Serialize for Resource {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Resource {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::{Resource, is_segment};
    use proptest::prelude::*;

    fn resource(text: &str) -> Resource {
        text.parse().unwrap()
    }

    #[test]
    fn prefixes_compare_segments_never_strings() {
        let prod = resource("environment/prod");
        assert!(resource("environment/prod").is_within(&prod));
        assert!(resource("environment/prod/service/api").is_within(&prod));
        assert!(!resource("environment/production").is_within(&prod));
        assert!(!resource("environment").is_within(&prod));
        assert!(resource("environment").overlaps(&prod));
    }

    #[test]
    fn no_traversal_no_separators_no_blanks() {
        for bad in [
            "", "/", "a/", "/a", "a//b", "..", "a/..", ".", "a/.b", "-a", "a b", "a/*", "é", "a\0",
            "a%2fb", "a%2E", "a%41", "%", "a%2", "a\\b",
        ] {
            assert!(bad.parse::<Resource>().is_err(), "{bad:?}");
        }
        assert!(is_segment(&"a".repeat(128)) && !is_segment(&"a".repeat(129)));
    }

    #[test]
    fn lineage_goes_up() {
        let all: Vec<String> = resource("a/b/c").lineage().map(|r| r.to_string()).collect();
        assert_eq!(all, ["a/b/c", "a/b", "a"]);
    }

    proptest! {
        #[test]
        fn encoded_paths_are_resources_and_injective(a in ".{1,20}", b in ".{1,20}") {
            if let (Ok(x), Ok(y)) = (Resource::encode_path(&a), Resource::encode_path(&b)) {
                prop_assert_eq!(x == y, a == b);
                let text = Resource::from_segments(x.clone()).unwrap().to_string();
                let parsed = text.parse::<Resource>().unwrap();
                prop_assert_eq!(parsed.segments(), &x[..]);
            }
        }
    }
}
