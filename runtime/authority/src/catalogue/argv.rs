//! Argv templates: `["/usr/bin/cachectl", "--cluster", "{cluster}"]`. There is no shell and no splitting:
//! one element of a template becomes one argument of the program or, where it names an optional argument
//! that is absent, none. What would make a program take a value for an option is refused here, because
//! no pattern reminds its author of that.

use crate::refusal::Denial;
use serde_json::{Map, Value};

/// The longest argument that the kernel passes to a program, without its final NUL.
const MAX_ELEMENT: usize = 128 * 1024 - 1;
/// The most bytes of all arguments; the kernel's own bound is higher, and the environment shares it.
const MAX_ARGV: usize = 1 << 20;

/// A text with holes for arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Element(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Hole(String),
}

impl Element {
    /// Reads `a{x}b`; `{{` and `}}` are braces. The error says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| Err(format!("`{text}` {what}; write `{{{{` for a brace itself"));
        let (mut parts, mut literal) = (Vec::new(), String::new());
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '{' | '}' if rest.peek() == Some(&c) => literal.extend(rest.next()),
                '}' => return wrong("has a `}` without its `{`"),
                '{' => {
                    let mut name = String::new();
                    loop {
                        match rest.next() {
                            Some('}') => break,
                            Some('{') | None => return wrong("has a `{` without its `}`"),
                            Some(c) => name.push(c),
                        }
                    }
                    if !literal.is_empty() {
                        parts.push(Part::Literal(std::mem::take(&mut literal)));
                    }
                    parts.push(Part::Hole(name));
                }
                '\0' => return wrong("has a NUL, which no program can be given"),
                c => literal.push(c),
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self(parts))
    }

    /// The arguments it names.
    pub(super) fn holes(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Hole(name) => Some(name.as_str()),
            Part::Literal(_) => None,
        })
    }

    /// Whether it is one argument and nothing else.
    pub(super) fn is_one_hole(&self) -> bool {
        matches!(self.0.as_slice(), [Part::Hole(_)])
    }

    /// The text, where it names no argument.
    pub(super) fn literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// The text, or of one that an argument is part of the folder before it, which no argument changes: `/srv/` of
    /// `/srv/{name}.sh`.
    fn fixed(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Part::Literal(text), _, ..] => text.rfind('/').and_then(|end| text.get(..=end)),
            _ => self.literal(),
        }
    }

    /// The first hole, where it begins with one.
    fn leads_with(&self) -> Option<&str> {
        match self.0.first() {
            Some(Part::Hole(name)) => Some(name),
            _ => None,
        }
    }

    /// The text for these arguments; none where an optional one is absent.
    pub(super) fn fill(&self, arguments: &Map<String, Value>) -> Result<Option<String>, Denial> {
        let mut filled = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(text) => filled.push_str(text),
                Part::Hole(name) => match arguments.get(name) {
                    Some(Value::Null) => return Ok(None),
                    Some(Value::String(text)) => filled.push_str(text),
                    Some(Value::Number(number)) => filled.push_str(&number.to_string()),
                    Some(Value::Bool(yes)) => filled.push_str(if *yes { "true" } else { "false" }),
                    _ => return Err(deny(name, "is not one value that a program can be given")),
                },
            }
        }
        Ok(Some(filled))
    }
}

fn deny(argument: &str, problem: &str) -> Denial {
    Denial::ArgumentOutOfRange { argument: argument.to_owned(), problem: problem.to_owned() }
}

/// A program and its arguments, as a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Argv(Vec<Element>);

impl Argv {
    pub(super) fn new(elements: Vec<Element>) -> Self {
        Self(elements)
    }

    /// What of it is the same whatever a call says, after the program.
    pub(super) fn fixed(&self) -> impl Iterator<Item = &str> {
        self.0.iter().skip(1).filter_map(Element::fixed)
    }

    /// The program: the catalogue's, never an argument's.
    pub(super) fn program(&self) -> &str {
        self.0.first().and_then(Element::literal).unwrap_or_default()
    }

    /// The arguments of a program for these arguments of a call.
    pub(super) fn fill(&self, arguments: &Map<String, Value>) -> Result<Vec<String>, Denial> {
        let (mut argv, mut options_over, mut length) = (Vec::new(), false, 0usize);
        for element in &self.0 {
            let Some(text) = element.fill(arguments)? else { continue };
            let first = element.holes().next().unwrap_or_default();
            if let Some(name) = element.leads_with()
                && text.starts_with('-')
                && !options_over
            {
                let why = "must not begin with `-` here: the program would take it for an option";
                return Err(deny(name, why));
            }
            if text.contains('\0') {
                return Err(deny(first, "has a NUL, which no program can be given"));
            }
            length = length.saturating_add(text.len() + 1);
            if text.len() > MAX_ELEMENT || length > MAX_ARGV {
                return Err(deny(first, "is too long to be given to a program"));
            }
            options_over |= element.literal() == Some("--");
            argv.push(text);
        }
        Ok(argv)
    }
}

