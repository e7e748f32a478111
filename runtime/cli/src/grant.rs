//! `interlock grant`: more authority for a while. Asking is all that this does for an asker; people agree at the
//! approval desk, and the same command again brings what they signed into force.

use super::{
    Ending,
    arguments::{GrantArguments, GrantCommand},
    call::principal,
    config::asked,
    output::{BOLD, DIM, GREEN, Output, YELLOW, plain, styled},
    problem::Problem,
};
use interlock::{
    Config, Host,
    desk::{Approver, Elevate, Elevating, Elevation, elevate, elevations},
    install::parse_grant,
};
use interlock_authority::document::timestamp;
use jiff::SignedDuration;
use serde_json::json;
use std::path::Path;

/// The most requests that are looked through for a list.
const MOST: u64 = 200;

pub(super) async fn run(arguments: &GrantArguments, file: &Path, output: &Output) -> Ending {
    let config = Config::load(file)?;
    match &arguments.command {
        GrantCommand::List => {
            let all = elevations(&Host::builder(config).build()?, MOST)?;
            output.result(&all, || list(&all));
            Ok(0)
        }
        GrantCommand::Request { plugin, grant, effects, time, principal: named, reason } => {
            let wanted = Elevate {
                principal: principal(named.as_deref(), &config)?,
                plugin: plugin.clone(),
                grant: parse_grant(grant)?,
                effects: *effects,
                seconds: seconds(time)?,
                said: reason.clone(),
            };
            let host = Host::builder(config).build()?;
            let came = elevate(&host, &wanted)
                .await
                .map_err(|e| super::plugin::explain_installed(e, &host))?;
            Ok(told(&came, output))
        }
        GrantCommand::Revoke { id } => {
            let host = Host::builder(config).build()?;
            let desk = Approver::of(&host);
            if desk.case(id)?.body.is_elevation() {
                desk.revoke(id, &super::approval::by()).await?;
            } else {
                let message = format!(
                    "`{}` asked for no elevation; `interlock approval revoke` takes back other requests",
                    plain(id)
                );
                return Err(Problem::new(2, "no-elevation", message));
            }
            output.result(&json!({"status": "revoked", "request": id}), || format!("revoked {id}"));
            Ok(0)
        }
    }
}

fn seconds(time: &str) -> Result<u64, Problem> {
    let parsed = time.parse::<SignedDuration>().ok();
    parsed.and_then(|t| u64::try_from(t.as_secs()).ok()).ok_or_else(|| {
        Problem::usage(format!("`{}` is not a time; write one such as `2h`", plain(time)))
    })
}

fn told(came: &Elevating, output: &Output) -> u8 {
    match came {
        Elevating::Waiting(waiting) => {
            asked(waiting, output);
            4
        }
        Elevating::InForce { request, until } => {
            let until = timestamp(*until);
            let value = json!({"status": "in-force", "request": request, "until": until});
            output.result(&value, || {
                format!("{} until {until}  (request {request})", styled(GREEN, "in force"))
            });
            0
        }
    }
}

fn list(all: &[Elevation]) -> String {
    if all.is_empty() {
        return "no elevations".to_owned();
    }
    all.iter().map(one).collect()
}

fn one(elevation: &Elevation) -> String {
    let state = match (&elevation.void, &elevation.until) {
        (Some(why), _) => styled(DIM, format!("void: {}", plain(why))),
        (None, Some(until)) => styled(GREEN, format!("in force until {until}")),
        (None, None) => styled(YELLOW, elevation.state.as_str()),
    };
    let mut out = format!(
        "{}  {state}\n  {} for {}, {} of {} effects used\n",
        elevation.request,
        styled(BOLD, plain(&elevation.plugin)),
        elevation.principal,
        elevation.used,
        elevation.effects
    );
    for line in &elevation.adds {
        out.push_str(&format!("  + {}\n", plain(line)));
    }
    out
}
