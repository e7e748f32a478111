//! A public status page over HTTP: look at it, say more on an incident, take one back. The endpoint is called
//! `status`; where it is and with which token is the operator's configuration, and nothing here can name another.

use interlock_guest::http::{Body, Request, fetch, remove, send};
use interlock_guest::prelude::*;

const ENDPOINT: &str = "status";

/// One incident, as the page tells it.
#[derive(Deserialize, Serialize, JsonSchema)]
struct Incident {
    id: String,
    title: String,
    /// Whether it is still going on.
    open: bool,
}

#[derive(Deserialize, JsonSchema)]
struct Update {
    /// The incident's id.
    incident: String,
    /// What the public is told, at most 400 characters.
    #[schemars(length(min = 1, max = 400))]
    text: String,
}

#[derive(Deserialize, JsonSchema)]
struct Withdrawal {
    /// The incident's id.
    incident: String,
    /// Why, for the people who decide: one sentence.
    #[schemars(length(min = 1))]
    reason: String,
}

#[derive(Serialize, JsonSchema)]
struct Done {
    /// What the page now tells, or no longer tells.
    incident: Incident,
    did: String,
}

/// The incidents that are going on now.
#[tool(uses(fetch))]
fn open_incidents() -> Result<Vec<Incident>, ToolError> {
    Ok(fetch::get(Request::to(ENDPOINT, "incidents").query("state", "open"))?.json()?)
}

/// Tell the public more about an incident that is going on.
#[tool]
fn update(Update { incident, text }: Update) -> Result<Done, ToolError> {
    let known = incident_of(&incident)?;
    if !known.open {
        return Err(ToolError::invalid_arguments(format!("incident `{incident}` is over")));
    }
    let body = Body::json(&json!({ "text": text }))?;
    send::post((ENDPOINT, format!("incidents/{incident}/updates")), body)?;
    Ok(Done { incident: known, did: format!("told the public: {text}") })
}

/// Take an incident off the page, with all that was said about it. It waits for people.
#[tool]
fn withdraw(Withdrawal { incident, reason }: Withdrawal) -> Result<Done, ToolError> {
    let known = incident_of(&incident)?;
    // Nothing is read after the effect, so the plan that people see is the whole of it.
    remove::delete((ENDPOINT, format!("incidents/{incident}")))?;
    Ok(Done { incident: known, did: format!("withdrew it: {reason}") })
}

fn incident_of(id: &str) -> Result<Incident, ToolError> {
    let answer = fetch::get((ENDPOINT, format!("incidents/{id}")))?;
    if answer.status == 404 {
        return Err(ToolError::invalid_arguments(format!("there is no incident `{id}`")));
    }
    Ok(answer.json()?)
}

plugin!(open_incidents, update, withdraw);

#[cfg(test)]
mod tests {
    use interlock_guest::ErrorKind;
    use interlock_guest::http::{remove, send};
    use interlock_guest::prelude::*;
    use interlock_guest::testing::{Fake, call};

    use super::PLUGIN;

    fn page() -> Fake {
        let open = r#"{"id": "7", "title": "api is down", "open": true}"#;
        Fake::new()
            .answers("status", "incidents", 200, &format!("[{open}]"))
            .answers("status", "incidents/7", 200, open)
            .answers("status", "incidents/6", 200, &open.replace("true", "false"))
    }

    #[test]
    fn looking_only_looks() {
        let fake = page().withhold(send::INTERFACE).withhold(remove::INTERFACE).install();
        let open = call(&PLUGIN, "open-incidents", json!({})).unwrap();
        assert_eq!(open[0]["title"], "api is down");
        assert_eq!(fake.calls(), ["get(status, incidents, state=open)"]);
    }

    #[test]
    fn an_update_is_one_effect_and_its_plan_is_whole() {
        let fake = page().install();
        call(&PLUGIN, "update", json!({"incident": "7", "text": "mended"})).unwrap();
        assert_eq!(fake.effects(), [r#"post(status, incidents, 7, updates, {"text":"mended"})"#]);
        assert!(fake.plan().complete);
    }

    #[test]
    fn nothing_is_said_of_what_is_over_or_not_there() {
        let fake = page().install();
        for incident in ["6", "99"] {
            let update = json!({"incident": incident, "text": "x"});
            let error = call(&PLUGIN, "update", update).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArguments, "{incident}");
        }
        assert!(fake.effects().is_empty());
    }

    #[test]
    fn a_withdrawal_is_one_effect_and_nothing_after_it() {
        let fake = page().install();
        call(&PLUGIN, "withdraw", json!({"incident": "7", "reason": "a test"})).unwrap();
        assert_eq!(fake.effects(), ["delete(status, incidents, 7)"]);
        assert!(fake.plan().complete);
    }
}
