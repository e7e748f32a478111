//! `interlock serve`: the tools for many agents, over HTTP, each with a token of its own. It ends in order:
//! nothing new is taken, what runs is given time and then ended, and the journal has all of it.

use super::{
    Ending, arguments::ServeArguments, mcp::end, output::Output, problem::Problem, reload, signals,
};
use crate::{Config, Host, desk::Askers, surface::mcp::http, tokens::Tokens};
use serde_json::json;
use std::{path::Path, sync::Arc};

pub(super) async fn run(arguments: &ServeArguments, file: &Path, output: &Output) -> Ending {
    let config = Config::load(file)?;
    let mut serving = config.serving.clone();
    if let Some(listen) = arguments.listen {
        serving.listen = listen;
    }
    let tokens = Tokens::in_state(&config.state);
    // One that cannot be read is told of now, not to each agent later.
    let good = tokens.all()?.len();
    let known = reload::fingerprint(&config);
    let askers = Askers::of(Arc::new(Host::builder(config).build()?));
    let stop = signals::ending()?;
    let server = http::Server::bind(askers.clone(), tokens, serving).await.map_err(|e| {
        Problem::new(2, "listen", e).more("  Another `--listen ADDRESS:PORT` may be free.")
    })?;
    let at = format!("http://{}{}", server.address(), http::PATH);
    output.result(&json!({"status": "serving", "url": at}), || format!("serving {at}"));
    if good == 0 {
        output.aside("nobody has a token yet: `interlock token create --as AGENT` makes one");
    }
    let following = tokio::spawn(reload::follow(file.to_owned(), known, askers.clone()));
    server.run(stop).await;
    following.abort();
    end(&askers, output).await;
    Ok(0)
}
