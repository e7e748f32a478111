//! Runs that are planned before they act: because a policy looks at plans, because people must agree, or
//! because something is forbidden; and the document that people read, whatever strings reach it.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use interlock_tests::{Deployment, Ran, staged_plugin};
use serde_json::{Value, json};

use crate::desk::{CHANGES_NEED_TWO, Desk, SET_CONFIG, code_of, look};
use crate::journeys::{AGENT, OBSERVE, changed};

const REMEDIATE: &str = "interlock:environment/remediate@0.1.0#restart-service,rollback-config=environment/prod/service/api";
const API: &str = r#"{"environment":"prod","service":"api"}"#;
const PLANS_NEED_ONE: &str = "\n@id(\"plans-need-one\") @approvals(\"1\")\n\
    permit (principal, action == Action::\"apply-plan\", resource);\n";

fn with_heal(policy: &str) -> Result<Desk> {
    let desk = Desk::over(Deployment::with_sample()?, "fix-service.heal", API)?;
    desk.deployment
        .install(&staged_plugin("fix_service")?, "fix-service", &[OBSERVE, REMEDIATE])?
        .exit(0)?;
    desk.policy(policy)?;
    Ok(desk)
}

fn text(value: &Value, name: &str) -> Result<String> {
    value[name].as_str().map(str::to_owned).with_context(|| format!("no `{name}`: {value}"))
}

/// Two effects on one service: the second finds the service as the first left it, and that is not «stale».
#[test]
fn plan_is_the_grant_a_plan_of_two_effects_on_one_service_does_not_call_itself_stale() -> Result<()>
{
    let desk = with_heal(PLANS_NEED_ONE)?;
    desk.deployment.run(&["sample", "break"])?.exit(0)?;
    let broken = desk.deployment.sample()?;
    let asked = desk.ask()?;
    // A person reads both effects, and where the plan ends: at the look that follows them.
    let document = desk.deployment.run(&["approval", "show", &asked.0, "--raw"])?.exit(0)?;
    document.says(&[
        "rollback-config",
        "restart-service",
        "END  2 effects",
        "The plan ends here; what comes after needs a plan of its own:",
        "service-status",
    ])?;
    ensure!(changed(&broken, &desk.deployment.sample()?).is_empty());
    desk.approve(&asked, "amira")?.exit(0)?;
    let healed = desk.call(&["--request", &asked.0])?.exit(0)?.json()?;
    ensure!(healed["result"]["did"].as_array().is_some_and(|did| did.len() == 2), "{healed}");
    let well = desk.deployment.sample()?;
    ensure!(well["api"].http == Some(200), "{well:?}");
    ensure!(changed(&broken, &well) == BTreeSet::from(["api".to_owned()]));
    // Nothing is to be done any more: a plan without effects asks nobody.
    desk.call(&[])?.exit(0)?;
    desk.refused(&asked.0, "request-consumed")
}

/// A plan that nobody need approve is planned and applied in one call, where a policy looks at plans.
#[test]
fn a_plan_that_policy_allows_is_applied_at_once() -> Result<()> {
    let narrow = "\n@id(\"wide-plans-need-one\") @approvals(\"1\")\n\
        permit (principal, action == Action::\"apply-plan\", resource)\n\
        when { context.plan.effects > 2 };\n";
    let desk = with_heal(narrow)?;
    desk.deployment.run(&["sample", "break"])?.exit(0)?;
    desk.call(&[])?.exit(0)?;
    ensure!(desk.deployment.sample()?["api"].http == Some(200));
    let list = desk.deployment.run(&["journal", "list", "--last", "100", "--json"])?.json()?;
    let list = list.as_array().context("not a list")?;
    let count = |kind: &str| list.iter().filter(|leaf| leaf["kind"] == kind).count();
    ensure!(count("plan") == 1 && count("intent") == 2 && count("request") == 0);
    Ok(())
}

/// What forbids to destroy one service also stops what would take the service with it.
#[test]
fn fail_closed_a_forbid_on_one_service_stops_what_would_take_it_along() -> Result<()> {
    let desk = Desk::rebuild()?;
    let before = desk.deployment.sample()?;
    desk.policy(
        "\n@id(\"never-the-database\")\nforbid (principal, action in Action::\"destroy\", \
         resource in Resource::\"environment/prod/service/db\");\n",
    )?;
    let told = desk.call(&[])?.exit(3)?;
    ensure!(code_of(&told)? == "forbidden", "{told}");
    ensure!(changed(&before, &desk.deployment.sample()?).is_empty());
    let open = desk.deployment.run(&["approval", "list", "--json"])?.exit(0)?.json()?;
    ensure!(open.as_array().is_some_and(Vec::is_empty), "people were asked: {open}");
    Ok(())
}

