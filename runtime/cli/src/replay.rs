//! `interlock replay`: a recorded invocation, done again offline. It asks nothing of the world and changes
//! nothing; it says whether the plugin did the same, and at which step not.

use super::{
    Ending,
    arguments::ReplayArguments,
    output::{BOLD, DIM, GREEN, Output, RED, YELLOW, plain, shown, styled},
};
use interlock::{
    Config, Host,
    host::read_plugin,
    record::{Asked, End},
    replay::{Difference, Player, Replayed, Verdict, recordings},
};
use interlock_authority::Mode;
use serde_json::{Value, json};
use std::path::Path;

/// What a difference ends with: the run deviated.
const DIFFERS: u8 = 3;
/// The most of a value that is shown to a person; `--json` has all of it.
const MOST_SHOWN: usize = 600;

pub(super) async fn run(arguments: &ReplayArguments, file: &Path, output: &Output) -> Ending {
    let host = Host::builder(Config::load(file)?).build()?;
    let bytes = arguments.plugin.as_deref().map(read_plugin).transpose()?;
    let runs = recordings(&host, &arguments.id).await?;
    let progress = output.progress(format!("replaying {}", plain(&arguments.id)));
    let mut told: Vec<Replayed> = Vec::new();
    if let Some(first) = runs.first() {
        let player = Player::admit(&host, first, bytes.as_ref()).await?;
        for run in &runs {
            let mut replayed = player.play(run).await?;
            // Once it differs, there is nothing to learn from doing it again.
            for _ in 1..arguments.times {
                if matches!(replayed.verdict, Verdict::Differs(_)) {
                    break;
                }
                replayed = player.play(run).await?;
            }
            told.push(replayed);
        }
    }
    drop(progress);
    let differs = told.iter().any(|run| matches!(run.verdict, Verdict::Differs(_)));
    let status = if differs { "differs" } else { "same" };
    let times = arguments.times;
    let value = json!({"status": status, "invocation": arguments.id, "times": times, "runs": told});
    output.result(&value, || {
        let mut out = told.iter().map(|run| text(run, times)).collect::<String>();
        if differs
            && let Some(run) = told.iter().find(|run| run.recorded_digest != run.replayed_digest)
        {
            out.push_str(&format!(
                "\n  It was another build of `{}` then: sha256 {}, and now {}.\n",
                plain(&run.plugin),
                run.recorded_digest,
                run.replayed_digest
            ));
        }
        out
    });
    Ok(if differs { DIFFERS } else { 0 })
}

fn text(run: &Replayed, times: u32) -> String {
    let purpose = match run.mode {
        Mode::Call => "ran",
        Mode::Plan => "planned",
        Mode::Apply => "applied",
    };
    let often = if times > 1 { format!(", {times} times") } else { String::new() };
    let (style, verdict) = match &run.verdict {
        Verdict::Same => (GREEN, "the same"),
        Verdict::SameSoFar => (YELLOW, "the same, as far as it went"),
        Verdict::Differs(_) => (RED, "differs"),
    };
    let calls = run.calls;
    let mut out = format!(
        "{}  {}  {}{often}\n",
        styled(BOLD, plain(&format!("{}.{}", run.plugin, run.tool))),
        styled(DIM, format!("{purpose}, {calls} call{}", if calls == 1 { "" } else { "s" })),
        styled(style, verdict),
    );
    match &run.verdict {
        Verdict::Same => {}
        Verdict::SameSoFar => out.push_str(
            "  It was ended from outside then, by its deadline or by whoever asked; so its end says nothing.\n",
        ),
        Verdict::Differs(Difference::Call { at, recorded, replayed }) => {
            out.push_str(&format!("\n  at capability call {at} of {calls}\n"));
            let none = |words: &str| styled(DIM, words);
            let recorded = recorded.as_deref().map_or_else(|| none("(it made no more)"), asked);
            let ended = format!("(it ended without it: {})", cut(&shown(&run.ended.to_string())));
            let replayed = replayed.as_deref().map_or_else(|| none(&ended), asked);
            out.push_str(&format!("    recorded  {recorded}\n    replayed  {replayed}\n"));
        }
        Verdict::Differs(Difference::End { recorded, replayed }) => {
            out.push_str("\n  at its end; every capability call was the same\n");
            for (what, recorded, replayed) in ends(recorded, replayed) {
                let (recorded, replayed) = (cut(&recorded), cut(&replayed));
                out.push_str(&format!("    recorded  {what} {recorded}\n    replayed  {what} {replayed}\n"));
            }
        }
    }
    out
}

fn asked(call: &Asked) -> String {
    let arguments = match &call.malformed {
        Some(problem) => format!("({})", plain(problem)),
        None => shown(&Value::from(call.arguments.clone()).to_string()),
    };
    cut(&format!("{}#{} {arguments}", call.interface, plain(&call.function)))
}

/// What of two ends is not the same.
fn ends(recorded: &End, replayed: &End) -> Vec<(&'static str, String, String)> {
    let fuel = |end: &End| end.fuel.map_or_else(|| "none".to_owned(), |fuel| fuel.to_string());
    let outcome = |end: &End| shown(&end.outcome.to_string());
    let all = [
        ("outcome", outcome(recorded), outcome(replayed)),
        ("fuel", fuel(recorded), fuel(replayed)),
        ("log", recorded.log.to_string(), replayed.log.to_string()),
        ("refused calls", recorded.withheld.to_string(), replayed.withheld.to_string()),
    ];
    all.into_iter().filter(|(_, recorded, replayed)| recorded != replayed).collect()
}

fn cut(text: &str) -> String {
    let mut out: String = text.chars().take(MOST_SHOWN).collect();
    if out.len() < text.len() {
        out.push_str(" … (`--json` shows all)");
    }
    out
}
