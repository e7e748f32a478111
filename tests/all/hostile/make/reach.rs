//! Every function of every capability, called on what lies beside the grant: not linked where its capability was not
//! granted, refused where it was, and put before people where it destroys.

use super::super::attack::Attack;
use super::attack;
use super::doors::{Arg, DOORS, Door};
use super::text::Caller;

const PROD: Arg = Arg::Word("prod");

/// Arguments that lead beyond every shape's grant, or to what only people may allow.
fn arguments(door: &Door) -> Vec<Arg> {
    let notes = Arg::Word("notes");
    match (door.capability, door.name) {
        (_, "list-environments") => vec![],
        (_, "list-services") => vec![Arg::Word("staging")],
        (_, "service-status") => vec![Arg::Word("staging"), Arg::Word("db")],
        (_, "read-config") => vec![Arg::Word("staging"), Arg::Word("db"), Arg::None],
        (_, "logs") => vec![Arg::Word("staging"), Arg::Word("db"), Arg::I32(10)],
        (_, "set-config") => vec![PROD, Arg::Word("db"), Arg::Word("mine = true")],
        (_, "rollback-config") => vec![PROD, Arg::Word("db"), Arg::I32(1)],
        (_, "scale-service") => vec![PROD, Arg::Word("db"), Arg::I32(2)],
        (_, "restart-service" | "stop-service" | "delete-service") => vec![PROD, Arg::Word("db")],
        (_, "delete-environment" | "recreate-environment") => vec![PROD],
        ("files/read", "list-root") => vec![notes, Arg::NoText],
        ("files/read", "list-folder") => vec![notes, Arg::Word("full"), Arg::NoText],
        ("files/read", "read-bytes") => {
            vec![notes, Arg::Word("kept.txt"), Arg::I64(0), Arg::I32(10)]
        }
        ("files/read" | "files/remove", "delete-folder") => vec![notes, Arg::Word("empty")],
        ("files/read" | "files/remove", _) => vec![notes, Arg::Word("kept.txt")],
        ("files/write", "make-folder") => vec![notes, Arg::Word("mine")],
        ("files/write", _) => vec![notes, Arg::Word("kept.txt"), Arg::Word("bWluZQ==")],
        ("http/send", _) => vec![
            Arg::Word("status"),
            Arg::Word("admin"),
            Arg::Empty,
            Arg::Empty,
            Arg::Body("text/plain", "mine"),
        ],
        ("http/remove", _) => {
            vec![Arg::Word("status"), Arg::Word("incidents/7"), Arg::Empty, Arg::Empty]
        }
        ("http/fetch", _) => vec![Arg::Word("status"), Arg::Word("admin"), Arg::Empty, Arg::Empty],
        ("kv/read", "keys") => vec![Arg::Word("neighbour"), Arg::NoText, Arg::I32(10)],
        ("kv/read", "all-keys") => vec![Arg::NoText, Arg::I32(10)],
        ("kv/read" | "kv/remove", _) => vec![Arg::Word("neighbour/secret")],
        ("kv/write", "set-if") => vec![Arg::Word("kept"), Arg::NoText, Arg::Word("mine")],
        _ => vec![Arg::Word("kept"), Arg::Word("mine")],
    }
}

fn row(capability: &str) -> &'static str {
    match capability.split('/').next() {
        Some("files") => "A5 D1",
        Some("http") => "A5 D4",
        _ => "A5",
    }
}

pub(super) fn all() -> Vec<Attack> {
    DOORS.iter().map(one).collect()
}

fn one(door: &'static Door) -> Attack {
    let mut caller = Caller::new();
    caller.call(door, &arguments(door));
    let what = format!("`{}` `{}`, beyond what was granted", door.capability, door.name);
    let name = format!("reach-{}{}", short(door.capability), door.name);
    let attack = attack(&name, row(door.capability), &what, caller.finish());
    let attack = match (door.capability, door.name) {
        // Its own keys are the plugin's, whoever else has some of the same name.
        ("kv/read", _) => attack.ends(0, "sees none of another plugin's keys"),
        ("kv/write", _) => {
            attack.ends(0, "keeps it among its own keys").effects("everything", 1)
        }
        ("kv/remove", _) => attack.ends(0, "sees none of another plugin's keys, and deletes none"),
        (capability, _) if ["environment/teardown", "files/remove", "http/remove"].contains(&capability) => {
            attack.ends(4, "is not linked where it is not granted; where it is, people are asked, and nothing happens")
        }
        _ => attack
            .ends(0, "is not linked where it is not granted; where it is, the call is denied")
            .says("denied"),
    };
    attack.needs(&[door.capability])
}

/// A plugin's name has 31 characters, and no two functions of one package have the same.
fn short(capability: &str) -> String {
    match capability.split('/').next() {
        None | Some("environment") => String::new(),
        Some(package) => format!("{package}-"),
    }
}
