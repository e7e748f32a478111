//! Paths that plugins write: of files, and of resources.

use interlock::{authority::Resource, providers::files};

/// What is taken for a path stays below its folder and names nothing of the host's; so says a second reading, character
/// by character. Every path has one resource, and no two have the same.
pub(crate) fn file_paths(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let depth = 4;
    let names = files::names(text, depth);
    assert_eq!(names.is_ok(), is_path(text, depth as usize), "{text:?}: {names:?}");
    if let Ok(names) = &names {
        assert_eq!(names.join("/"), text, "the path was repaired");
        let resource = Resource::encode_path(text);
        assert!(resource.is_ok(), "a path without a resource: {text:?}");
    }
    if let Ok(segments) = Resource::encode_path(text) {
        let decoded: Vec<Vec<u8>> = segments.iter().map(|segment| decode(segment)).collect();
        assert_eq!(decoded.join(&b'/'), data, "a path that is not its own resource's");
        if let Ok(resource) = Resource::from_segments(segments.clone()) {
            assert_eq!(resource.to_string().parse::<Resource>().ok(), Some(resource));
        }
    }
    if let Ok(resource) = text.parse::<Resource>() {
        assert_eq!(resource.to_string(), text, "a resource with two spellings");
        assert!(
            text.bytes().all(|b| b.is_ascii_alphanumeric() || b"./_-%".contains(&b)),
            "{text:?}"
        );
        let decoded: Vec<_> = resource.segments().iter().map(|segment| decode(segment)).collect();
        // A segment may hold a `/`, of a key; then it is no path's.
        let is_path = !decoded.iter().any(|segment| segment.contains(&b'/'));
        if is_path
            && let Ok(path) = String::from_utf8(decoded.join(&b'/'))
            && let Ok(again) = Resource::encode_path(&path)
        {
            assert_eq!(again, resource.segments(), "a segment with two spellings");
        }
        for above in resource.lineage() {
            assert!(resource.is_within(&above));
            let text = above.to_string();
            assert!(
                resource.to_string() == text || resource.to_string().starts_with(&(text + "/"))
            );
        }
    }
}

fn is_path(text: &str, depth: usize) -> bool {
    if text.len() > 2048 || text.matches('/').count() + 1 > depth {
        return false;
    }
    text.split('/').all(|name| {
        let control = name.chars().any(|c| c < ' ' || ('\u{7f}'..='\u{9f}').contains(&c));
        // As a file system sees it that ignores case and whatever is not ASCII.
        let mut seen = String::new();
        for c in name.chars() {
            match c {
                '\u{212a}' => seen.push('k'),
                c if c.is_ascii() => seen.push(c.to_ascii_lowercase()),
                _ => {}
            }
        }
        !(name.is_empty()
            || name == "."
            || name == ".."
            || name.len() > 128
            || control
            || seen.starts_with(".interlock"))
    })
}

/// The bytes of a percent-encoded segment.
fn decode(segment: &str) -> Vec<u8> {
    let mut bytes = segment.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        let digit = |byte: Option<u8>| {
            byte.and_then(|b| char::from(b).to_digit(16)).unwrap_or_default() as u8
        };
        decoded.push(if byte == b'%' {
            digit(bytes.next()) << 4 | digit(bytes.next())
        } else {
            byte
        });
    }
    decoded
}
