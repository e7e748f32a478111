//! Replace the tasks of one ECS service by new ones, over capabilities that the SDK has never heard of:
//! `examples/capabilities/aws`. It asks for `services` and `deployments`, and so it cannot delete a stack, whatever
//! an agent says to it.

use interlock_guest::prelude::*;

mod aws {
    //! The client, made from the platform's own WIT. What no tool calls is not imported.
    wit_bindgen::generate!({
        path: "../capabilities/aws/acme-aws.wit",
        inline: "
            package example:redeploy;
            world imports {
                import acme:aws/services@1.0.0;
                import acme:aws/deployments@1.0.0;
            }
        ",
        world: "example:redeploy/imports",
        additional_derives: [serde::Serialize, schemars::JsonSchema],
        generate_all,
    });
    pub use acme::aws::types::{Error, Redeployed, Service};
    pub use acme::aws::{deployments, services};
}

use aws::{Error, Redeployed, Service};

impl From<Error> for ToolError {
    fn from(error: Error) -> Self {
        match error {
            Error::Denied(why) => Self::denied(why),
            Error::NotFound => Self::failed("there is no such service"),
            Error::Conflict(why) => Self::failed(why).context("the service has changed"),
            Error::Failed(why) => Self::failed(why),
        }
    }
}

#[derive(Deserialize, JsonSchema)]
struct Target {
    /// The ECS cluster, for example `prod`.
    cluster: String,
    /// The one service, for example `api`.
    service: String,
}

#[derive(Deserialize, JsonSchema)]
struct Cluster {
    /// The ECS cluster, for example `prod`.
    cluster: String,
}

#[derive(Serialize, JsonSchema)]
struct Services {
    /// Their ARNs.
    services: Vec<String>,
}

/// List the services of a cluster. Changes nothing.
#[tool(uses("acme:aws/services@1.0.0"))]
fn services(of: Cluster) -> Result<Services, ToolError> {
    Ok(Services { services: aws::services::list_services(&of.cluster)? })
}

/// Say how one service is: its tasks and its rollouts. Changes nothing.
#[tool(uses("acme:aws/services@1.0.0"))]
fn status(target: Target) -> Result<Service, ToolError> {
    Ok(aws::services::service_status(&target.cluster, &target.service)?)
}

/// Begin a new deployment of what one service runs already: each task is replaced by a new one. Not while another
/// rollout is under way.
#[tool]
fn redeploy(target: Target) -> Result<Redeployed, ToolError> {
    let Target { cluster, service } = &target;
    if let Some(id) = under_way(&aws::services::service_status(cluster, service)?) {
        return Err(ToolError::failed(format!("the rollout `{id}` has not ended; wait for it")));
    }
    Ok(aws::deployments::redeploy(cluster, service)?)
}

/// The rollout that replaces an older one just now: only then a service has two.
fn under_way(service: &Service) -> Option<&str> {
    let newest = service.deployments.iter().find(|one| one.status == "PRIMARY");
    newest.filter(|_| service.deployments.len() > 1).map(|one| one.id.as_str())
}

plugin!(services, status, redeploy);

#[cfg(test)]
mod tests {
    use super::aws::acme::aws::types::Deployment;
    use super::*;

    fn service(rollouts: &[(&str, &str)]) -> Service {
        let task = "task-definition/api:1".to_owned();
        let deployment = |(id, status): &(&str, &str)| Deployment {
            id: (*id).to_owned(),
            status: (*status).to_owned(),
            rollout: None,
            task_definition: task.clone(),
            desired: 2,
            running: 2,
        };
        let deployments = rollouts.iter().map(deployment).collect();
        let arn = "service/prod/api".to_owned();
        Service {
            arn,
            desired: 2,
            running: 2,
            pending: 0,
            task_definition: task.clone(),
            deployments,
        }
    }

    #[test]
    fn a_rollout_that_has_not_ended_is_seen() {
        assert_eq!(under_way(&service(&[("new", "PRIMARY"), ("old", "ACTIVE")])), Some("new"));
        assert_eq!(under_way(&service(&[("only", "PRIMARY")])), None);
        assert_eq!(under_way(&service(&[])), None);
    }

    #[test]
    fn a_denial_stays_a_denial() {
        let kind = |error: Error| ToolError::from(error).kind();
        assert_eq!(kind(Error::Denied("no".into())), interlock_guest::ErrorKind::Denied);
        assert_eq!(kind(Error::Conflict("moved".into())), interlock_guest::ErrorKind::Failed);
    }
}
