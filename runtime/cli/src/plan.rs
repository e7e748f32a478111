//! `interlock plan`: the effects a tool would have, as far as they can be said exactly. Nothing is
//! performed.

use super::{
    Ending,
    arguments::PlanArguments,
    call,
    output::{BOLD, DIM, Output, RED, YELLOW, plain, styled},
};
use interlock::{Host, Outcome, Response, config::Config, response::PlanEnd};
use interlock_authority::{Class, Planned, Scope};
use serde_json::Value;
use std::path::Path;

pub(super) async fn run(arguments: &PlanArguments, file: &Path, output: &Output) -> Ending {
    let config = Config::load(file)?;
    let request = call::first(&arguments.wish, &config)?;
    let host = Host::builder(config).build()?;
    let response =
        host.plan(request).await.map_err(|e| super::plugin::explain_installed(e, &host))?;
    call::log(&response, output);
    output.result(&response, || text(&arguments.wish.tool, &response));
    if !matches!(response.outcome, Outcome::Planned { .. }) {
        let word = response.outcome.code();
        output.aside(format!(
            "{} {}",
            styled(RED, format!("{word}:")),
            call::message(&response.outcome)
        ));
    }
    output.aside(styled(DIM, format!("invocation {}", response.invocation)));
    Ok(response.outcome.exit_code())
}

fn text(tool: &str, response: &Response) -> String {
    let Outcome::Planned { effects, end, .. } = &response.outcome else { return String::new() };
    let count = effects.len();
    let mut out = format!(
        "plan of {}: {count} effect{}. Nothing was done.\n",
        styled(BOLD, tool),
        if count == 1 { "" } else { "s" }
    );
    for (index, planned) in effects.iter().enumerate() {
        out.push_str(&effect(index + 1, planned));
    }
    out.push('\n');
    out.push_str(&match end {
        PlanEnd::Complete => "The plan is complete: the tool ended by itself.".to_owned(),
        PlanEnd::Horizon { reason } => {
            format!(
                "The plan ends here: {}.\nWhat comes after needs a plan of its own.",
                plain(reason)
            )
        }
    });
    out.push('\n');
    out
}

fn effect(number: usize, planned: &Planned) -> String {
    let (call, forecast) = (&planned.call, &planned.forecast);
    let style = if call.class() == Class::Destroy { RED } else { YELLOW };
    let below = if call.scope() == Scope::Subtree { "  and all below it" } else { "" };
    let mut out = format!(
        "\n {number:>2}  {}  {}{below}\n     {}  {}\n",
        styled(style, call.class().as_str().to_uppercase()),
        call.resource(),
        call.interface(),
        call.function()
    );
    for (name, value) in call.arguments() {
        out.push_str(&format!("       {name} = {}\n", shortened(value)));
    }
    let mut lead = "Touches";
    for touched in &forecast.touches {
        out.push_str(&format!("     {lead:<7}  {touched}\n"));
        lead = "";
    }
    let counts: Vec<String> =
        forecast.counts.iter().map(|(what, n)| format!("{what} {n}")).collect();
    out.push_str(&format!(
        "     {}{}{}; refused if the world has moved since revision {}\n",
        plain(&forecast.verb),
        if counts.is_empty() { "" } else { ": " },
        plain(&counts.join(", ")),
        plain(forecast.revision.as_str())
    ));
    if let Some(note) = &forecast.note {
        out.push_str(&format!("     the provider says: {}\n", plain(note)));
    }
    out
}

fn shortened(value: &Value) -> String {
    let text = plain(&value.to_string());
    if text.chars().count() <= 120 {
        return text;
    }
    let head: String = text.chars().take(80).collect();
    let count = text.chars().count();
    let tail: String = text.chars().skip(count - 30).collect();
    format!("{head} … {tail} ({count} characters)")
}
