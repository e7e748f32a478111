//! Drop one PostgreSQL database, over `examples/capabilities/postgres`: a tool with a real need for what cannot be
//! taken back. A host grants it that on purpose, and each run still waits for people.

use interlock_guest::prelude::*;

mod postgres {
    //! The client, made from the platform's own WIT.
    wit_bindgen::generate!({
        path: "../capabilities/postgres/acme-postgres.wit",
        inline: "
            package example:drop-database;
            world imports { import acme:postgres/removal@1.0.0; }
        ",
        world: "example:drop-database/imports",
        generate_all,
    });
    pub use acme::postgres::{removal, types::Error};
}

use postgres::Error;

impl From<Error> for ToolError {
    fn from(error: Error) -> Self {
        match error {
            Error::Denied(why) => Self::denied(why),
            Error::NotFound => Self::failed("there is no such database that could be dropped"),
            Error::Conflict(why) => Self::failed(why).context("the database has changed"),
            Error::Failed(why) => Self::failed(why),
        }
    }
}

#[derive(Deserialize, JsonSchema)]
struct Order {
    /// The database.
    database: String,
    /// Why, for the people who decide: one sentence.
    #[schemars(length(min = 1))]
    reason: String,
}

#[derive(Serialize, JsonSchema)]
struct Dropped {
    database: String,
    reason: String,
}

/// Drop one database with everything in it, if nobody is connected to it.
#[tool]
fn drop(order: Order) -> Result<Dropped, ToolError> {
    let Order { database, reason } = order;
    postgres::removal::drop_database(&database)?;
    Ok(Dropped { database, reason })
}

plugin!(drop);

#[cfg(test)]
mod tests {
    use super::{Error, ToolError};
    use interlock_guest::ErrorKind;

    #[test]
    fn a_denial_stays_a_denial() {
        let kind = |error: Error| ToolError::from(error).kind();
        assert_eq!(kind(Error::Denied("no".into())), ErrorKind::Denied);
        assert_eq!(kind(Error::NotFound), ErrorKind::Failed);
    }
}
