//! Paths of requests, by segment. A path means one thing to a policy, to the endpoint's templates and to the server:
//! nothing is decoded anywhere, because there is nothing encoded in it.

use std::fmt;

/// Whether a text is a segment: no separator in any spelling, none that a server drops, climbs or cuts off.
pub(super) fn is_segment_of_path(text: &str) -> bool {
    // `%` would be decoded once or twice, `;` begins parameters, `\` is a separator to some, and a segment of
    // dots alone climbs.
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._~@:+,=-".contains(&b);
    (1..=128).contains(&text.len()) && text.bytes().all(plain) && !text.bytes().all(|b| b == b'.')
}

/// The segments of a path; nothing where it is none.
pub(super) fn segments(path: &str) -> Option<Vec<String>> {
    let all: Vec<&str> = path.split('/').collect();
    (path.len() <= 1024 && all.iter().all(|segment| is_segment_of_path(segment)))
        .then(|| all.into_iter().map(str::to_owned).collect())
}

/// Paths that an endpoint allows: `incidents/{id}` or `components/{rest...}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PathTemplate {
    parts: Vec<Part>,
    /// Whether it ends in `{rest...}`: one segment or more.
    open: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Any,
}

impl PathTemplate {
    /// Reads a template; the error says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (mut parts, mut open) = (Vec::new(), false);
        let mut rest = text.split('/').peekable();
        while let Some(segment) = rest.next() {
            let hole = segment.strip_prefix('{').and_then(|s| s.strip_suffix('}'));
            let plain = |name: &str| {
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
            };
            match hole.map(|name| (name, name.strip_suffix("..."))) {
                Some((_, Some(name))) if plain(name) && rest.peek().is_none() => open = true,
                Some((name, None)) if plain(name) => parts.push(Part::Any),
                None if is_segment_of_path(segment) => {
                    parts.push(Part::Literal(segment.to_owned()));
                }
                _ => {
                    return Err(format!(
                        "`{}` in `{}` is neither a plain segment, `{{name}}` for one, nor `{{name...}}` at the end for all that follow",
                        segment.escape_debug(),
                        text.escape_debug()
                    ));
                }
            }
        }
        Ok(Self { parts, open })
    }

    /// Whether a path is one of these.
    pub(super) fn fits(&self, path: &[String]) -> bool {
        let length =
            if self.open { path.len() > self.parts.len() } else { path.len() == self.parts.len() };
        length
            && self.parts.iter().zip(path).all(|(part, segment)| match part {
                Part::Literal(text) => text == segment,
                Part::Any => true,
            })
    }
}

impl fmt::Display for PathTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.parts.iter().map(|part| match part {
            Part::Literal(text) => text.as_str(),
            Part::Any => "{}",
        });
        let all: Vec<&str> = parts.chain(self.open.then_some("{...}")).collect();
        f.write_str(&all.join("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::{PathTemplate, segments};

    #[test]
    fn templates_compare_segments_never_strings() {
        let fits = |template: &str, path: &str| {
            PathTemplate::parse(template).unwrap().fits(&segments(path).unwrap())
        };
        assert!(fits("incidents", "incidents") && !fits("incidents", "incidents/1"));
        assert!(!fits("incidents", "incidents-private") && !fits("incidents", "Incidents"));
        assert!(fits("incidents/{id}", "incidents/1") && !fits("incidents/{id}", "incidents/1/x"));
        assert!(!fits("incidents/{id}", "incidents"));
        assert!(fits("a/{rest...}", "a/b/c") && fits("a/{rest...}", "a/b"));
        assert!(!fits("a/{rest...}", "a") && !fits("a/{rest...}", "b/b"));
        for bad in
            ["", "/a", "a/", "{rest...}/a", "a/{}", "a/{...}", "a/{b", "a/x{b}", "..", "a/%2e"]
        {
            assert!(PathTemplate::parse(bad).is_err(), "{bad}");
        }
    }
}
