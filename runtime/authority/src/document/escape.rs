//! Words of others, made harmless: every character outside printable ASCII becomes `\u{…}`, so that no
//! terminal obeys it, nothing looks like something else, and what was written can be read back exactly.

/// The longest value that is shown whole, in characters of its escaped form.
pub(super) const LONGEST: usize = 120;

/// Printable ASCII alone; a backslash is doubled, so that the escape is exact.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            ' '..='~' => out.push(c),
            other => out.push_str(&format!("\\u{{{:x}}}", u32::from(other))),
        }
    }
    out
}

/// A value in canonical JSON, escaped; a long one as its head, its tail, its length and its digest.
pub(super) fn value(value: &serde_json::Value) -> String {
    let text = crate::canonical::bytes(value)
        .map_or_else(|_| value.to_string(), |b| String::from_utf8_lossy(&b).into_owned());
    let escaped = escape_json(&text);
    if escaped.len() <= LONGEST {
        return escaped;
    }
    let head: String = escaped.chars().take(60).collect();
    let tail: String = escaped.chars().skip(escaped.len().saturating_sub(20)).collect();
    let digest = crate::canonical::digest_bytes("interlock-value/v1", text.as_bytes());
    format!("{head} ... {tail}\nNOT INSPECTABLE: {} bytes, sha256 {digest}", text.len())
}

/// JSON has escapes of its own, which stay: only what is not printable ASCII is replaced.
fn escape_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ' '..='~' => out.push(c),
            other => out.push_str(&format!("\\u{{{:x}}}", u32::from(other))),
        }
    }
    out
}

/// Free words, at most this many characters of them, escaped and cut into lines of at most 70.
pub(super) fn boxed(text: &str, most: usize) -> Vec<String> {
    let mut cut: String = text.chars().take(most).collect();
    let dropped = text.chars().count().saturating_sub(most);
    if dropped > 0 {
        cut.push_str(&format!(" ... ({dropped} more characters)"));
    }
    wrap(&escape(&cut), 70).into_iter().map(|line| format!("  | {line}")).collect()
}

/// Lines of at most `width` characters of ASCII.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let mut word = word;
        if !line.is_empty() && line.len() + 1 + word.len() > width {
            lines.push(std::mem::take(&mut line));
        }
        while word.len() > width {
            // ASCII: every byte is a boundary.
            let (head, tail) = word.split_at_checked(width).unwrap_or((word, ""));
            lines.push(head.to_owned());
            word = tail;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}
