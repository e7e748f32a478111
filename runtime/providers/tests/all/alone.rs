//! One provider by itself: everything is granted on one kind of resource. What destroys is of class `change` here, because
//! no authority permits a `destroy` without an approved plan. The tests beside the sources use this file too.

use interlock_authority::{
    Authorized, Catalogue, Denial, Digest, Forecast, Grant, Invocation, Mode, Permitted,
    PermittedEffect, Policies, Principal, ResolvedCall, authorize,
    authorize::Imports,
    catalogue::CatalogueSource,
    permit,
    permit::{judge, permit_effect},
};
use serde_json::Value;
use std::sync::Arc;

pub(crate) struct Alone {
    catalogue: Arc<Catalogue>,
    policies: Policies,
    authorized: Authorized,
}

impl Alone {
    /// Everything of a catalogue is granted to a plugin, on the resources of one kind.
    pub(crate) fn of(mut source: CatalogueSource, kind: &str, plugin: &str) -> Self {
        source.text = source.text.replace("class = \"destroy\"", "class = \"change\"");
        Self::over(Catalogue::load(&[source]).unwrap(), kind, plugin)
    }

    pub(crate) fn over(catalogue: Catalogue, kind: &str, plugin: &str) -> Self {
        let principal: Principal = "Agent::tester".parse().unwrap();
        let imports: Imports = catalogue
            .interfaces()
            .map(|i| (i.name.clone(), i.functions.keys().cloned().collect()))
            .collect();
        let everywhere = || vec![kind.parse().unwrap()];
        let grants: Vec<Grant> =
            imports.keys().map(|i| Grant::standing(i.clone(), None, everywhere())).collect();
        let asked = Invocation {
            principal: &principal,
            known_principals: &[principal.clone()].into(),
            plugin,
            digest: Digest::from_bytes([0; 32]),
            publisher: None,
            imports: &imports,
            grants: &grants,
            tool: "test",
            uses: None,
            mode: Mode::Call,
        };
        let catalogue = Arc::new(catalogue);
        let policies = Policies::where_granted(&catalogue).unwrap();
        let authorized = authorize(&asked, &catalogue, &policies).unwrap();
        Self { catalogue, policies, authorized }
    }

    /// The call of a function, whichever interface has it.
    pub(crate) fn resolve(
        &self,
        function: &str,
        arguments: Vec<Value>,
    ) -> Result<ResolvedCall, Denial> {
        let found = self.catalogue.interfaces().find(|i| i.functions.contains_key(function));
        let (plugin, name) = (self.authorized.plugin(), &found.unwrap().name);
        self.catalogue.resolve_for(plugin, name, function, arguments)
    }

    pub(crate) fn permit(&self, call: ResolvedCall) -> Result<Permitted, Denial> {
        permit(&self.authorized, &self.policies, call, 0)
    }

    /// The effect of a call that was forecast.
    pub(crate) fn effect(&self, permitted: Permitted, forecast: Forecast) -> PermittedEffect {
        let judged = judge(&self.authorized, &self.policies, permitted, forecast, 0).unwrap();
        permit_effect(&self.authorized, judged).unwrap()
    }
}
