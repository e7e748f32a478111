//! Recreate an environment from its definition: a tool with a real need for `teardown`. A host grants
//! it that on purpose, and each run still waits for people.

use interlock_guest::environment::{observe, teardown};
use interlock_guest::prelude::*;

#[derive(Deserialize, JsonSchema)]
struct Order {
    /// The environment to recreate, for example `staging`.
    environment: String,
    /// Why, for the people who decide: one sentence.
    #[schemars(length(min = 1))]
    reason: String,
}

#[derive(Serialize, JsonSchema)]
struct Rebuilt {
    environment: String,
    /// The services that were taken down and started anew.
    services: Vec<String>,
    reason: String,
}

/// Delete all services of an environment, with their configuration history and logs, and start them
/// anew from the environment's definition.
#[tool]
fn rebuild(order: Order) -> Result<Rebuilt, ToolError> {
    let Order { environment, reason } = order;
    if reason.trim().is_empty() {
        return Err(ToolError::invalid_arguments("`reason` is empty; say why in one sentence"));
    }
    let services = observe::list_services(&environment)?;
    // Nothing is read after the effect, so the plan that people see is the whole of it.
    teardown::recreate_environment(&environment)?;
    Ok(Rebuilt { environment, services, reason })
}

plugin!(rebuild);

#[cfg(test)]
mod tests {
    use interlock_guest::ErrorKind;
    use interlock_guest::environment::teardown;
    use interlock_guest::prelude::*;
    use interlock_guest::testing::{Fake, Service, call};

    use super::PLUGIN;

    fn staging() -> Fake {
        let drifted = Service::new("port = 8080").config("port = 9090");
        Fake::new().service("staging", "api", drifted).service("staging", "db", Service::new(""))
    }

    #[test]
    fn one_effect_and_nothing_after_it() {
        let fake = staging().install();
        let order = json!({ "environment": "staging", "reason": "drift after deploy 1841" });
        let rebuilt = call(&PLUGIN, "rebuild", order).unwrap();
        assert_eq!(rebuilt["services"], json!(["api", "db"]));
        assert_eq!(fake.calls(), ["list-services(staging)", "recreate-environment(staging)"]);
        assert!(fake.plan().complete);
        assert_eq!(fake.status("staging", "api").unwrap().config_version, 1);
    }

    #[test]
    fn without_a_reason_nothing_happens() {
        let fake = staging().install();
        let order = json!({ "environment": "staging", "reason": " " });
        let error = call(&PLUGIN, "rebuild", order).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArguments);
        assert!(fake.calls().is_empty());
    }

    #[test]
    fn withheld_teardown_is_a_denial() {
        let fake = staging().withhold(teardown::INTERFACE).install();
        let order = json!({ "environment": "staging", "reason": "drift" });
        assert_eq!(call(&PLUGIN, "rebuild", order).unwrap_err().kind(), ErrorKind::Denied);
        assert!(fake.effects().is_empty());
    }
}
