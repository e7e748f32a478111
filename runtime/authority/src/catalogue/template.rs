//! Resource templates: `environment/{environment}/service/{service}`. Each `{x}` fills exactly one
//! segment, so an argument such as `db/x` or `..` can never reach another resource. `{@plugin}` is the name of
//! the plugin that calls, said by the host: no argument can fill it, because no argument of a WIT has a `@`.

use crate::{
    refusal::Denial,
    vocabulary::{Resource, is_segment},
};
use serde_json::{Map, Value};

/// A resource with holes for arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    /// `{x}`: one segment.
    Segment(String),
    /// `{x...}`: a key or a path, percent-encoded per segment.
    Path(String),
    /// `{@plugin}`: the plugin that calls.
    Plugin,
}

/// The hole that the host fills.
const PLUGIN: &str = "@plugin";

impl Template {
    /// Reads a template; the error says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        for segment in text.split('/') {
            let hole = segment.strip_prefix('{').and_then(|s| s.strip_suffix('}'));
            parts.push(match hole {
                Some(PLUGIN) => Part::Plugin,
                Some(name) if name.starts_with('@') => {
                    return Err(format!(
                        "`{segment}` in `{text}` is not known; the host fills `{{{PLUGIN}}}` and nothing else"
                    ));
                }
                Some(name) => match name.strip_suffix("...") {
                    Some(name) => Part::Path(name.to_owned()),
                    None => Part::Segment(name.to_owned()),
                },
                None if is_segment(segment) => Part::Literal(segment.to_owned()),
                None => {
                    return Err(format!(
                        "`{segment}` in `{text}` is neither a plain segment nor one argument in braces"
                    ));
                }
            });
        }
        match parts.first() {
            Some(Part::Literal(_)) => Ok(Self(parts)),
            _ => Err(format!("`{text}` must start with a plain segment that names the kind")),
        }
    }

    /// The first segment: what kind of resource it is.
    pub fn kind(&self) -> &str {
        match self.0.first() {
            Some(Part::Literal(text)) => text,
            _ => "",
        }
    }

    /// The arguments it needs.
    pub fn arguments(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Literal(_) | Part::Plugin => None,
            Part::Segment(name) | Part::Path(name) => Some(name.as_str()),
        })
    }

    /// Whether its resources are of the plugin that calls.
    pub fn is_of_plugin(&self) -> bool {
        self.0.contains(&Part::Plugin)
    }

    /// The resource for these arguments of this plugin.
    pub(super) fn fill(
        &self,
        arguments: &Map<String, Value>,
        plugin: Option<&str>,
    ) -> Result<Resource, Denial> {
        let mut segments = Vec::new();
        for part in &self.0 {
            match part {
                // INVARIANT CLASS-BY-HOST: whose it is comes from the host, never from an argument.
                Part::Plugin => match plugin.filter(|name| is_segment(name)) {
                    Some(name) => segments.push(name.to_owned()),
                    None => {
                        return Err(Denial::BadResource {
                            argument: PLUGIN.to_owned(),
                            problem: "the host names no plugin that it is of".to_owned(),
                        });
                    }
                },
                Part::Literal(text) => segments.push(text.clone()),
                Part::Segment(name) => {
                    let text = text_of(name, arguments)?;
                    if !is_segment(&text) {
                        return Err(bad(
                            name,
                            &text,
                            "a segment starts with a letter or digit, then letters, digits, `.`, `_` or `-`, at most 128 in all",
                        ));
                    }
                    segments.push(text);
                }
                Part::Path(name) => {
                    let text = text_of(name, arguments)?;
                    let path = Resource::encode_path(&text).map_err(|_| {
                        bad(
                            name,
                            &text,
                            "a path has no empty, `.` or `..` segments and none over 128 bytes",
                        )
                    })?;
                    segments.extend(path);
                }
            }
        }
        Resource::from_segments(segments).map_err(|_| Denial::BadResource {
            argument: self.arguments().collect::<Vec<_>>().join(", "),
            problem: "too many segments".to_owned(),
        })
    }
}

