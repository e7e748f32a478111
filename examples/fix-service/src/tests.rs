//! Both tools against environments in memory.

use interlock_guest::environment::{Error, remediate, teardown};
use interlock_guest::testing::{Fake, Service, call, describe};
use interlock_guest::{ErrorKind, prelude::*};

use crate::PLUGIN;

fn broken() -> Service {
    Service::new("port = 8080\nworkers = 2")
        .healthy_when(|config| config.contains("port = 8080"))
        .config("port = eighty\nworkers = 2")
        .log("listening on 8080")
        .log("invalid port: eighty")
}

fn api() -> Value {
    json!({ "environment": "prod", "service": "api" })
}

#[test]
fn diagnose_says_what_changed_and_changes_nothing() {
    let fake = Fake::new().service("prod", "api", broken()).install();
    let diagnosis = call(&PLUGIN, "diagnose", api()).unwrap();
    assert_eq!(diagnosis["healthy"], false);
    assert_eq!(diagnosis["changed"], json!(["- port = 8080", "+ port = eighty"]));
    assert_eq!(
        diagnosis["proposal"],
        json!(["roll the configuration back from version 2 to 1", "restart the service"])
    );
    assert_eq!(diagnosis["logs"], "listening on 8080\ninvalid port: eighty\n");
    assert_eq!(fake.effects(), [""; 0]);
}

#[test]
fn heal_rolls_back_restarts_and_checks() {
    let fake = Fake::new().service("prod", "api", broken()).install();
    let healed = call(&PLUGIN, "heal", api()).unwrap();
    assert_eq!(healed["status"]["healthy"], true);
    assert_eq!(healed["status"]["config_version"], 1);
    assert_eq!(fake.effects(), ["rollback-config(prod, api, 1)", "restart-service(prod, api)"]);
}

#[test]
fn a_plan_of_heal_lists_all_its_effects() {
    let fake = Fake::new().service("prod", "api", broken()).install();
    call(&PLUGIN, "heal", api()).unwrap();
    assert_eq!(fake.plan().effects, fake.effects());
}

#[test]
fn heal_leaves_a_healthy_service_alone() {
    let fake = Fake::new().service("prod", "api", Service::new("port = 8080")).install();
    let healed = call(&PLUGIN, "heal", api()).unwrap();
    assert_eq!(healed["did"], json!([]));
    assert_eq!(fake.effects(), [""; 0]);
}

#[test]
fn heal_only_restarts_where_the_configuration_is_not_to_blame() {
    let api_service = Service::new("port = 8080").healthy_when(|_| false);
    let fake = Fake::new().service("prod", "api", api_service).install();
    let error = call(&PLUGIN, "heal", api()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert!(error.message().starts_with("restarted the service, and it is still unhealthy"));
    assert_eq!(error.details().unwrap()["did"], json!(["restarted the service"]));
    assert_eq!(fake.effects(), ["restart-service(prod, api)"]);
}

#[test]
fn heal_says_what_it_did_before_it_failed() {
    let conflict = Error::Conflict("somebody restarted `api`".into());
    let fake =
        Fake::new().service("prod", "api", broken()).fail("restart-service", conflict).install();
    let error = call(&PLUGIN, "heal", api()).unwrap_err();
    assert_eq!(
        error.message(),
        "rolled the configuration back from version 2 to 1, then: the world moved: somebody restarted `api`"
    );
    assert_eq!(error.details().unwrap(), &json!({ "error": "conflict" }));
    assert_eq!(fake.effects(), ["rollback-config(prod, api, 1)"]);
}

#[test]
fn a_withheld_capability_is_a_denial() {
    let fake =
        Fake::new().service("prod", "api", broken()).withhold(remediate::INTERFACE).install();
    assert_eq!(call(&PLUGIN, "heal", api()).unwrap_err().kind(), ErrorKind::Denied);
    assert_eq!(fake.effects(), [""; 0]);
}

#[test]
fn it_never_needs_teardown() {
    let fake = Fake::new().service("prod", "api", broken()).withhold(teardown::INTERFACE).install();
    assert!(call(&PLUGIN, "heal", api()).is_ok());
    assert_eq!(fake.effects().len(), 2);
}

#[test]
fn an_unknown_service_is_named() {
    let _fake = Fake::new().environment("prod").install();
    let error = call(&PLUGIN, "diagnose", api()).unwrap_err();
    assert_eq!(error.message(), "not found: there is no service `api` in `prod`");
}

#[test]
fn diagnose_declares_that_it_only_observes() {
    let tools = describe(&PLUGIN);
    let uses: Vec<_> = tools.iter().map(|tool| (tool.name.as_str(), tool.uses.clone())).collect();
    let observe = vec!["interlock:environment/observe@0.1.0".to_owned()];
    assert_eq!(uses, [("diagnose", Some(observe)), ("heal", None)]);
}