#[cfg(test)]
mod tests {
    use super::{Argv, Element};
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    fn argv(template: &[&str], arguments: Value) -> Result<Vec<String>, String> {
        let Value::Object(arguments) = arguments else { return Err("not an object".into()) };
        let elements: Result<Vec<_>, _> = template.iter().map(|t| Element::parse(t)).collect();
        Argv::new(elements?).fill(&arguments).map_err(|d| d.to_string())
    }

    #[test]
    fn holes_are_filled_inside_longer_texts_too() {
        let arguments = json!({"a": "x y", "n": 5, "big": "18446744073709551615", "yes": true});
        for (template, expected) in [
            ("{a}", "x y"),
            ("--name={a}", "--name=x y"),
            ("{a}{n}", "x y5"),
            ("{big}:{yes}", "18446744073709551615:true"),
            ("{{a}}", "{a}"),
            ("{{{a}}}", "{x y}"),
            ("", ""),
            ("~/$HOME `*`", "~/$HOME `*`"),
        ] {
            assert_eq!(argv(&[template], arguments.clone()).unwrap(), [expected], "{template}");
        }
        for bad in ["{", "}", "{a", "a}", "{a{b}}", "a\0"] {
            assert!(Element::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_absent_option_takes_its_element_with_it() {
        let template = ["/p", "--since={since}", "{x}"];
        assert_eq!(argv(&template, json!({"since": null, "x": "1"})).unwrap(), ["/p", "1"]);
        assert_eq!(
            argv(&template, json!({"since": "now", "x": "1"})).unwrap(),
            ["/p", "--since=now", "1"]
        );
    }

    #[test]
    fn what_no_call_changes_is_told_and_of_a_path_with_a_value_its_folder() {
        for (template, fixed) in [
            ("/srv/run.sh", Some("/srv/run.sh")),
            ("/srv/{x}.sh", Some("/srv/")),
            ("--rc=/srv/a{x}/{y}", Some("--rc=/srv/")),
            ("a{x}", None),
            ("{x}/run.sh", None),
            ("{x}", None),
            ("", Some("")),
        ] {
            let argv = Argv::new(vec![
                Element::parse("/p").unwrap(),
                Element::parse(template).unwrap(),
                Element::parse("last").unwrap(),
            ]);
            let expected: Vec<&str> = fixed.into_iter().chain(["last"]).collect();
            assert_eq!(argv.fixed().collect::<Vec<_>>(), expected, "{template}");
        }
    }

    #[test]
    fn no_value_becomes_an_option() {
        for (template, value, allowed) in [
            (vec!["/p", "{x}"], json!("-rf"), false),
            (vec!["/p", "{x}"], json!(-5), false),
            (vec!["/p", "{x}"], json!("--"), false),
            (vec!["/p", "{x}", "--"], json!("-rf"), false),
            (vec!["/p", "--", "{x}"], json!("-rf"), true),
            (vec!["/p", "--by={x}"], json!(-5), true),
            (vec!["/p", "{x}"], json!("a-b"), true),
        ] {
            let filled = argv(&template, json!({"x": value}));
            assert_eq!(filled.is_ok(), allowed, "{template:?} {value}: {filled:?}");
        }
        // Nor does the value of two holes together.
        let both = Element::parse("{a}{b}").unwrap();
        let arguments = Map::from_iter([("a".into(), json!("")), ("b".into(), json!("-x"))]);
        assert!(Argv::new(vec![both]).fill(&arguments).is_err());
    }

    #[test]
    fn what_the_kernel_would_refuse_is_refused_before() {
        let long = |n: usize| argv(&["/p", "{x}"], json!({"x": "a".repeat(n)}));
        assert!(long(128 * 1024 - 1).is_ok());
        assert!(long(128 * 1024).unwrap_err().contains("too long"));
        assert!(long(1 << 20).unwrap_err().contains("too long"));
        let many = vec!["{x}"; 9];
        assert!(argv(&many, json!({"x": "a".repeat(120_000)})).unwrap_err().contains("too long"));
        assert!(argv(&["{x}"], json!({"x": "a\0b"})).unwrap_err().contains("NUL"));
        for whole in [json!([]), json!({}), json!(["a"])] {
            assert!(argv(&["{x}"], json!({"x": whole})).unwrap_err().contains("one value"));
        }
        assert!(argv(&["{x}"], json!({})).is_err());
    }

    proptest! {
        #[test]
        fn one_argument_stays_one_argument(values in prop::collection::vec("[^\0-][^\0]{0,40}", 1..8)) {
            let names: Vec<String> = (0..values.len()).map(|n| format!("{{a{n}}}")).collect();
            let template: Vec<&str> = names.iter().map(String::as_str).collect();
            let arguments: Map<String, Value> =
                values.iter().enumerate().map(|(n, v)| (format!("a{n}"), json!(v))).collect();
            prop_assert_eq!(argv(&template, Value::Object(arguments)).unwrap(), values);
        }
    }
}
