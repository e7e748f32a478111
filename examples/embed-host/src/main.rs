//! Interlock inside another program: one host, one call, the answer and what happened.
//!
//! `cargo run -p embed-host -- interlock.toml word-count.count '{"text":"one two"}' Agent::oncall-bot`

#![forbid(unsafe_code)]

use anyhow::{Context, Result, bail};
use interlock::{Host, Outcome, Request};

fn main() -> Result<()> {
    // The host starts this very program again to compile plugins and to own service processes.
    interlock::helper::run_if_asked();

    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [config, tool, json, principal] = &arguments[..] else {
        bail!("usage: embed-host CONFIG PLUGIN.TOOL JSON PRINCIPAL");
    };
    let (plugin, tool) = tool.split_once('.').context("a tool is written plugin.tool")?;
    let json = serde_json::from_str(json).context("the arguments are not JSON")?;
    let request = Request::new(principal.parse()?, plugin, tool, json);

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        let host = Host::from_file(config)?.build()?;
        let response = host.call(request).await?;
        for effect in &response.happened {
            eprintln!("{:?}: {} on {}", effect.status, effect.function, effect.resource);
        }
        match response.outcome {
            Outcome::Done { result } => println!("{result}"),
            other => bail!("{}", serde_json::to_string(&other)?),
        }
        Ok(())
    });
    // A provider may still hold a thread; waiting for it would undo the run's deadline.
    runtime.shutdown_background();
    ended
}
