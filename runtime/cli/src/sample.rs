//! `interlock sample …`: the sample environment `prod`. It touches only an environment that it made
//! itself; a real `prod` is refused.

use super::{
    Ending,
    arguments::{SampleArguments, SampleCommand},
    output::{BOLD, DIM, GREEN, Output, RED, plain, styled},
    problem::Problem,
};
use interlock::{Config, HostError, helper::Helper};
use interlock_providers::{
    ProviderFault,
    environment::{
        EnvironmentProvider, RunnerProgram,
        sample::{self, Created, ServiceReport},
    },
};
use serde_json::json;
use std::path::Path;

/// What the sample is called.
pub(super) const NAME: &str = "prod";

pub(super) async fn run(arguments: &SampleArguments, file: &Path, output: &Output) -> Ending {
    let config = Config::load(file)?;
    if arguments.command == SampleCommand::Create {
        let created = create(&config)?;
        output.result(&json!({"status": created, "environment": NAME}), || {
            match created {
                Created::Made => {
                    "made the environment prod; start it with `interlock sample start`"
                }
                Created::AlreadyThere => "the environment prod is already there",
            }
            .to_owned()
        });
        return Ok(0);
    }
    if !config.environment_root.is_dir() {
        return Err(Problem::usage(format!(
            "there is no sample below {}; make one with `interlock sample create`",
            config.environment_root.display()
        )));
    }
    let (program, arguments_of) = Helper::this_program()?.role("runner");
    let runner = RunnerProgram { program, arguments: arguments_of };
    let provider =
        EnvironmentProvider::open(&config.environment_root, runner).map_err(HostError::from)?;
    let command = arguments.command;
    let progress = output.progress("working on the environment prod");
    // The provider waits for real processes: off the runtime's own threads.
    let report = tokio::task::spawn_blocking(move || work(&provider, command)).await;
    drop(progress);
    let report = report
        .map_err(|_| Problem::new(5, "host-fault", "the sample's provider panicked"))?
        .map_err(HostError::from)?;
    output.result(&json!({"environment": NAME, "services": report}), || text(&report));
    Ok(0)
}

fn work(
    provider: &EnvironmentProvider,
    command: SampleCommand,
) -> Result<Vec<ServiceReport>, ProviderFault> {
    match command {
        SampleCommand::Start => provider.start_sample(NAME)?,
        SampleCommand::Stop => provider.stop_sample(NAME)?,
        SampleCommand::Break => {
            provider.break_sample(NAME)?;
        }
        SampleCommand::Create | SampleCommand::Status => {}
    }
    provider.sample_status(NAME)
}

/// Makes the sample below a configuration's environment root.
pub(super) fn create(config: &Config) -> Result<Created, HostError> {
    let (program, arguments) = Helper::this_program()?.role("sample-service");
    let program = RunnerProgram { program, arguments };
    Ok(sample::create(&config.environment_root, NAME, &program)?)
}

fn text(report: &[ServiceReport]) -> String {
    let mut out = format!("{}\n", styled(BOLD, format!("environment {NAME}")));
    for service in report {
        let pids: Vec<String> = service.pids.iter().map(ToString::to_string).collect();
        let pids = if pids.is_empty() {
            "not running".to_owned()
        } else {
            format!("pid {}", pids.join(", "))
        };
        let health =
            if service.healthy { styled(GREEN, "healthy  ") } else { styled(RED, "unhealthy") };
        let url = service.url.as_deref().unwrap_or("");
        out.push_str(&format!(
            "  {:<8} {health}  {pids:<14} config {}  {url}  {}\n",
            service.service,
            service.config_version,
            styled(DIM, plain(&service.detail))
        ));
    }
    out
}
