//! `uses(…)` resolves to full names, and the kit holds a tool to what it declares, as the host does.

use interlock_guest::environment::{observe, remediate, teardown};
use interlock_guest::prelude::*;
use interlock_guest::testing::{Fake, Service, call, describe};

mod cache {
    pub(super) const INTERFACE: &str = "acme:cache/admin@1.0.0";
}

/// Declares one thing and does another.
#[tool(uses(observe))]
fn understated() -> Result<(), ToolError> {
    observe::list_services("prod")?;
    Ok(remediate::restart_service("prod", "api")?)
}

/// Declares several, in every form.
#[tool(uses(
    observe,
    interlock_guest::environment::remediate,
    cache,
    "acme:queue/peek@0.2.1-rc.1"
))]
fn several() -> Result<(), ToolError> {
    Ok(remediate::restart_service("prod", "api")?)
}

/// Declares none.
#[tool(uses())]
fn none() -> Result<Vec<String>, ToolError> {
    Ok(observe::list_environments()?)
}

/// Declares nothing, so it may use whatever the plugin imports.
#[tool]
fn silent() -> Result<(), ToolError> {
    Ok(teardown::delete_environment("prod")?)
}

plugin!(understated, several, none, silent);

fn prod() -> Fake {
    Fake::new().service("prod", "api", Service::new(""))
}

#[test]
fn uses_resolves_to_full_names() {
    let uses: Vec<_> = describe(&PLUGIN).into_iter().map(|tool| tool.uses).collect();
    let names = |names: &[&str]| Some(names.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(
        uses,
        [
            names(&["interlock:environment/observe@0.1.0"]),
            names(&[
                "interlock:environment/observe@0.1.0",
                "interlock:environment/remediate@0.1.0",
                "acme:cache/admin@1.0.0",
                "acme:queue/peek@0.2.1-rc.1",
            ]),
            names(&[]),
            None,
        ]
    );
}

#[test]
fn the_interface_constants_are_those_of_the_wit() {
    let wit = include_str!("../../wit/environment/environment.wit");
    let package =
        wit.lines().find_map(|line| line.strip_prefix("package ")).unwrap().trim_end_matches(';');
    let (package, version) = package.split_once('@').unwrap();
    for (module, constant) in [
        ("observe", observe::INTERFACE),
        ("remediate", remediate::INTERFACE),
        ("teardown", teardown::INTERFACE),
    ] {
        assert!(wit.contains(&format!("\ninterface {module} {{")));
        assert_eq!(constant, format!("{package}/{module}@{version}"));
    }
}

#[test]
fn a_tool_that_understates_its_uses_fails_its_test() {
    let fake = prod().install();
    let error = call(&PLUGIN, "understated", json!({})).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.message().starts_with("withheld: "), "{error}");
    assert_eq!(fake.calls(), ["list-services(prod)"]);
    assert_eq!(call(&PLUGIN, "none", json!({})).unwrap_err().kind(), ErrorKind::Denied);
}

#[test]
fn what_is_declared_or_left_open_is_allowed() {
    let fake = prod().install();
    call(&PLUGIN, "several", json!({})).unwrap();
    call(&PLUGIN, "silent", json!({})).unwrap();
    assert_eq!(fake.effects(), ["restart-service(prod, api)", "delete-environment(prod)"]);
}

#[test]
fn the_narrowing_ends_with_the_call() {
    let fake = prod().install();
    call(&PLUGIN, "none", json!({})).unwrap_err();
    remediate::restart_service("prod", "api").unwrap();
    assert_eq!(fake.effects().len(), 1);
}
