//! Notes in a folder that the operator named: find them, file one away, discard what was filed away. The folder is called
//! `notes`; where it is, is the operator's configuration, and no path from here leads out of it.

use interlock_guest::files::{Error, Kind, read, remove, write};
use interlock_guest::prelude::*;

const FOLDER: &str = "notes";
const ARCHIVE: &str = "archive";
/// Says what was filed away, and what it was about.
const INDEX: &str = "archive/index.md";

#[derive(Deserialize, JsonSchema)]
struct Query {
    /// What to look for, in any case.
    #[schemars(length(min = 1))]
    text: String,
}

#[derive(Serialize, JsonSchema)]
struct Found {
    /// The notes that have it, by name.
    notes: Vec<String>,
}

#[derive(Deserialize, JsonSchema)]
struct Filing {
    /// The note's name, as `find` gives it.
    note: String,
    /// What it was about: one line for the index.
    #[schemars(length(min = 1, max = 200))]
    summary: String,
}

#[derive(Deserialize, JsonSchema)]
struct Note {
    /// The note's name, as `find` gives it.
    note: String,
}

#[derive(Serialize, JsonSchema)]
struct Done {
    did: String,
}

/// The notes that contain a text.
#[tool(uses(read))]
fn find(Query { text }: Query) -> Result<Found, ToolError> {
    let wanted = text.to_lowercase();
    let mut notes = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let listing = read::list_root(FOLDER, after.as_deref())?;
        for entry in listing.entries.iter().filter(|entry| entry.kind == Kind::File) {
            match read::read_text(FOLDER, &entry.name) {
                Ok(text) if text.to_lowercase().contains(&wanted) => notes.push(entry.name.clone()),
                // What is no text is no note; what went since it was listed is not there to be found.
                Ok(_) | Err(Error::Invalid(_) | Error::NotFound(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        after = listing.entries.last().map(|entry| entry.name.clone()).filter(|_| listing.more);
        if after.is_none() {
            return Ok(Found { notes });
        }
    }
}

/// Copy a note into the archive, whole, with a line in its index. The note itself stays.
#[tool(uses(read, write))]
fn file_away(Filing { note, summary }: Filing) -> Result<Done, ToolError> {
    let text = read_note(&note)?;
    if summary.trim().is_empty() || summary.contains(char::is_control) {
        return Err(ToolError::invalid_arguments("`summary` is one line that says something"));
    }
    // All reads come first, so a plan is the whole of it.
    write::make_folder(FOLDER, ARCHIVE)?;
    write::write_text(FOLDER, &copy_of(&note), &text)?;
    write::append_text(FOLDER, INDEX, &format!("- {note}: {summary}\n"))?;
    Ok(Done { did: format!("filed {note} away") })
}

/// Delete a note that was filed away and did not change since. It waits for people.
#[tool(uses(read, remove))]
fn discard(Note { note }: Note) -> Result<Done, ToolError> {
    let text = read_note(&note)?;
    match read::read_text(FOLDER, &copy_of(&note)) {
        Ok(copy) if copy == text => {}
        Ok(_) | Err(Error::NotFound(_)) => {
            return Err(ToolError::invalid_arguments(format!(
                "`{note}` is not in the archive as it is now; `file-away` puts it there"
            )));
        }
        Err(error) => return Err(error.into()),
    }
    remove::delete_file(FOLDER, &note)?;
    Ok(Done { did: format!("deleted {note}; its copy is in the archive") })
}

fn copy_of(note: &str) -> String {
    format!("{ARCHIVE}/{note}")
}

/// The text of a note at the top of the folder. A path is refused for a better error; what keeps this plugin where it may
/// be is the host.
fn read_note(note: &str) -> Result<String, ToolError> {
    // Its copy would be written where the index is.
    if note.contains('/') || note == "index.md" {
        return Err(ToolError::invalid_arguments(format!(
            "`{}` is not the name of a note that can be filed; `find` gives names",
            note.escape_debug()
        )));
    }
    match read::read_text(FOLDER, note) {
        Err(Error::NotFound(_)) => {
            Err(ToolError::invalid_arguments(format!("there is no note `{note}`")))
        }
        other => Ok(other?),
    }
}

plugin!(find, file_away, discard);

#[cfg(test)]
mod tests {
    use interlock_guest::ErrorKind;
    use interlock_guest::files::{remove, write};
    use interlock_guest::prelude::*;
    use interlock_guest::testing::{Fake, call};

    use super::PLUGIN;

    fn notes() -> Fake {
        Fake::new()
            .file("notes", "rota.md", "Monday: Amira\n")
            .file("notes", "api.md", "Owner: amira\n")
            .file("notes", "archive/old.md", "amira\n")
            .file("notes", "old.md", "amira, since\n")
    }

    #[test]
    fn finding_only_looks_at_notes() {
        let fake = notes().withhold(write::INTERFACE).withhold(remove::INTERFACE).install();
        let found = call(&PLUGIN, "find", json!({"text": "AMIRA"})).unwrap();
        assert_eq!(found, json!({"notes": ["api.md", "old.md", "rota.md"]}));
        assert!(fake.effects().is_empty());
    }

    #[test]
    fn more_notes_than_one_listing_has_are_all_found() {
        let fake = (0..501).fold(Fake::new(), |f, n| f.file("notes", &format!("{n:03}"), "x"));
        let _fake = fake.install();
        let found = call(&PLUGIN, "find", json!({"text": "x"})).unwrap();
        assert_eq!(found["notes"].as_array().unwrap().len(), 501);
    }

    #[test]
    fn a_note_is_filed_away_whole_and_its_plan_is_whole() {
        let fake = notes().install();
        let filing = json!({"note": "rota.md", "summary": "who was on duty"});
        call(&PLUGIN, "file-away", filing).unwrap();
        assert_eq!(fake.file("notes", "archive/rota.md").unwrap(), "Monday: Amira\n");
        assert_eq!(fake.file("notes", "archive/index.md").unwrap(), "- rota.md: who was on duty\n");
        assert!(fake.file("notes", "rota.md").is_some() && fake.plan().complete);
    }

    #[test]
    fn only_what_is_in_the_archive_as_it_is_can_be_discarded() {
        let fake = notes().install();
        let discard = |note: &str| call(&PLUGIN, "discard", json!({ "note": note }));
        for note in ["rota.md", "old.md", "none.md", "archive/old.md", "index.md"] {
            assert_eq!(discard(note).unwrap_err().kind(), ErrorKind::InvalidArguments, "{note}");
        }
        assert!(fake.effects().is_empty());
        call(&PLUGIN, "file-away", json!({"note": "rota.md", "summary": "duty"})).unwrap();
        discard("rota.md").unwrap();
        assert_eq!(fake.effects().last().unwrap(), "delete-file(notes, rota.md)");
        assert!(fake.file("notes", "archive/rota.md").is_some());
    }

    #[test]
    fn a_summary_cannot_write_another_line_of_the_index() {
        let fake = notes().install();
        for summary in ["", "  ", "x\n- api.md: all in order"] {
            let filing = json!({"note": "rota.md", "summary": summary});
            let error = call(&PLUGIN, "file-away", filing).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArguments, "{summary:?}");
        }
        assert!(fake.effects().is_empty());
    }
}
