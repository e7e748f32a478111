//! `interlock mcp`: the tools for one agent, on standard input and output; or, with `--connect`, a bridge to a
//! host of another user, which has a token and nothing else: no configuration, no keys, no journal.

use super::{
    Ending, arguments::McpArguments, call::principal, log, output::Output, problem::Problem,
    signals,
};
use interlock::{Config, Host, config::edit::read_text, desk::Askers, reload};
use interlock_surface::mcp::{bridge, serve_stdio};
use std::{path::Path, sync::Arc, time::Duration};

/// How long the process waits for effects that are under way, once its client is gone.
const LAST_WAIT: Duration = Duration::from_secs(60);
/// Where a bridge finds its token, if not in a file.
const TOKEN: &str = "INTERLOCK_TOKEN";

pub(super) async fn run(arguments: &McpArguments, file: &Path, output: &Output) -> Ending {
    if let Some(url) = &arguments.connect {
        let token = token(arguments.token_file.as_deref())?;
        let bridge = bridge::Bridge::to(url, token).map_err(Problem::usage)?;
        bridge
            .run(Box::pin(signals::ending()?))
            .await
            .map_err(|e| Problem::new(5, "not-connected", e))?;
        return Ok(0);
    }
    log::start(arguments.log.log_level, arguments.log.log_format);
    let config = Config::load(file)?;
    let principal = principal(arguments.principal.as_deref(), &config)?;
    let known = reload::fingerprint(&config);
    let host = Host::builder(config).build()?;
    let telemetry = host.telemetry().clone();
    let askers = Askers::of(Arc::new(host));
    if !askers.knows(&principal) {
        let message = format!("`{principal}` is not configured");
        return Err(Problem::new(3, "unknown-principal", message));
    }
    let following = reload::follow(file.to_owned(), known, askers.clone(), telemetry);
    let served = tokio::select! {
        served = serve_stdio(askers.asker(principal), Box::pin(signals::ending()?)) => served,
        () = following => Ok(()),
    };
    end(&askers, output).await;
    served
        .map_err(|e| Problem::new(2, "protocol", format!("the client does not speak MCP: {e}")))?;
    Ok(0)
}

/// Ends what is under way, and waits until the journal has its end.
pub(super) async fn end(askers: &Askers, output: &Output) {
    askers.stop();
    if !askers.quiet(LAST_WAIT).await {
        output.aside(
            "an effect has not ended; its end is unknown, and `interlock doctor` keeps telling of it",
        );
    }
    if let Err(error) = askers.settle().await {
        output.aside(format!("the journal's last entries may be lost: {error}"));
    }
    log::end();
}

fn token(file: Option<&Path>) -> Result<String, Problem> {
    let text = match file {
        Some(file) => read_text(file)?,
        None => std::env::var(TOKEN).map_err(|_| {
            Problem::usage(format!(
                "a bridge needs a token: set {TOKEN}, or name a file with `--token-file`; the operator of the host makes one with `interlock token create`"
            ))
        })?,
    };
    Ok(text.trim().to_owned())
}