fn bad(name: &str, text: &str, rule: &str) -> Denial {
    let shown: String = text.chars().take(60).flat_map(char::escape_default).collect();
    Denial::BadResource { argument: name.to_owned(), problem: format!("`{shown}`; {rule}") }
}

fn text_of(name: &str, arguments: &Map<String, Value>) -> Result<String, Denial> {
    match arguments.get(name) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        _ => Err(bad(name, "", "it is neither a string nor an integer")),
    }
}

#[cfg(test)]
mod tests {
    use super::Template;
    use serde_json::{Map, Value, json};

    fn fill(template: &str, arguments: Value) -> Result<String, String> {
        let Value::Object(arguments) = arguments else { return Err("not an object".into()) };
        let template = Template::parse(template)?;
        template
            .fill(&arguments, Some("mine"))
            .map(|r| r.to_string())
            .map_err(|d| d.code().to_owned())
    }

    #[test]
    fn one_argument_stays_one_segment() {
        let template = "environment/{e}/service/{s}";
        assert_eq!(
            fill(template, json!({"e": "prod", "s": "api"})).unwrap(),
            "environment/prod/service/api"
        );
        let long = "a".repeat(129);
        for bad in ["db/x", "..", "", ".", "-x", "a b", "é", "a\0b", "*", "%2e%2e", long.as_str()]
        {
            assert_eq!(fill(template, json!({"e": "prod", "s": bad})), Err("bad-resource".into()));
        }
        assert_eq!(fill(template, json!({"e": "prod"})), Err("bad-resource".into()));
    }

    #[test]
    fn paths_are_encoded_by_segment() {
        let template = "files/{path...}";
        assert_eq!(fill(template, json!({"path": "a b/c.d"})).unwrap(), "files/a%20b/c.d");
        for bad in ["../x", "a//b", "/a", "a/", "."] {
            assert_eq!(fill(template, json!({"path": bad})), Err("bad-resource".into()), "{bad}");
        }
    }

    #[test]
    fn malformed_templates() {
        for bad in ["", "/", "{x}", "a/{x}y", "a/{x", "a/*", "a//b"] {
            assert!(Template::parse(bad).is_err(), "{bad}");
        }
        assert!(Template::parse("a").unwrap().fill(&Map::new(), None).is_ok());
    }

    // INVARIANT CLASS-BY-HOST
    #[test]
    fn class_by_host_no_argument_fills_the_plugin() {
        let template = "kv/{@plugin}/{key...}";
        let hostile =
            json!({"key": "a/b", "@plugin": "other", "plugin": "other", "{@plugin}": "other"});
        assert_eq!(fill(template, hostile).unwrap(), "kv/mine/a/b");
        for key in ["../other/a", "..", "/other", "a/../../other/x"] {
            assert_eq!(fill(template, json!({"key": key})), Err("bad-resource".into()), "{key}");
        }
        // What looks like a way out is a segment of the key, encoded.
        assert_eq!(
            fill(template, json!({"key": "%2e%2e/{@plugin}"})).unwrap().matches('/').count(),
            3
        );
        let parsed = Template::parse(template).unwrap();
        assert!(parsed.is_of_plugin());
        assert_eq!(parsed.arguments().collect::<Vec<_>>(), ["key"]);
        let arguments = Map::from_iter([("key".to_owned(), json!("a"))]);
        for nobody in [None, Some(""), Some("a/b"), Some("..")] {
            assert!(parsed.fill(&arguments, nobody).is_err(), "{nobody:?}");
        }
        for bad in ["{@plugin}/x", "kv/{@tool}", "kv/{@plugin...}", "kv/{@}"] {
            assert!(Template::parse(bad).is_err(), "{bad}");
        }
    }
}
