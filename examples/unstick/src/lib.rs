//! Find the PostgreSQL backends that are stuck, and end one of them, over `examples/capabilities/postgres`. It asks
//! for `observe` and `sessions`, and so it cannot drop a database, whatever an agent says to it.

use interlock_guest::prelude::*;

mod postgres {
    //! The client, made from the platform's own WIT. What no tool calls is not imported.
    wit_bindgen::generate!({
        path: "../capabilities/postgres/acme-postgres.wit",
        inline: "
            package example:unstick;
            world imports {
                import acme:postgres/observe@1.0.0;
                import acme:postgres/sessions@1.0.0;
            }
        ",
        world: "example:unstick/imports",
        additional_derives: [serde::Serialize, schemars::JsonSchema],
        generate_all,
    });
    pub use acme::postgres::types::{Backend, Database, Error, Terminated};
    pub use acme::postgres::{observe, sessions};
}

use postgres::{Backend, Database, Error, Terminated};

impl From<Error> for ToolError {
    fn from(error: Error) -> Self {
        match error {
            Error::Denied(why) => Self::denied(why),
            Error::NotFound => Self::failed("there is no such database"),
            Error::Conflict(why) => {
                Self::failed(why).context("not the backend that was looked at; look again")
            }
            Error::Failed(why) => Self::failed(why),
        }
    }
}

#[derive(Deserialize, JsonSchema)]
struct Look {
    /// The database, for example `shop`.
    database: String,
    /// Stuck is what has been in one state for at least so many seconds.
    seconds: u32,
}

#[derive(Deserialize, JsonSchema)]
struct Target {
    /// The database, for example `shop`.
    database: String,
    /// The backend's pid, as `stuck` told it.
    pid: u32,
    /// When the backend began, as `stuck` told it.
    started: String,
}

#[derive(Serialize, JsonSchema)]
struct Databases {
    databases: Vec<Database>,
}

#[derive(Serialize, JsonSchema)]
struct Stuck {
    /// Those that others wait for first.
    backends: Vec<Backend>,
}

/// List the databases of the server, with their sizes. Changes nothing.
#[tool(uses("acme:postgres/observe@1.0.0"))]
fn databases() -> Result<Databases, ToolError> {
    Ok(Databases { databases: postgres::observe::list_databases()? })
}

/// List the connections of a database that have not moved for a while, but for idle ones. Changes nothing.
#[tool(uses("acme:postgres/observe@1.0.0"))]
fn stuck(look: Look) -> Result<Stuck, ToolError> {
    let all = postgres::observe::list_backends(&look.database)?;
    Ok(Stuck { backends: choose(all, look.seconds) })
}

/// End one connection, exactly that which has this pid and began then. What it had not committed is rolled back.
#[tool]
fn unstick(target: Target) -> Result<Terminated, ToolError> {
    let Target { database, pid, started } = &target;
    Ok(postgres::sessions::terminate_backend(database, *pid, started)?)
}

/// Those that are in the way of others come first; who only waits is no culprit, and who is idle holds nothing.
fn choose(all: Vec<Backend>, seconds: u32) -> Vec<Backend> {
    let waited_for: Vec<u32> = all.iter().flat_map(|one| one.blocked_by.clone()).collect();
    let stays = |one: &Backend| one.seconds >= seconds && one.state.as_deref() != Some("idle");
    let mut chosen: Vec<Backend> =
        all.into_iter().filter(|one| stays(one) && one.blocked_by.is_empty()).collect();
    chosen.sort_by_key(|one| !waited_for.contains(&one.pid));
    chosen
}

plugin!(databases, stuck, unstick);

#[cfg(test)]
mod tests {
    use super::*;

    fn backend(pid: u32, state: &str, seconds: u32, blocked_by: &[u32]) -> Backend {
        Backend {
            pid,
            started: "2026-11-25T08:00:00.000000Z".to_owned(),
            user: "app".to_owned(),
            application: String::new(),
            state: Some(state.to_owned()),
            seconds,
            waits: None,
            blocked_by: blocked_by.to_vec(),
        }
    }

    #[test]
    fn who_is_in_the_way_comes_first_and_who_waits_is_no_culprit() {
        let all = vec![
            backend(10, "active", 90, &[]),
            backend(11, "idle in transaction", 80, &[]),
            backend(12, "active", 70, &[11]),
            backend(13, "idle", 9000, &[]),
            backend(14, "active", 3, &[]),
        ];
        let chosen: Vec<u32> = choose(all, 60).iter().map(|one| one.pid).collect();
        assert_eq!(chosen, [11, 10]);
    }
}
