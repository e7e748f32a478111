//! What an agent is told when something did not happen: a stable code, one sentence, and what would help. A
//! sentence reaches an agent only where its code is in this table; anything else, such as a fault of the
//! host with a path in it, is told by its code and kept for the operator. INVARIANT FAIL-CLOSED: a code that
//! nobody put here says nothing more. Nothing in here tells how to be granted anything.

/// What is told of one code.
struct Entry {
    code: &'static str,
    /// What stands in for the sentence; absent where the sentence itself is fit for agents.
    instead: Option<&'static str>,
    help: &'static str,
}

const fn said(code: &'static str, help: &'static str) -> Entry {
    Entry { code, instead: None, help }
}

const fn hidden(code: &'static str, instead: &'static str, help: &'static str) -> Entry {
    Entry { code, instead: Some(instead), help }
}

const NOT_YOURS: &str =
    "It cannot be done with this tool here; do something else, or tell the people you work for.";
const SMALLER: &str = "Ask for less in one call.";
const ARGUMENTS: &str = "Correct the arguments and call again.";
const AGAIN: &str = "Call again without the request id: it is planned anew.";
const OPERATOR: &str = "Tell the people who operate this host, with the invocation.";
const LOOK: &str =
    "Do not repeat the call: find out with a reading tool what is true now, and tell people.";

const TABLE: &[Entry] = &[
    // The principal, the tool and its plugin.
    said("unknown-principal", NOT_YOURS),
    said("not-granted", NOT_YOURS),
    said("uncatalogued", NOT_YOURS),
    said("uses-not-imported", NOT_YOURS),
    said("not-linked", NOT_YOURS),
    // Policies: none is named to whoever could probe them.
    said("no-permit", NOT_YOURS),
    said("forbidden", NOT_YOURS),
    said("policy-error", OPERATOR),
    said("unmappable-argument", ARGUMENTS),
    // Capability calls.
    said("function-not-granted", NOT_YOURS),
    said("tool-does-not-use", NOT_YOURS),
    said("needs-approval", NOT_YOURS),
    said("describing", NOT_YOURS),
    said("outside-grant", "Name a resource that this tool may touch."),
    said("touches-outside-grant", "Name a resource that this tool may touch."),
    said("bad-resource", ARGUMENTS),
    said("argument-out-of-range", ARGUMENTS),
    said("malformed-call", ARGUMENTS),
    // Endpoints: what they take, and not where they are.
    said("unknown-endpoint", NOT_YOURS),
    said("method-not-allowed", NOT_YOURS),
    said("path-not-allowed", "Name a resource that this tool may touch."),
    said("bad-path", ARGUMENTS),
    said("query-not-allowed", ARGUMENTS),
    said("query-too-long", ARGUMENTS),
    said("query-repeated", ARGUMENTS),
    said("bad-query", ARGUMENTS),
    said("header-forbidden", NOT_YOURS),
    said("header-not-allowed", NOT_YOURS),
    said("header-repeated", ARGUMENTS),
    said("bad-header", ARGUMENTS),
    said("content-type-not-allowed", ARGUMENTS),
    said("body-too-large", SMALLER),
    hidden("address-refused", "the endpoint cannot be reached from here", OPERATOR),
    hidden("in-the-clear", "the endpoint cannot be reached from here", OPERATOR),
    said("over-budget", "Wait before the next change; reading is still possible."),
    said("frozen", "An operator stopped all changes; wait, and call again when they say so."),
    said("inexact", SMALLER),
    said("stale", AGAIN),
    said("ticket-spent", LOOK),
    // Requests.
    said("approval-required", "Wait for people; then call again with `interlock_request`."),
    said("request-pending", "Wait for people; then call again with `interlock_request`."),
    said("request-unknown", "Call again without the request id, or with the one you were given."),
    said("request-erased", AGAIN),
    said("request-expired", AGAIN),
    said("request-denied", "People said no: do something else, or ask them why."),
    said("request-revoked", "It was taken back: do something else, or ask people why."),
    said("request-consumed", LOOK),
    said("foreign-deployment", AGAIN),
    said("different-call", "Use exactly the arguments that the request was made with."),
    said("plugin-changed", AGAIN),
    said("epoch-policies", AGAIN),
    said("epoch-catalogues", AGAIN),
    said("epoch-approvers", AGAIN),
    said("epoch-grants", AGAIN),
    said("rate-limited", "Wait before you ask people for more."),
    said("cooling-down", "Wait before you ask people for more."),
    said("too-many-effects", SMALLER),
    said("document-too-long", SMALLER),
    // Runs.
    said("invalid-arguments", ARGUMENTS),
    said("tool-failed", "Read the message: it is the tool's own."),
    said("deviated", "The rest of the approval is void; call again without the request id."),
    said("cancelled", "Call again if it is still wanted."),
    said("trapped", "The tool broke; tell the people you work for."),
    // What a provider says of it may name programs, paths and what they printed.
    hidden("unknown", "an effect was started, and nobody knows how it ended", LOOK),
    said("time", SMALLER),
    said("fuel", SMALLER),
    said("memory", SMALLER),
    said("table", SMALLER),
    said("stack", SMALLER),
    said("count", SMALLER),
    said("call", SMALLER),
    said("output", SMALLER),
    said("gate", SMALLER),
    said("host-calls", SMALLER),
    said("host-bytes", SMALLER),
    said("plan-bytes", SMALLER),
    said("shutting-down", "Call again in a moment."),
    said("too-many-at-once", "Wait for the answers of the calls before, then call again."),
    // The host: whatever it says of itself is for its operator.
    hidden("publish-failed", "a safeguard of the host failed, and nothing was destroyed", OPERATOR),
    hidden("journal-behind", "the host does nothing until an operator has looked", OPERATOR),
    hidden(
        "seal-broken",
        "changes wait: people have not accepted the rules of this host yet",
        "Reading is still possible; tell the people who operate this host.",
    ),
    hidden("host-fault", "the host failed; the tool is not to blame", OPERATOR),
];

