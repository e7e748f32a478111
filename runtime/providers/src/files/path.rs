//! The names that plugins may use. The authority has refused empty names, `.` and `..` before; here are the
//! rules of this provider: no control characters, nothing that is or could be taken for a name of ours, and
//! bounds. What is refused here is never put together again, repaired or decoded.

use super::answer::Problem;
use std::fmt;

/// The longest name, in bytes: the longest segment of a resource.
const MAX_NAME: usize = 128;
/// The longest path, in bytes: below what a kernel takes.
const MAX_PATH: usize = 2048;
/// What the names of our own files begin with.
const RESERVED: &str = ".interlock";

/// A path below a folder: names, each of which is one component. Empty is the folder itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Below(Vec<String>);

impl Below {
    /// Reads a path as a plugin wrote it.
    ///
    /// # Errors
    /// A name that is none, or too many of them.
    pub(super) fn parse(path: &str, depth: u32) -> Result<Self, Problem> {
        let invalid = |why: String| Err(Problem::Invalid(why));
        let names: Vec<&str> = path.split('/').collect();
        if path.len() > MAX_PATH {
            return invalid(format!("a path has at most {MAX_PATH} bytes"));
        }
        if names.len() > depth as usize {
            return invalid(format!("a path has at most {depth} names here"));
        }
        for name in &names {
            if matches!(*name, "" | "." | "..") || name.len() > MAX_NAME {
                return invalid(format!("a name has 1 to {MAX_NAME} bytes and is not `.` or `..`"));
            }
            if name.chars().any(char::is_control) {
                return invalid("a name has no control characters".to_owned());
            }
            if is_reserved(name) {
                return invalid(format!("`{}` is a name of the host's own", name.escape_debug()));
            }
        }
        Ok(Self(names.into_iter().map(str::to_owned).collect()))
    }

    /// The folder that it is in, and its last name; nothing for the folder itself.
    pub(super) fn split(&self) -> Option<(Self, &str)> {
        let (last, parents) = self.0.split_last()?;
        Some((Self(parents.to_vec()), last))
    }

    /// The names.
    pub(super) fn names(&self) -> &[String] {
        &self.0
    }

    /// It and the folders that it is in, up to and with the top one.
    pub(super) fn lineage(&self) -> impl Iterator<Item = Self> + '_ {
        (0..=self.0.len()).rev().filter_map(|n| self.0.get(..n).map(|names| Self(names.to_vec())))
    }
}

impl fmt::Display for Below {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.join("/").escape_debug())
    }
}

/// The names of a path as a plugin wrote it, each of them one component of the file system below a folder.
///
/// # Errors
/// Why it is no such path, in a sentence for the plugin.
pub fn names(path: &str, depth: u32) -> Result<Vec<String>, String> {
    match Below::parse(path, depth) {
        Ok(below) => Ok(below.0),
        Err(Problem::Invalid(why)) => Err(why),
        Err(_) => Err("it is no path".to_owned()),
    }
}

/// Whether a name is, or in some file system could be, one of our own. Folders that ignore case, as ext4 has
/// them, ignore some characters altogether, and fold the Kelvin sign to a letter; whatever is not ASCII is
/// therefore passed over here.
pub(super) fn is_reserved(name: &str) -> bool {
    let fold = |c: char| if c == '\u{212a}' { 'k' } else { c };
    let plain: String = name.chars().map(fold).filter(char::is_ascii).collect();
    plain.get(..RESERVED.len()).is_some_and(|lead| lead.eq_ignore_ascii_case(RESERVED))
}

#[cfg(test)]
mod tests {
    use super::Below;

    #[test]
    fn names_of_ours_cannot_be_spelled() {
        for ours in [
            ".interlock",
            ".interlock-new-00",
            ".INTERLOCK-new",
            ".interloc\u{212a}",
            "\u{200b}.interlock-new",
            ".inter\u{200b}lock-new",
            "a/.interlock/b",
        ] {
            assert!(Below::parse(ours, 16).is_err(), "{ours:?}");
        }
        for fine in [
            ".gitignore",
            "interlock.toml",
            "a.interlock",
            "é",
            "日本語.txt",
            ".é",
            "ab c",
            "a\\b",
            "...",
        ] {
            assert!(Below::parse(fine, 16).is_ok(), "{fine:?}");
        }
    }

    #[test]
    fn lineage_ends_at_the_top() {
        let path = Below::parse("a/b", 16).unwrap();
        let all: Vec<String> = path.lineage().map(|p| p.to_string()).collect();
        assert_eq!(all, ["a/b", "a", ""]);
    }
}
