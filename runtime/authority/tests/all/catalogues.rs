//! What is wrong with a catalogue, said with its line.

use crate::fixture::{CATALOGUE, WIT, catalogue, grant, source};
use interlock_authority::Catalogue;

fn message(text: &str, wit: &str) -> String {
    Catalogue::load(&[source(text, wit)]).unwrap_err().to_string()
}

#[test]
fn each_mistake_names_its_line() {
    // what to replace, with what, the line, and words of the message
    let cases = [
        (
            "acme:cache/look@1.0.0",
            "acme:cache/look@1.0.1",
            "acme.toml:3",
            "has no `acme:cache/look@1.0.1`",
        ),
        ("function.stats", "function.stat", "acme.toml:5", "no function `stat`; it has stats"),
        ("class = \"read\"", "class = \"reed\"", "acme.toml:6", "reed"),
        (
            "{cluster}\"\n\n",
            "{cluser}\"\n\n",
            "acme.toml:7",
            "no argument `cluser`; it has cluster",
        ),
        ("cache/{cluster}\"\n\n", "cache/{cluster\"\n\n", "acme.toml:7", "neither a plain segment"),
        ("megabytes =", "megabyte =", "acme.toml:14", "no argument `megabyte`"),
        ("min = 16, max = 1024", "min = 16, max = 15", "acme.toml:14", "nothing fits"),
        ("label = { max-length", "label = { maximum", "acme.toml:15", "maximum"),
        ("label = { max-length = 8", "label = { min = 8", "acme.toml:15", "for integers"),
        (
            "provider = \"cache\"\n[interface.\"acme:cache/look",
            "provider = \"\"\n[interface.\"acme:cache/look",
            "acme.toml:4",
            "empty",
        ),
        ("class = \"read\"\n", "class = \"read\"\nargv = []\n", "acme.toml:7", "argv"),
        (
            "[interface.\"acme:cache/tune@1.0.0\".function.evict]\nclass = \"change\"\n",
            "[interface.\"acme:cache/tune@1.0.0\".function.evict]\nclass = \"destroy\"\n",
            "acme.toml:9",
            "interface of their own",
        ),
        ("acme:cache/look@1.0.0\"", "acme:cache/look\"", "acme.toml:3", "exact version"),
    ];
    for (from, to, place, words) in cases {
        assert!(CATALOGUE.contains(from), "{from}");
        let changed = if from.starts_with("acme:") {
            CATALOGUE.replace(from, to)
        } else {
            CATALOGUE.replacen(from, to, 1)
        };
        let text = message(&changed, WIT);
        assert!(text.starts_with(place), "{from}: {text}");
        assert!(text.contains(words), "{from}: {text}");
    }
}

#[test]
fn every_function_needs_an_entry() {
    let cut = CATALOGUE.find("[interface.\"acme:cache/tune@1.0.0\".function.evict]").unwrap();
    let end = CATALOGUE.find("[interface.\"acme:cache/wipe@1.0.0\"]").unwrap();
    let text = format!("{}{}", &CATALOGUE[..cut], &CATALOGUE[end..]);
    let text = message(&text, WIT);
    assert!(text.contains("missing: evict"), "{text}");
}

#[test]
fn what_a_capability_cannot_carry() {
    let text = "wit = \"x\"\n[interface.\"a:b/c@1.0.0\"]\nprovider = \"p\"\n[interface.\"a:b/c@1.0.0\".function.f]\nclass = \"read\"\nresource = \"x\"\n";
    for (wit, words) in [
        ("resource r; f: func(x: borrow<r>);", "resource"),
        ("f: func(x: list<stream<u8>>);", "stream"),
        ("f: func() -> result<future<u8>>;", "future"),
        ("f: async func();", "async"),
    ] {
        let text = message(text, &format!("package a:b@1.0.0;\ninterface c {{ {wit} }}"));
        assert!(text.starts_with("acme.toml:4") && text.contains(words), "{wit}: {text}");
    }
}

#[test]
fn broken_wit_says_where() {
    let text = message(CATALOGUE, "package acme:cache@1.0.0;\ninterface look { stats func }");
    assert!(text.contains("acme-cache.wit:2"), "{text}");
}

#[test]
fn two_catalogues_never_share_an_interface() {
    let both = [source(CATALOGUE, WIT), source(CATALOGUE, WIT)];
    let text = Catalogue::load(&both).unwrap_err().to_string();
    assert!(text.starts_with("acme.toml:3") && text.contains("already describes"), "{text}");
}

#[test]
fn grants_must_name_what_exists() {
    let catalogue = catalogue();
    assert!(grant("tune", Some(&["evict"]), &["cache"]).check(&catalogue).is_ok());
    let text =
        grant("tune", Some(&["evitc"]), &["cache"]).check(&catalogue).unwrap_err().to_string();
    assert!(text.contains("it has evict, resize"), "{text}");
    let text = grant("tun", None, &["cache"]).check(&catalogue).unwrap_err().to_string();
    assert!(text.contains("no catalogue describes"), "{text}");
}
