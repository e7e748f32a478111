//! `interlock token`: who may call over HTTP. A token is shown once, when it is made.

use super::{
    Ending,
    arguments::{TokenArguments, TokenCommand},
    call::principal,
    output::{Output, plain},
    problem::Problem,
};
use interlock::{
    Config,
    tokens::{MAX_LIFE, Token, Tokens},
};
use interlock_authority::document::timestamp;
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::{path::Path, time::SystemTime};

pub(super) fn run(arguments: &TokenArguments, file: &Path, output: &Output) -> Ending {
    let config = Config::load(file)?;
    let tokens = Tokens::in_state(&config.state);
    match &arguments.command {
        TokenCommand::Create { principal: who, expires, label } => {
            let who = principal(Some(who), &config)?;
            if !config.principals.contains(&who) {
                let message = format!("`{who}` is not configured");
                return Err(Problem::new(3, "unknown-principal", message));
            }
            let (token, text) = tokens.create(&who, label, seconds(expires)?)?;
            let mut made = shown(&token);
            if let Value::Object(made) = &mut made {
                made.insert("token".to_owned(), text.clone().into());
            }
            output.result(&made, || text);
            output.aside(format!(
                "token {} of {} is good until {}; it is shown this once",
                token.id,
                plain(&token.principal.to_string()),
                timestamp(token.expires)
            ));
        }
        TokenCommand::List => {
            let all = tokens.all()?;
            let values: Vec<Value> = all.iter().map(shown).collect();
            output.result(&values, || list(&all));
        }
        TokenCommand::Revoke { id } => {
            if !tokens.revoke(id)? {
                return Err(Problem::usage(format!(
                    "there is no token `{id}`; `interlock token list` has them"
                )));
            }
            output.result(&json!({"status": "revoked", "id": id}), || format!("revoked {id}"));
        }
    }
    Ok(0)
}

/// The seconds of a time such as `30d` or `12h`.
pub(super) fn time(text: &str) -> Option<u64> {
    // jiff's days are civil; these are of 24 hours.
    let days = text.trim().strip_suffix('d').and_then(|days| days.parse::<u64>().ok());
    match days {
        Some(days) => days.checked_mul(24 * 3600),
        None => {
            text.parse::<SignedDuration>().ok().and_then(|time| u64::try_from(time.as_secs()).ok())
        }
    }
}

fn seconds(text: &str) -> Result<u64, Problem> {
    time(text).filter(|seconds| (1..=MAX_LIFE).contains(seconds)).ok_or_else(|| {
        Problem::usage(format!(
            "`{text}` is no time for a token; write one such as `30d` or `12h`, at most a year"
        ))
    })
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs())
}

fn shown(token: &Token) -> Value {
    json!({
        "id": token.id,
        "principal": token.principal,
        "label": token.label,
        "made": timestamp(token.made),
        "expires": timestamp(token.expires),
        "state": token.state(now()),
    })
}

fn list(all: &[Token]) -> String {
    if all.is_empty() {
        return "no tokens".to_owned();
    }
    let line = |token: &Token| {
        format!(
            "{}  {:<7}  {}  until {}  {}",
            token.id,
            token.state(now()),
            plain(&token.principal.to_string()),
            timestamp(token.expires),
            plain(&token.label)
        )
    };
    all.iter().map(line).collect::<Vec<_>>().join("\n")
}
