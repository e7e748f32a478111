//! The files capability with the real binary: written where granted, refused beside it, and deleted only when
//! people signed for it.

use std::fs;

use anyhow::{Result, ensure};
use interlock_tests::{Deployment, root, staged_plugin};

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

/// The example plugin: looks, files away, is refused beside its grants, and deletes what two people signed for.
#[test]
fn a_note_is_found_filed_away_and_deleted_once_people_said_so() -> Result<()> {
    let deployment = Deployment::init()?;
    deployment.configure("[cli]", "[files.notes]\npath = \"notes\"\nwrite = true\n\n[cli]")?;
    let notes = deployment.path().join("notes");
    fs::create_dir(&notes)?;
    for (name, text) in [("rota.md", "Monday: Amira\n"), ("api.md", "Owner: Jonas\n")] {
        fs::write(notes.join(name), text)?;
    }
    let desk = Desk::over(deployment, "tidy-notes.discard", r#"{"note":"rota.md"}"#)?;
    let deployment = &desk.deployment;
    let install = |name: &str, archive: &str| -> Result<()> {
        let grants = [
            "interlock:files/read@0.1.0=files/notes".to_owned(),
            format!("interlock:files/write@0.1.0=files/notes/{archive}"),
            "interlock:files/remove@0.1.0=files/notes/rota.md".to_owned(),
        ];
        let grants: Vec<&str> = grants.iter().map(String::as_str).collect();
        deployment.install(&staged_plugin("tidy_notes")?, name, &grants)?.exit(0)?;
        Ok(())
    };
    install("tidy-notes", "archive")?;
    install("narrow", "elsewhere")?;
    let call = |tool: &str, arguments: &str| {
        deployment.run(&["call", tool, arguments, "--as", AGENT, "--json"])
    };
    let file_away = r#"{"note":"rota.md","summary":"who was on duty"}"#;

    // Allowed.
    call("tidy-notes.find", r#"{"text":"amira"}"#)?.exit(0)?.says(&["rota.md"])?;
    // Not before it is in the archive: nobody is asked.
    let early = desk.call(&[])?;
    ensure!(early.code != 0 && early.code != 4, "{early}");
    early.says(&["is not in the archive"])?;
    // Denied: outside of what this one was granted, and nothing of it happened.
    let denied = call("narrow.file-away", file_away)?.exit(3)?;
    ensure!(code_of(&denied)? == "outside-grant", "{denied}");
    ensure!(fs::read_dir(&notes)?.count() == 2);
    // A path that leads out is no note, and none is reached.
    let out = call("tidy-notes.file-away", r#"{"note":"../interlock.toml","summary":"x"}"#)?;
    ensure!(out.code != 0, "{out}");
    // Happens.
    call("tidy-notes.file-away", file_away)?.exit(0)?;
    ensure!(fs::read_to_string(notes.join("archive/rota.md"))? == "Monday: Amira\n");
    ensure!(fs::read_to_string(notes.join("archive/index.md"))? == "- rota.md: who was on duty\n");
    ensure!(notes.join("rota.md").exists());

    // What deletes waits for two people, and happens once.
    let asked = desk.ask()?;
    let document = deployment.run(&["approval", "show", &asked.0, "--raw"])?.exit(0)?;
    document.says(&["files/notes/rota.md", "delete-file"])?;
    desk.approve(&asked, "amira")?.exit(0)?;
    desk.call(&["--request", &asked.0])?.exit(4)?;
    ensure!(notes.join("rota.md").exists());
    desk.approve(&asked, "li")?.exit(0)?;
    desk.call(&["--request", &asked.0])?.exit(0)?;
    ensure!(!notes.join("rota.md").exists() && notes.join("archive/rota.md").exists());
    let again = desk.call(&["--request", &asked.0])?.exit(3)?;
    ensure!(code_of(&again)? == "request-consumed", "{again}");
    // Another note was not granted to be deleted, whoever would sign for it.
    let other = r#"{"note":"api.md","summary":"who owns it"}"#;
    call("tidy-notes.file-away", other)?.exit(0)?;
    let denied = call("tidy-notes.discard", r#"{"note":"api.md"}"#)?.exit(3)?;
    ensure!(code_of(&denied)? == "outside-grant", "{denied}");
    ensure!(notes.join("api.md").exists());
    deployment.run(&["journal", "verify"])?.exit(0)?;

    // Done again, all of it, a thousand times; what is there stays as it is.
    let before = fs::read_to_string(notes.join("archive/index.md"))?;
    ensure!(all_the_same(deployment, 1000)? == ["narrow", "tidy-notes"]);
    ensure!(fs::read_to_string(notes.join("archive/index.md"))? == before);
    ensure!(!notes.join("rota.md").exists());
    Ok(())
}
