//! The files capability with the real binary: written where granted, refused beside it, and deleted only when
//! people signed for it.

use std::fs;

use anyhow::Result;
use interlock_tests::{Deployment, root};

use crate::desk::{Desk, code_of};
use crate::journeys::AGENT;
use crate::replay::all_the_same;

const WRITE: &str = "interlock:files/write@0.1.0=files/notes/2026";
const REMOVE: &str = "interlock:files/remove@0.1.0=files/notes/old.txt";

#[test]
fn files_are_written_where_granted_and_deleted_when_people_signed() -> Result<()> {
    let deployment = Deployment::init()?;
    deployment.configure("[cli]", "[files.notes]\npath = \"notes\"\nwrite = true\n\n[cli]")?;
    let notes = deployment.path().join("notes");
    fs::create_dir_all(notes.join("2026"))?;
    fs::write(notes.join("old.txt"), "old")?;
    fs::write(notes.join("kept.txt"), "kept")?;
    let desk = Desk::over(deployment, "notes.delete", r#"{"path":"old.txt"}"#)?;
    let component = root().join("tests/cases/counted/notes.wat");
    desk.deployment.install(&component, "notes", &[WRITE, REMOVE])?.exit(0)?;
    let call = |tool: &str, arguments: &str| {
        desk.deployment.run(&["call", tool, arguments, "--as", AGENT])
    };
    call("notes.write", r#"{"path":"2026/a.txt","content":"new"}"#)?.exit(0)?.says(&["true"])?;
    assert_eq!(fs::read_to_string(notes.join("2026/a.txt"))?, "new");
    for path in ["a.txt", "kept.txt", "2026x/a.txt", "2026/../kept.txt", "2026"] {
        let arguments = format!(r#"{{"path":"{path}","content":"new"}}"#);
        call("notes.write", &arguments)?.says(&["false"])?;
    }
    call("notes.delete", r#"{"path":"kept.txt"}"#)?;
    assert_eq!(fs::read_to_string(notes.join("kept.txt"))?, "kept");
    assert_eq!(fs::read_dir(&notes)?.count(), 3);
    // Planned, put before people, and not done until they signed.
    let asked = desk.ask()?;
    desk.approve(&asked, "amira")?.exit(0)?;
    desk.call(&["--request", &asked.0])?.exit(4)?;
    assert!(notes.join("old.txt").exists());
    desk.approve(&asked, "li")?.exit(0)?;
    desk.call(&["--request", &asked.0])?.exit(0)?;
    assert!(!notes.join("old.txt").exists());
    // Once.
    fs::write(notes.join("old.txt"), "another")?;
    desk.call(&["--request", &asked.0])?;
    assert_eq!(fs::read_to_string(notes.join("old.txt"))?, "another");
    // What people signed for is that file, not another one of its name.
    let asked = desk.approved()?;
    fs::write(notes.join("old.txt"), "changed")?;
    desk.call(&["--request", &asked])?.exit(3)?.says(&["stale"])?;
    assert!(notes.join("old.txt").exists());
    all_the_same(&desk.deployment, 1000)?;
    assert_eq!(fs::read_to_string(notes.join("old.txt"))?, "changed");
    // Nor one in another folder that was given the name since.
    let asked = desk.approved()?;
    let other = desk.deployment.path().join("other");
    fs::create_dir(&other)?;
    fs::write(other.join("old.txt"), "changed")?;
    desk.deployment.configure("path = \"notes\"", "path = \"other\"")?;
    let refused = desk.call(&["--request", &asked])?.exit(3)?;
    assert_eq!(code_of(&refused)?, "epoch-catalogues");
    assert!(other.join("old.txt").exists() && notes.join("old.txt").exists());
    Ok(())
}
