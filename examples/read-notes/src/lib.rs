//! Read and search notes with the standard library's files. The host opens one directory, read-only,
//! as `/notes`; there is no other file anywhere in this plugin's world.

mod notes;

use std::path::Path;

use interlock_guest::prelude::*;
use notes::Match;

/// Where the operator's `preopens` put the notes.
const NOTES: &str = "/notes";

#[derive(Deserialize, JsonSchema)]
struct Name {
    /// The note's file name, as `list` gives it.
    name: String,
}

#[derive(Deserialize, JsonSchema)]
struct Query {
    /// What to look for, in any case.
    #[schemars(length(min = 1))]
    text: String,
}

#[derive(Serialize, JsonSchema)]
struct Names {
    /// File names, sorted.
    notes: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
struct Note {
    name: String,
    text: String,
}

#[derive(Serialize, JsonSchema)]
struct Matches {
    matches: Vec<Match>,
    /// There were more than are listed.
    more: bool,
}

/// The names of all notes.
#[tool(uses())]
fn list() -> Result<Names, ToolError> {
    Ok(Names { notes: notes::list(Path::new(NOTES))? })
}

/// The whole text of one note.
#[tool(uses())]
fn read(Name { name }: Name) -> Result<Note, ToolError> {
    let text = notes::read(Path::new(NOTES), &name)?;
    Ok(Note { name, text })
}

/// The lines of all notes that contain a text, at most 100.
#[tool(uses())]
fn search(Query { text }: Query) -> Result<Matches, ToolError> {
    let (matches, more) = notes::search(Path::new(NOTES), &text)?;
    Ok(Matches { matches, more })
}

plugin!(list, read, search);
