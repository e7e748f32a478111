//! Notes are the text files directly inside one directory. The host keeps the plugin inside that
//! directory whatever it asks for; refusing odd names here is for a better error, not for safety.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use interlock_guest::prelude::{JsonSchema, Serialize, ToolError};

/// At most this many matches are returned: an agent reads them all.
const MATCHES: usize = 100;

/// One line that matched.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Match {
    name: String,
    /// From 1.
    line: usize,
    text: String,
}

pub(crate) fn list(directory: &Path) -> Result<Vec<String>, ToolError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).map_err(|error| not_open(directory, &error))? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            names.extend(entry.file_name().into_string().ok());
        }
    }
    names.sort();
    Ok(names)
}

pub(crate) fn read(directory: &Path, name: &str) -> Result<String, ToolError> {
    check_name(name)?;
    let bytes = match fs::read(directory.join(name)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            list(directory)?; // Without a directory, that is the thing to say.
            return Err(ToolError::failed(format!(
                "there is no note `{name}`; `list` names them all"
            )));
        }
        Err(error) => return Err(ToolError::from(error).context(format!("reading note `{name}`"))),
    };
    String::from_utf8(bytes)
        .map_err(|_| ToolError::failed(format!("note `{name}` is not UTF-8 text")))
}

pub(crate) fn search(directory: &Path, text: &str) -> Result<(Vec<Match>, bool), ToolError> {
    if text.is_empty() {
        return Err(ToolError::invalid_arguments("`text` is empty; say what to look for"));
    }
    let wanted = text.to_lowercase();
    let mut matches = Vec::new();
    for name in list(directory)? {
        let Ok(note) = read(directory, &name) else { continue }; // Not text: nothing to find.
        for (index, line) in note.lines().enumerate() {
            if !line.to_lowercase().contains(&wanted) {
                continue;
            }
            if matches.len() == MATCHES {
                return Ok((matches, true));
            }
            matches.push(Match { name: name.clone(), line: index + 1, text: line.to_owned() });
        }
    }
    Ok((matches, false))
}

fn check_name(name: &str) -> Result<(), ToolError> {
    let odd = |c: char| c == '/' || c == '\\' || c.is_control();
    if name.is_empty() || name == "." || name == ".." || name.contains(odd) {
        return Err(ToolError::invalid_arguments(format!(
            "`{}` is not the name of a note: give a file name as `list` prints it, without a directory",
            name.escape_debug()
        )));
    }
    Ok(())
}

fn not_open(directory: &Path, error: &std::io::Error) -> ToolError {
    ToolError::failed(format!(
        "there is no directory at `{0}` ({error}); the operator opens one in interlock.toml, in this \
         plugin's table: preopens = [{{ host = \"notes\", guest = \"{0}\" }}]",
        directory.display()
    ))
}

#[cfg(test)]
mod tests {
    use interlock_guest::prelude::*;
    use interlock_guest::testing;

    use super::*;

    fn directory() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("rota.md"), "Monday: Amira\nTuesday: Jonas\n").unwrap();
        fs::write(directory.path().join("api.md"), "Owner: jonas\n").unwrap();
        fs::write(directory.path().join("logo.png"), [0xff, 0xfe]).unwrap();
        fs::create_dir(directory.path().join("archive")).unwrap();
        directory
    }

    #[test]
    fn list_names_files_only() {
        assert_eq!(list(directory().path()).unwrap(), ["api.md", "logo.png", "rota.md"]);
    }

    #[test]
    fn read_gives_the_text_or_says_why_not() {
        let directory = directory();
        assert_eq!(read(directory.path(), "api.md").unwrap(), "Owner: jonas\n");
        let error = read(directory.path(), "none.md").unwrap_err();
        assert_eq!(error.message(), "there is no note `none.md`; `list` names them all");
        let error = read(directory.path(), "logo.png").unwrap_err();
        assert_eq!(error.message(), "note `logo.png` is not UTF-8 text");
    }

    #[test]
    fn search_finds_lines_in_any_case() {
        let (matches, more) = search(directory().path(), "JONAS").unwrap();
        let at =
            |name: &str, line, text: &str| Match { name: name.into(), line, text: text.into() };
        assert_eq!(matches, [at("api.md", 1, "Owner: jonas"), at("rota.md", 2, "Tuesday: Jonas")]);
        assert!(!more);
    }

    #[test]
    fn search_says_when_it_stopped_early() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("many"), "x\n".repeat(MATCHES + 1)).unwrap();
        let (matches, more) = search(directory.path(), "x").unwrap();
        assert_eq!((matches.len(), more), (MATCHES, true));
        assert_eq!(
            search(directory.path(), "").unwrap_err().kind(),
            interlock_guest::ErrorKind::InvalidArguments
        );
    }

    #[test]
    fn a_path_is_not_a_name() {
        for name in ["", ".", "..", "../secret", "a/b", "/etc/passwd", "a\\b", "a\0b", "a\nb"] {
            let error = testing::call(&crate::PLUGIN, "read", json!({ "name": name })).unwrap_err();
            assert_eq!(error.kind(), interlock_guest::ErrorKind::InvalidArguments, "{name:?}");
        }
    }

    #[test]
    fn without_a_directory_it_says_what_to_configure() {
        let missing = directory().path().join("missing");
        for error in [list(&missing).unwrap_err(), read(&missing, "a").unwrap_err()] {
            assert!(error.message().contains("preopens = [{ host = \"notes\", guest ="), "{error}");
        }
    }
}
