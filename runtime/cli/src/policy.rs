//! `interlock policy`: whether the policies are in order, and what they say of one call. It decides with the
//! same functions as a call, and runs nothing.

use super::{
    Ending,
    arguments::{PolicyArguments, PolicyCommand},
    call,
    output::{GREEN, Output, RED, YELLOW, plain, styled},
    problem::Problem,
};
use interlock::{Config, Host, Rules, host::load_catalogue_with_sources};
use interlock_authority::{
    Catalogue, Denial, Resource,
    policy::{Allowed, Asking, PolicyDenial},
};
use serde_json::{Value, json};
use std::{path::Path, sync::Arc};

pub(super) async fn run(arguments: &PolicyArguments, file: &Path, output: &Output) -> Ending {
    let config = Config::load(file)?;
    match &arguments.command {
        PolicyCommand::Check { schema } => check(&config, *schema, output),
        PolicyCommand::Explain { plugin, function, arguments, principal, touches } => {
            let host = Host::builder(config).build()?;
            let asked =
                Asked { plugin, function, arguments, principal: principal.as_deref(), touches };
            explain(&host, &asked, output)
        }
    }
}

fn check(config: &Config, schema: bool, output: &Output) -> Ending {
    let (catalogue, sources) = load_catalogue_with_sources(config, Vec::new())?;
    let rules = Rules::load(config, &sources, &Arc::new(catalogue), None)?;
    let all = rules.policies.list();
    let value = json!({
        "status": "ok", "policies": all, "digest": rules.policies.digest(),
        "schema": schema.then(|| rules.policies.schema()),
    });
    output.result(&value, || {
        if schema {
            return rules.policies.schema().to_owned();
        }
        if all.is_empty() {
            return format!(
                "{}: there is no policy, so everything is refused",
                styled(YELLOW, "nothing is permitted")
            );
        }
        let ids: Vec<&str> = all.iter().map(|p| p.id.as_str()).collect();
        format!("{}: {} policies: {}", styled(GREEN, "in order"), all.len(), ids.join(", "))
    });
    Ok(0)
}

/// What is to be explained.
struct Asked<'a> {
    plugin: &'a str,
    function: &'a str,
    arguments: &'a str,
    principal: Option<&'a str>,
    touches: &'a [String],
}

fn explain(host: &Host, asked: &Asked<'_>, output: &Output) -> Ending {
    let config = host.config();
    let principal = call::principal(asked.principal, config)?;
    let (plugin, tool) = asked.plugin.split_once('.').unwrap_or((asked.plugin, ""));
    let installed = config.plugins.get(plugin).ok_or_else(|| {
        Problem::new(2, "no-plugin", format!("there is no plugin `{}`", plain(plugin)))
    })?;
    let asking = Asking {
        principal: &principal,
        plugin,
        digest: installed.digest,
        publisher: installed.publisher.as_deref(),
        tool,
    };
    let policies = host.policies();
    let invoked = policies.invoke(&asking);
    let (interface, function) = asked.function.split_once('#').ok_or_else(|| {
        Problem::usage("name a capability function, such as `interlock:environment/teardown@0.1.0#delete-environment`")
    })?;
    let interface = interface.parse()?;
    let call = resolve(host.catalogue(), plugin, &interface, function, asked.arguments)?;
    let touches = asked
        .touches
        .iter()
        .map(|t| t.parse::<Resource>().map_err(Problem::from))
        .collect::<Result<Vec<_>, _>>()?;
    let granted =
        installed.grants.iter().any(|grant| grant.covers(&interface, function, call.resource()));
    let decided = match call.class() {
        interlock_authority::Class::Read => policies.read(&asking, &call, 0),
        _ => policies.effect(&asking, &call, &touches, 0),
    };
    let value = json!({
        "principal": principal, "resource": call.resource(), "class": call.class(), "granted": granted,
        "invoke": verdict(&invoked), "call": verdict(&decided),
    });
    let refused = invoked.is_err() || decided.is_err() || !granted;
    output.result(&value, || {
        let grant = if granted {
            "yes".to_owned()
        } else {
            format!(
                "{}; add: [[plugin.grant]] capability = \"{interface}\", functions = [\"{function}\"], resources = [\"{}\"]",
                styled(RED, "no"),
                call.resource()
            )
        };
        format!(
            "{} of {} on {}\n  granted to the plugin   {grant}\n  may invoke the tool     {}\n  the {} itself     {}",
            function,
            interface,
            call.resource(),
            words(&invoked),
            call.class(),
            words(&decided)
        )
    });
    Ok(if refused { 3 } else { 0 })
}

/// Arguments by name, in the order of the host's WIT.
fn resolve(
    catalogue: &Catalogue,
    plugin: &str,
    interface: &interlock_authority::InterfaceName,
    function: &str,
    arguments: &str,
) -> Result<interlock_authority::ResolvedCall, Problem> {
    let named = interlock_sandbox::parse_json(arguments)
        .map_err(|e| Problem::usage(format!("the arguments are not JSON: {e}")))?;
    let entry = catalogue.function(interface, function).ok_or_else(|| {
        Problem::usage(format!("no catalogue describes `{interface}#{}`", plain(function)))
    })?;
    let values = entry
        .parameters
        .iter()
        .map(|p| named.get(&p.name).cloned().unwrap_or(Value::Null))
        .collect();
    catalogue
        .resolve_for(plugin, interface, function, values)
        .map_err(|denial: Denial| Problem::new(3, denial.code(), denial.to_string()))
}

fn verdict(decided: &Result<Allowed, PolicyDenial>) -> Value {
    match decided {
        Ok(allowed) => {
            json!({"allowed": allowed.needs.is_nobody(), "by": allowed.by, "needs": allowed.needs})
        }
        Err(denial) => {
            json!({"allowed": false, "code": denial.code(), "why": denial.for_operator()})
        }
    }
}

fn words(decided: &Result<Allowed, PolicyDenial>) -> String {
    match decided {
        Ok(allowed) if allowed.needs.is_nobody() => {
            format!("{} by {}", styled(GREEN, "allowed"), allowed.by.join(", "))
        }
        Ok(allowed) => format!(
            "{} {} (by {})",
            styled(YELLOW, "needs people:"),
            plain(&allowed.needs.sentence()),
            allowed.by.join(", ")
        ),
        Err(denial) => {
            format!(
                "{} [{}] {}",
                styled(RED, "refused"),
                denial.code(),
                plain(&denial.for_operator())
            )
        }
    }
}
