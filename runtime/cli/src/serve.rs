//! `interlock serve`: the tools for many agents, over HTTP, each with a token of its own. It ends in order:
//! nothing new is taken, what runs is given time and then ended, and the journal has all of it.

use super::{
    Ending, arguments::ServeArguments, log, mcp::end, output::Output, problem::Problem, signals,
};
use interlock::{Config, Host, desk::Askers, reload, tokens::Tokens};
use interlock_surface::{mcp::http, metrics::Metrics};
use serde_json::json;
use std::{path::Path, sync::Arc};

pub(super) async fn run(arguments: &ServeArguments, file: &Path, output: &Output) -> Ending {
    log::start(arguments.log.log_level, arguments.log.log_format);
    let config = Config::load(file)?;
    let mut serving = config.serving.clone();
    if let Some(listen) = arguments.listen {
        serving.listen = listen;
    }
    let tokens = Tokens::in_state(&config.state);
    // One that cannot be read is told of now, not to each agent later.
    let good = tokens.all()?.len();
    let known = reload::fingerprint(&config);
    let host = Host::builder(config).build()?;
    let telemetry = host.telemetry().clone();
    let askers = Askers::of(Arc::new(host));
    let stop = signals::ending()?;
    let metrics = arguments.metrics.or(serving.metrics);
    let listening = |e, option: &str| {
        let next = format!("  Another `{option} ADDRESS:PORT` may be free.");
        Problem::new(2, "listen", e).more(next)
    };
    let server = http::Server::bind(askers.clone(), tokens, serving, telemetry.clone())
        .await
        .map_err(|e| listening(e, "--listen"))?;
    let at = format!("http://{}{}", server.address(), http::PATH);
    let metrics = match metrics {
        Some(address) => Some(
            Metrics::bind(address, askers.clone(), telemetry.clone(), log::lost)
                .await
                .map_err(|e| listening(e, "--metrics"))?,
        ),
        None => None,
    };
    let numbers = metrics.as_ref().map(Metrics::url);
    let told = json!({"status": "serving", "url": at, "metrics": numbers});
    output.result(&told, || match &numbers {
        Some(numbers) => format!("serving {at}, and numbers at {numbers}"),
        None => format!("serving {at}"),
    });
    if good == 0 {
        output.aside("nobody has a token yet: `interlock token create --as AGENT` makes one");
    }
    let counting = metrics.map(|metrics| tokio::spawn(metrics.run()));
    let following = tokio::spawn(reload::follow(file.to_owned(), known, askers.clone(), telemetry));
    server.run(Box::pin(stop)).await;
    following.abort();
    end(&askers, output).await;
    // To the last: how it ends is watched too.
    if let Some(counting) = counting {
        counting.abort();
    }
    Ok(0)
}
