//! `cargo xtask`: set-up, checks and the demo, for somebody who has rustup and nothing else.
//!
//! Small on purpose: it is compiled before anything else, so its own dependencies must take seconds.
//! The mistake it stops: a check that somebody has to remember, or that reads "passed" when it was skipped.

#![forbid(unsafe_code)]

mod bench;
mod campaign;
mod crash;
mod demo;
mod fuzz;
mod guests;
mod host;
mod hostile;
mod load;
mod model;
mod release;
mod test;

use std::process::ExitCode;

use xtask::{Usage, command, paths, ui};

use crate::ui::Ui;

const USAGE: &str = "\
cargo xtask guests            find or install the guest target, build examples/, stage examples/target/plugins/*.wasm
cargo xtask test [STEP…]      every check, in order (all steps, or only the named ones)
cargo xtask test --list       the steps
cargo xtask crash [--points N] [--seed S]
                              the real binary, killed N times (10,800 where nothing is said)
cargo xtask model [--sequences N] [--seed S]
                              random sequences of events on a host and on a reference (10,000 where nothing is said)
cargo xtask fuzz [TARGET] [--seconds S]
                              libFuzzer over one target, or each in turn (a minute each, where nothing is said)
cargo xtask load [--clients N] [--seconds S]
                              a release build under many clients at once (200, for a minute, where nothing is said)
cargo xtask hostile [--shape SHAPE] [--json]
                              every component of the hostile corpus on one host, under every shape of grants
cargo xtask bench [--quick] [--json] [--write]
                              each number beside its floor; --write puts the table into docs/benchmarks.md
cargo xtask release [--out DIR] [--twice] [--profile NAME]
                              the binary for others, with digests, licences and a bill of materials, in target/dist;
                              --twice makes it again elsewhere and compares
cargo xtask demo [--keep]     the story with the real binary, in a fresh temporary directory (kept with --keep)

exit: 0 all passed · 1 something failed · 2 usage";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ui = Ui::from_environment();
    let result = match words.as_slice() {
        ["guests"] => guests::command(&ui),
        ["test", rest @ ..] => test::command(&ui, rest),
        ["crash", rest @ ..] => crash::command(&ui, rest),
        ["model", rest @ ..] => model::command(&ui, rest),
        ["fuzz", rest @ ..] => fuzz::command(&ui, rest),
        ["load", rest @ ..] => load::command(&ui, rest),
        ["hostile", rest @ ..] => hostile::command(&ui, rest),
        ["bench", rest @ ..] => bench::command(&ui, rest),
        ["release", rest @ ..] => match release::command(&ui, rest) {
            Ok(code) => return code,
            Err(error) => Err(error),
        },
        ["demo"] => demo::command(&ui, demo::Keep::No),
        ["demo", "--keep"] => demo::command(&ui, demo::Keep::Yes),
        [demo::guardian::SUBCOMMAND, binary, directory] => {
            demo::guardian::watch(binary.as_ref(), directory.as_ref())
        }
        [] | ["help" | "--help" | "-h"] => {
            ui.say(USAGE);
            return ExitCode::SUCCESS;
        }
        unknown => {
            let words = unknown.join(" ");
            Err(Usage(format!("`{words}` is not an xtask command\n\n{USAGE}")).into())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            ui.complain(&format!("{error:#}"));
            if error.is::<Usage>() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}