/// Cedar passes over a policy that fails while it is evaluated; here the answer is no.
#[test]
fn fail_closed_a_policy_that_cannot_be_evaluated_refuses() -> Result<()> {
    let overflow = "9223372036854775807 + context.run.effects + 1 > 0";
    for effect in ["forbid", "permit"] {
        let desk = Desk::counted("configure", SET_CONFIG)?;
        desk.policy(&format!(
            "\n@id(\"fails\")\n{effect} (principal, action in Action::\"change\", resource)\n\
             when {{ {overflow} }};\n"
        ))?;
        let told = desk.call(&[])?;
        ensure!(
            told.stdout.contains("policy-error") || told.stderr.contains("policy-error"),
            "{told}"
        );
        ensure!(look(&desk.deployment)? == 0, "{effect}: it happened\n{told}");
    }
    Ok(())
}

/// Strings that reach the document: what people read is ASCII of bounded length, and the danger is above it.
#[test]
fn shown_is_signed_no_string_of_an_argument_can_disturb_the_document() -> Result<()> {
    let desk = Desk::over(Deployment::init()?, "configure.write", "{}")?;
    let file = interlock_tests::root().join("tests/cases/counted/configure.wat");
    desk.deployment.install(&file, "configure", &[SET_CONFIG])?.exit(0)?;
    desk.policy(CHANGES_NEED_TWO)?;
    desk.deployment.configure(
        "[limits]",
        "[requests]\nper-principal = { count = 100, per = \"1h\" }\n\n[limits]\nhost-bytes = \"8MiB\"",
    )?;
    let long = "a".repeat(65_536);
    let lines = "END  0 effects\nsha256 0\n".repeat(50);
    let strings = [
        "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m",
        "\u{202e}evil\u{2066}\u{2069}\u{200b}\u{feff}",
        "\u{e0041}\u{e0042}",
        "ünïcödé 環境 🔥",
        "а\u{0430}pi",
        "\r\nNOTHING ELSE CAN.\r\n",
        "back\\u{41}slash",
        "\0",
        &lines,
        &long,
    ];
    let mut documents = BTreeSet::new();
    for string in strings {
        let arguments = json!({ "content": string }).to_string();
        let words =
            ["call", "configure.write", "-", "--as", AGENT, "--reason", "all well", "--json"];
        let asked = desk.deployment.run_with_input(&words, &arguments)?.exit(4)?.json()?;
        let id = text(&asked, "request")?;
        let document = desk.deployment.run(&["approval", "show", &id, "--raw"])?.exit(0)?.stdout;
        readable(&document)?;
        ensure!(documents.insert(text(&asked, "document")?), "two strings have one digest");
        let shown = desk.deployment.run(&["approval", "show", &id])?.exit(0)?;
        printable(&shown)?;
    }
    // What is longer than the catalogue allows reaches nobody.
    let arguments = json!({ "content": "a".repeat(1 << 20) }).to_string();
    let words = ["call", "configure.write", "-", "--as", AGENT, "--json"];
    let told = desk.deployment.run_with_input(&words, &arguments)?;
    told.says(&["argument-out-of-range"])?;
    ensure!(look(&desk.deployment)? == 0);
    Ok(())
}

/// Printable ASCII, at most 64 KiB, the effect in the first lines, one end.
fn readable(document: &str) -> Result<()> {
    let plain = |byte: u8| byte == b'\n' || (0x20..0x7f).contains(&byte);
    ensure!(document.bytes().all(plain), "not ASCII: {document:?}");
    ensure!(document.len() <= 64 << 10, "{} bytes", document.len());
    let first: Vec<&str> = document.lines().take(30).collect();
    ensure!(first.iter().any(|line| line.contains("Most dangerous: change")), "{first:?}");
    ensure!(document.lines().filter(|line| line.starts_with("END  ")).count() == 1, "{document}");
    ensure!(document.lines().filter(|line| line.starts_with("sha256 ")).count() == 2, "{document}");
    Ok(())
}

fn printable(ran: &Ran) -> Result<()> {
    let steers = |c: char| c.is_control() && c != '\n';
    ensure!(!ran.stdout.chars().any(steers) && ran.stdout.is_ascii(), "{:?}", ran.stdout);
    Ok(())
}
