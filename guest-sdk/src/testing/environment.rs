//! The fake's answers to `interlock:environment@0.1.0`, one module for each interface, with the
//! signatures of the generated bindings.

use super::fake::{Request, World, gate};
use super::service::Service;
use crate::environment::Error;

type Services = std::collections::BTreeMap<String, Service>;

fn services<'a>(world: &'a mut World, environment: &str) -> Result<&'a mut Services, Error> {
    let missing = || Error::NotFound(format!("there is no environment `{environment}`"));
    world.environments.get_mut(environment).ok_or_else(missing)
}

fn service<'a>(
    world: &'a mut World,
    environment: &str,
    name: &str,
) -> Result<&'a mut Service, Error> {
    let missing = || Error::NotFound(format!("there is no service `{name}` in `{environment}`"));
    services(world, environment)?.get_mut(name).ok_or_else(missing)
}

pub(crate) mod observe {
    use super::{Error, Request, gate, service, services};
    use crate::environment::observe::INTERFACE;
    use crate::environment::{ServiceConfig, ServiceStatus};

    fn read<'a>(function: &'a str, segments: &'a [&'a str], others: &'a [String]) -> Request<'a> {
        Request { interface: INTERFACE, function, effect: false, segments, path: None, others }
    }

    pub(crate) fn list_environments() -> Result<Vec<String>, Error> {
        gate(&read("list-environments", &[], &[]), |world| {
            Ok(world.environments.keys().cloned().collect())
        })
    }

    pub(crate) fn list_services(environment: &str) -> Result<Vec<String>, Error> {
        gate(&read("list-services", &[environment], &[]), |world| {
            Ok(services(world, environment)?.keys().cloned().collect())
        })
    }

    pub(crate) fn service_status(environment: &str, name: &str) -> Result<ServiceStatus, Error> {
        gate(&read("service-status", &[environment, name], &[]), |world| {
            Ok(service(world, environment, name)?.status(environment, name))
        })
    }

    pub(crate) fn read_config(
        environment: &str,
        name: &str,
        version: Option<u32>,
    ) -> Result<ServiceConfig, Error> {
        let others: Vec<_> = version.iter().map(ToString::to_string).collect();
        gate(&read("read-config", &[environment, name], &others), |world| {
            service(world, environment, name)?.read_config(version)
        })
    }

    pub(crate) fn logs(environment: &str, name: &str, lines: u32) -> Result<String, Error> {
        gate(&read("logs", &[environment, name], &[lines.to_string()]), |world| {
            Ok(service(world, environment, name)?.logs(lines))
        })
    }
}

pub(crate) mod remediate {
    use super::{Error, Request, gate, service};
    use crate::environment::remediate::INTERFACE;

    fn change<'a>(function: &'a str, segments: &'a [&'a str], others: &'a [String]) -> Request<'a> {
        Request { interface: INTERFACE, function, effect: true, segments, path: None, others }
    }

    pub(crate) fn restart_service(environment: &str, name: &str) -> Result<(), Error> {
        gate(&change("restart-service", &[environment, name], &[]), |world| {
            service(world, environment, name)?.restart();
            Ok(())
        })
    }

    pub(crate) fn set_config(environment: &str, name: &str, content: &str) -> Result<u32, Error> {
        gate(&change("set-config", &[environment, name], &[format!("{content:?}")]), |world| {
            Ok(service(world, environment, name)?.set_config(content))
        })
    }

    pub(crate) fn rollback_config(
        environment: &str,
        name: &str,
        version: u32,
    ) -> Result<(), Error> {
        gate(&change("rollback-config", &[environment, name], &[version.to_string()]), |world| {
            service(world, environment, name)?.rollback(version)
        })
    }

    pub(crate) fn scale_service(environment: &str, name: &str, replicas: u32) -> Result<(), Error> {
        gate(&change("scale-service", &[environment, name], &[replicas.to_string()]), |world| {
            service(world, environment, name)?.scale(replicas)
        })
    }
}

pub(crate) mod teardown {
    use super::{Error, Request, Service, gate, service, services};
    use crate::environment::teardown::INTERFACE;

    fn destroy<'a>(function: &'a str, segments: &'a [&'a str]) -> Request<'a> {
        Request { interface: INTERFACE, function, effect: true, segments, path: None, others: &[] }
    }

    pub(crate) fn stop_service(environment: &str, name: &str) -> Result<(), Error> {
        gate(&destroy("stop-service", &[environment, name]), |world| {
            service(world, environment, name)?.stop();
            Ok(())
        })
    }

    pub(crate) fn delete_service(environment: &str, name: &str) -> Result<(), Error> {
        gate(&destroy("delete-service", &[environment, name]), |world| {
            service(world, environment, name)?;
            services(world, environment)?.remove(name);
            Ok(())
        })
    }

    pub(crate) fn delete_environment(environment: &str) -> Result<(), Error> {
        gate(&destroy("delete-environment", &[environment]), |world| {
            services(world, environment)?;
            world.environments.remove(environment);
            Ok(())
        })
    }

    pub(crate) fn recreate_environment(environment: &str) -> Result<(), Error> {
        gate(&destroy("recreate-environment", &[environment]), |world| {
            services(world, environment)?.values_mut().for_each(Service::recreate);
            Ok(())
        })
    }
}
