//! The endpoints of a configuration as the provider that serves them. Nothing is looked up and no secret is read
//! before a call asks for it.

use crate::Config;
use interlock_providers::{
    Provider,
    http::{HttpProvider, SystemResolver},
    secrets::Secrets,
};
use std::sync::Arc;

/// The provider of `interlock:http`; without endpoints it refuses every call.
pub(crate) fn provider(config: &Config) -> Provider {
    let secrets = Secrets::new(config.secrets.clone());
    let endpoints = config.endpoints.clone();
    let resolver = Arc::new(SystemResolver);
    Provider::new(Arc::new(HttpProvider::new(endpoints, secrets, &config.state, resolver)))
}
