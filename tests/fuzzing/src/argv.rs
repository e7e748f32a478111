//! Argv templates, against a second filler: one element is one argument or, where it names an absent one, none.

use crate::{bytes::Bytes, must};
use interlock::authority::{
    Catalogue, InterfaceName,
    catalogue::{CatalogueSource, Step},
};
use serde_json::{Value, json};

const WIT: &str = "package a:b@1.0.0;
interface c { run: func(a: string, b: option<string>, n: s32, yes: bool) -> result<string, string>; }
";

/// A piece of a template as the second filler sees it.
enum Piece {
    Text(String),
    Value(usize),
}

const NAMES: [&str; 4] = ["a", "b", "n", "yes"];

/// Templates and values are both made of the input.
pub(crate) fn argv(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let mut template: Vec<Vec<Piece>> = vec![vec![Piece::Text("/bin/x".to_owned())]];
    for _ in 0..bytes.below(6) {
        let pieces = (0..bytes.below(4)).map(|_| match bytes.below(7) {
            at @ 0..4 => Piece::Value(at),
            4 => Piece::Text("--".to_owned()),
            5 => Piece::Text("{x}-{{".to_owned()),
            _ => Piece::Text(bytes.text()),
        });
        template.push(pieces.collect());
    }
    let absent = bytes.yes();
    let values: [Option<String>; 4] = [
        Some(bytes.text()),
        (!absent).then(|| bytes.text()),
        Some((bytes.u64() as i32).to_string()),
        Some(bytes.yes().to_string()),
    ];
    let written: Vec<String> =
        template.iter().map(|pieces| pieces.iter().map(write).collect()).collect();
    let Some(catalogue) = catalogue(&written) else {
        // The one thing that these templates can have which no program can be given.
        assert!(
            written.iter().any(|text| text.contains('\0')),
            "a good template is refused: {written:?}"
        );
        return;
    };
    let [a, b, n, yes] = &values;
    let number = n.as_deref().and_then(|n| n.parse::<i32>().ok());
    let arguments =
        vec![json!(a), json!(b), json!(number), Value::Bool(yes.as_deref() == Some("true"))];
    let name: InterfaceName = must("a:b/c@1.0.0".parse(), "the name");
    let expected = filled(&template, &values);
    match catalogue.resolve(&name, "run", arguments) {
        Ok(call) => {
            let command =
                catalogue.function(&name, "run").and_then(|function| function.command.clone());
            let prepared = command
                .map(|command| must(command.prepare(Step::Call, call.arguments()), "prepared"));
            assert_eq!(
                prepared.flatten().map(|prepared| prepared.argv),
                expected,
                "{written:?} {values:?}"
            );
        }
        Err(denial) => assert_eq!(expected, None, "{written:?} {values:?}: {denial}"),
    }
}

fn write(piece: &Piece) -> String {
    match piece {
        Piece::Text(text) => text.replace('{', "{{").replace('}', "}}"),
        Piece::Value(at) => format!("{{{}}}", NAMES.get(*at).copied().unwrap_or_default()),
    }
}

fn catalogue(argv: &[String]) -> Option<Catalogue> {
    let text = format!(
        "wit = \"c.wit\"\n[interface.\"a:b/c@1.0.0\"]\nprovider = {{ exec = \"x\" }}\n\
         [interface.\"a:b/c@1.0.0\".function.run]\nclass = \"read\"\nresource = \"x\"\n\
         arguments.a = {{ pattern = \"(?s).*\" }}\narguments.b = {{ pattern = \"(?s).*\" }}\n\
         output = \"text\"\nargv = [{}]\n",
        argv.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", ")
    );
    let source =
        CatalogueSource { file: "c.toml".into(), text, wit: vec![("c.wit".into(), WIT.into())] };
    Catalogue::load(&[source]).ok()
}

/// A text as TOML writes it, each character apart.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.chars().map(|c| format!("\\U{:08X}", u32::from(c))).collect::<String>())
}

/// What the program is given, or nothing where it may not be run.
fn filled(template: &[Vec<Piece>], values: &[Option<String>; 4]) -> Option<Vec<String>> {
    let mut argv = Vec::new();
    let mut options_are_over = false;
    for pieces in template {
        let texts: Vec<Option<&str>> = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => Some(text.as_str()),
                Piece::Value(at) => values.get(*at).and_then(Option::as_deref),
            })
            .collect();
        if texts.contains(&None) {
            continue;
        }
        let text: String = texts.into_iter().flatten().collect();
        // Empty pieces are not in the template at all.
        let mut there =
            pieces.iter().filter(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
        let leads = matches!(there.next(), Some(Piece::Value(_)));
        if text.contains('\0') || leads && text.starts_with('-') && !options_are_over {
            return None;
        }
        let constant = pieces.iter().all(|piece| matches!(piece, Piece::Text(_)));
        options_are_over |= constant && text == "--";
        argv.push(text);
    }
    Some(argv)
}
