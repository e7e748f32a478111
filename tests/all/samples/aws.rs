//! `examples/capabilities/aws` with the aws command, against a stand-in for AWS on the loopback. The shape of the
//! incident: an agent that mends one service, and a teardown that it does not get.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use interlock_tests::{Deployment, read, root, staged_plugin};
use serde_json::{Value, json};

use super::{Ending, Sample};
use crate::agents::clients;
use crate::desk::{at, code_of};
use crate::replay::all_the_same;

/// Where the sample has the command.
const AWS: &str = "/usr/local/bin/aws";
/// The command, and what the stand-in needs of AWS: pinned, so that a new one fails on the day it is chosen.
const PACKAGES: [&str; 5] =
    ["awscli==1.46.3", "moto==5.2.5", "flask==3.1.3", "flask-cors==6.0.5", "PyYAML==6.0.4"];
const REGION: &str = "AWS_DEFAULT_REGION = \"eu-central-1\"";
const KEYS: [(&str, &str); 4] = [
    ("aws.key-id", "AKIAEXAMPLEWORK00001"),
    ("aws.secret-key", "canary-work-5b0cbb7a9e"),
    ("aws-removal.key-id", "AKIAEXAMPLEREMOVE001"),
    ("aws-removal.secret-key", "canary-removal-77e1c4"),
];
const SERVICES: &str = "acme:aws/services@1.0.0=ecs/prod";
const DEPLOYMENTS: &str = "acme:aws/deployments@1.0.0=ecs/prod/service/api";
const STACKS: &str = "acme:aws/stacks@1.0.0=stack";
const REMOVAL: &str = "acme:aws/stack-removal@1.0.0=stack";
const RETIRE: (&str, &str) =
    ("retire-stack.retire", r#"{"stack":"billing","reason":"inconsistent after deploy 1841"}"#);

/// AWS, as far as the sample needs it.
struct Cloud {
    _server: Ending,
    /// A folder with the command.
    folder: tempfile::TempDir,
    endpoint: String,
}

impl Cloud {
    /// `None`, said loudly, where PyPI cannot be reached.
    fn start() -> Result<Option<Self>> {
        let name = PACKAGES.first().context("no package")?.replace("==", "-");
        let packages = clients::pip("the aws command and moto", &name, &PACKAGES)?;
        let Some(packages) = packages else { return Ok(None) };
        let asked =
            Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output()?;
        let python = String::from_utf8(asked.stdout)?.trim().to_owned();
        let mut server = Command::new(&python);
        server.arg(root().join("tests/clients/moto_server.py")).env("PYTHONPATH", &packages);
        server.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = Ending(server.spawn()?, "-TERM");
        let mut port = String::new();
        BufReader::new(server.0.stdout.take().context("no stdout")?).read_line(&mut port)?;
        let port: u16 = port.trim().parse().context("moto does not start")?;
        // Not the script that pip wrote: that one looks for its modules in the environment, which is empty.
        let folder = tempfile::tempdir()?;
        let script = format!(
            "#!{python}\nimport sys\nsys.path.insert(0, {:?})\nfrom awscli.clidriver import main\nsys.exit(main())\n",
            packages.display().to_string()
        );
        let cloud = Self { _server: server, folder, endpoint: format!("http://127.0.0.1:{port}") };
        fs::write(cloud.command(), script)?;
        fs::set_permissions(cloud.command(), fs::Permissions::from_mode(0o755))?;
        Ok(Some(cloud))
    }

    fn command(&self) -> PathBuf {
        self.folder.path().join("aws")
    }

    /// What somebody does with no host in between, or sees; none where AWS refuses.
    fn ask(&self, words: &[&str]) -> Result<Option<Value>> {
        let mut command = Command::new(self.command());
        command.env_clear().env("AWS_ENDPOINT_URL", &self.endpoint);
        command.envs([("AWS_DEFAULT_REGION", "eu-central-1"), ("AWS_ACCESS_KEY_ID", "somebody")]);
        command.envs([("AWS_SECRET_ACCESS_KEY", "else"), ("AWS_CONFIG_FILE", "/dev/null")]);
        let out = command.args(words).args(["--output", "json"]).output()?;
        if !out.status.success() {
            return Ok(None);
        }
        Ok(Some(serde_json::from_slice(&out.stdout).unwrap_or(Value::Null)))
    }

    /// The rollout of the service, as AWS itself tells it.
    fn rollout(&self) -> Result<Value> {
        let query = ["--query", "services[0].deployments[0].id"];
        let words = [&["ecs", "describe-services", "--cluster=prod", "--services=api"], &query[..]];
        self.ask(&words.concat())?.context("no service")
    }

    fn stack(&self) -> Result<Option<Value>> {
        self.ask(&["cloudformation", "describe-stacks", "--stack-name=billing"])
    }

    fn put_stack(&self, verb: &str, template: &str) -> Result<()> {
        let words = ["cloudformation", verb, "--stack-name=billing", "--template-body", template];
        self.ask(&words)?.context("no stack was made")?;
        Ok(())
    }
}

fn sample(command: &Path, endpoint: &str) -> Result<Sample> {
    let here = format!("{REGION}, AWS_ENDPOINT_URL = \"{endpoint}\"");
    let sample = Sample::new("aws", RETIRE, (AWS, command), &[(REGION, &here)])?;
    // As README.md says: an effect is up to seven starts of the command.
    sample.deployment().configure("time   = \"10s\"", "time = \"60s\"")?;
    for (file, key) in KEYS {
        sample.secret(file, key)?;
    }
    Ok(sample)
}

#[test]
fn a_service_is_redeployed_and_a_stack_waits_for_two_people() -> Result<()> {
    let Some(cloud) = Cloud::start()? else { return Ok(()) };
    let template = read("examples/capabilities/aws/stack.json")?;
    cloud.put_stack("create-stack", &template)?;
    let sample = sample(&cloud.command(), &cloud.endpoint)?;
    let deployment = sample.deployment();
    deployment.run(&["config", "check"])?.exit(0)?;
    deployment.run(&["policy", "check"])?.exit(0)?;

    // What was never granted is not there; the plugin that mends asks for nothing that deletes.
    let refused = sample.install("retire-stack", &[STACKS])?.exit(3)?;
    refused.says(&["acme:aws/stack-removal@1.0.0", "destroy"])?;
    sample.install("redeploy", &[SERVICES, DEPLOYMENTS])?.exit(0)?;
    ensure!(sample.started()? == 0, "nothing of it has run");

    // One service: allowed, and it happens.
    let api = json!({"cluster": "prod", "service": "api"});
    let before = cloud.rollout()?;
    let seen = sample.call("redeploy.status", &api)?.exit(0)?.json()?;
    ensure!(*at(&seen, "/result/deployments/0/id") == before, "{seen}");
    let services = sample.call("redeploy.services", &json!({"cluster": "prod"}))?.exit(0)?;
    services.says(&["service/prod/api", "service/prod/worker"])?;
    let plan = ["plan", "redeploy.redeploy", &api.to_string(), "--as", crate::journeys::AGENT];
    deployment.run(&plan)?.exit(0)?.says(&["ecs/prod/service/api", "redeploy"])?;
    ensure!(cloud.rollout()? == before, "a plan changes nothing");
    let done = sample.call("redeploy.redeploy", &api)?.exit(0)?.json()?;
    ensure!(*at(&done, "/result/desired") == 2, "{done}");
    let after = cloud.rollout()?;
    ensure!(after != before, "{after}");
    ensure!(sample.outcomes("redeploy", "done")? == 1);
    // Its neighbour is not granted, another cluster not even to look at, and what does not exist is no effect.
    let worker = json!({"cluster": "prod", "service": "worker"});
    sample.call("redeploy.redeploy", &worker)?.exit(3)?.says(&["outside-grant"])?;
    let staging = json!({"cluster": "staging", "service": "api"});
    sample.refused("redeploy.redeploy", &staging, "outside-grant")?;
    let none = json!({"cluster": "prod", "service": "nobody"});
    sample.call("redeploy.status", &none)?.exit(1)?.says(&["there is no such service"])?;

    // The stack: two people, and not the world that they did not see.
    sample.install("retire-stack", &[STACKS, REMOVAL])?.exit(0)?;
    let asked = sample.desk.ask()?;
    let document = deployment.run(&["approval", "show", &asked.0, "--raw"])?.exit(0)?;
    document.says(&["DESTROY  stack/billing", "delete-stack", "AWS::ECS::Service"])?;
    sample.desk.approve(&asked, "amira")?.exit(0)?;
    sample.desk.call(&["--request", &asked.0])?.exit(4)?;
    sample.desk.approve(&asked, "li")?.exit(0)?;
    cloud.put_stack("update-stack", &template.replace("\"jobs\"", "\"more-jobs\""))?;
    let stale = sample.desk.call(&["--request", &asked.0])?.exit(3)?;
    ensure!(code_of(&stale)? == "stale", "{stale}");
    ensure!(cloud.stack()?.is_some());
    let id = sample.desk.approved()?;
    sample.desk.call(&["--request", &id])?.exit(0)?;
    ensure!(cloud.stack()?.is_none(), "it is still there");
    ensure!(sample.outcomes("delete-stack", "done")? == 1);
    ensure!(code_of(&sample.desk.call(&["--request", &id])?.exit(3)?)? == "request-consumed");
    deployment.run(&["journal", "verify"])?.exit(0)?;
    all_the_same(deployment, 1000)?;
    sample.nowhere_else(&KEYS)
}

#[test]
fn at_most_once_what_aws_did_not_answer_is_unknown() -> Result<()> {
    // The command is asked for a revision and a dry run, and loses its connection at the effect.
    let folder = tempfile::tempdir()?;
    let lost = folder.path().join("aws");
    fs::write(
        &lost,
        "#!/bin/sh\ncase \"$2 $*\" in\n\
         update-service*) echo 'Read timeout on endpoint URL' >&2; exit 255 ;;\n\
         *arn*) echo '{\"arn\":\"a\",\"desired\":1,\"running\":1,\"pending\":0,\"task-definition\":\"t\",\"deployments\":[]}' ;;\n\
         *task-definition*) echo '{\"task-definition\":\"t\",\"desired\":1}' ;;\n\
         *) echo '[\"one\"]' ;;\nesac\n",
    )?;
    fs::set_permissions(&lost, fs::Permissions::from_mode(0o755))?;
    let sample = sample(&lost, "http://127.0.0.1:9")?;
    sample.install("redeploy", &[SERVICES, DEPLOYMENTS])?.exit(0)?;
    let api = json!({"cluster": "prod", "service": "api"});
    let ran = sample.call("redeploy.redeploy", &api)?.exit(5)?;
    ran.says(&["unknown"])?;
    ensure!(sample.outcomes("redeploy", "unknown")? == 1);
    Ok(())
}

#[test]
fn a_host_without_the_catalogue_does_not_say_that_a_plugin_asks_for_nothing() -> Result<()> {
    let file = staged_plugin("redeploy")?.display().to_string();
    let told = Deployment::init()?.run(&["plugin", "inspect", &file])?;
    let told = told.says(&["acme:aws/deployments@1.0.0", "asks for what is not known here"])?;
    ensure!(!told.stdout.contains("Asks for nothing"), "{told}");
    Ok(())
}

#[test]
fn no_hostile_argument_starts_the_aws_command() -> Result<()> {
    let sample = sample(Path::new("/bin/true"), "http://127.0.0.1:9")?;
    sample.install("redeploy", &[SERVICES, DEPLOYMENTS])?.exit(0)?;
    sample.install("retire-stack", &[STACKS, REMOVAL])?.exit(0)?;
    let api = json!({"cluster": "prod", "service": "api"});
    sample.refuses_hostile("redeploy.status", &api, "cluster")?;
    sample.refuses_hostile("redeploy.redeploy", &api, "service")?;
    let stack = json!({"stack": "billing", "reason": "a test"});
    sample.refuses_hostile("retire-stack.retire", &stack, "stack")?;
    ensure!(sample.started()? == 0);
    let network = r#"{"stack":"network"}"#;
    let removal = "acme:aws/stack-removal@1.0.0#delete-stack";
    sample.forbidden(RETIRE.0, removal, network, "everything-stands-on")?;
    for (policy, deletes) in [("iam-work.json", false), ("iam-removal.json", true)] {
        let policy = read(&format!("examples/capabilities/aws/{policy}"))?;
        serde_json::from_str::<Value>(&policy)?;
        ensure!(policy.contains("Delete") == deletes, "{policy}");
    }
    // The counter counts: a plain name reaches the program.
    sample.call("redeploy.status", &api)?.exit(1)?;
    ensure!(sample.started()? == 1);
    Ok(())
}
