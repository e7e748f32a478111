//! Words for a shell, in commands that a person is told to paste. It stops a file's name from becoming a
//! second command, an option, or something that the terminal obeys while it shows it.

use super::output::is_hidden;
use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::Path};

/// A word as the shells bash, zsh and ksh read it back, byte for byte, and safe to show: as it is where
/// that is plain, in single quotes where it is not, in `$'…'` where a character could not be seen.
pub(super) fn word(text: impl AsRef<OsStr>) -> String {
    let bytes = text.as_ref().as_bytes();
    let Some(text) = std::str::from_utf8(bytes).ok().filter(|t| !t.chars().any(is_hidden)) else {
        return escaped(bytes);
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        single_quoted(text)
    }
}

/// A word that is always in quotes where its characters can be seen.
pub(super) fn quoted(text: &str) -> String {
    if text.chars().any(is_hidden) { escaped(text.as_bytes()) } else { single_quoted(text) }
}

/// A path, never read as an option.
pub(super) fn path(path: &Path) -> String {
    if path.as_os_str().as_bytes().starts_with(b"-") {
        word(Path::new(".").join(path))
    } else {
        word(path)
    }
}

fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Octal, because unlike hexadecimal it ends after three digits in every shell.
fn escaped(bytes: &[u8]) -> String {
    let mut out = String::from("$'");
    for byte in bytes {
        match byte {
            b'\'' | b'\\' => out.extend(['\\', char::from(*byte)]),
            b' '..=b'~' => out.push(char::from(*byte)),
            _ => out.push_str(&format!("\\{byte:03o}")),
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::{path, quoted, word};
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::Path, process::Command};

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        let words: [&[u8]; 11] = [
            b"plain-1.wasm",
            b"",
            b"two words",
            b"it's \"quoted\"",
            b"$(touch x) `id` $HOME ; & | > < * ? ~ ! # \\",
            b"~/x",
            b"\x1b[2Jx\x07\x1b]0;title",
            b"new\nline 'and' \\ both\x7f",
            "é 😀 \u{202e}reversed".as_bytes(),
            b"\xff\xfe not UTF-8 1",
            "\u{9b}31m 12".as_bytes(),
        ];
        for bytes in words {
            let quoted = word(OsStr::from_bytes(bytes));
            assert!(!quoted.chars().any(super::is_hidden), "{quoted}");
            let script = format!("printf %s {quoted}");
            let out = Command::new("bash").arg("-c").arg(&script).output().unwrap();
            assert_eq!(out.stdout, bytes, "{quoted}");
        }
    }

    #[test]
    fn plain_words_stay_plain() {
        assert_eq!(word("a/b_c-1.wasm"), "a/b_c-1.wasm");
        assert_eq!(quoted("a=b"), "'a=b'");
        assert_eq!(path(Path::new("-rf")), "./-rf");
        assert_eq!(path(Path::new("a b")), "'a b'");
    }
}