/// What an agent is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words {
    /// One sentence.
    pub(super) message: String,
    /// What would help.
    pub(super) help: &'static str,
}

/// The words for a code and the sentence that came with it.
pub(super) fn words(code: &str, sentence: &str) -> Words {
    match TABLE.iter().find(|entry| entry.code == code) {
        Some(Entry { instead: None, help, .. }) => Words { message: sentence.to_owned(), help },
        Some(Entry { instead: Some(instead), help, .. }) => {
            Words { message: (*instead).to_owned(), help }
        }
        None => Words { message: "the host refused".to_owned(), help: OPERATOR },
    }
}

#[cfg(test)]
mod tests {
    use super::{TABLE, words};
    use std::collections::BTreeSet;

    #[test]
    fn each_code_is_there_once_and_says_what_helps() {
        let codes: BTreeSet<&str> = TABLE.iter().map(|entry| entry.code).collect();
        assert_eq!(codes.len(), TABLE.len());
        for entry in TABLE {
            assert!(entry.help.ends_with('.'), "{}", entry.code);
        }
    }

    /// Fail closed: a path in a sentence of the host, or a code of tomorrow, does not reach an agent.
    #[test]
    fn fail_closed_what_the_host_says_of_itself_is_not_told() {
        let secret = "cannot write /var/lib/interlock/journal.db";
        for code in
            ["host-fault", "journal-behind", "publish-failed", "unknown", "a-code-of-tomorrow"]
        {
            assert!(!words(code, secret).message.contains('/'), "{code}");
        }
        assert_eq!(words("no-permit", "no policy permits this").message, "no policy permits this");
    }

    #[test]
    fn no_help_tells_how_to_be_granted_anything() {
        for entry in TABLE {
            let text = format!("{} {}", entry.help, entry.instead.unwrap_or_default());
            for word in ["interlock ", "--grant", "policy", "permit", "allowed_signers", ".toml"] {
                assert!(!text.contains(word), "{}: {text}", entry.code);
            }
        }
    }
}
