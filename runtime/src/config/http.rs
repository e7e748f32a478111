//! The `[http.NAME]` tables: endpoints that plugins can be granted. Hosts, credentials and what may be asked are
//! said here and nowhere else, so that a grant on `http/NAME` is a grant on exactly that. Nothing is allowed that is
//! not listed.

use super::Reader;
use crate::HostError;
use bytesize::ByteSize;
use interlock_authority::vocabulary::is_segment;
use interlock_providers::{
    http::{BadEndpoint, Credential, Endpoint, EndpointSettings, Private, Range, Revisions},
    secrets::SecretSource,
};
use jiff::SignedDuration;
use serde::Deserialize;
use std::{collections::BTreeMap, time::Duration};
use toml::Spanned;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawEndpoint {
    url: Spanned<String>,
    methods: Spanned<Vec<String>>,
    paths: Spanned<Vec<String>>,
    headers: Option<Spanned<Vec<String>>>,
    query: Option<Spanned<BTreeMap<String, u64>>>,
    content_types: Option<Spanned<Vec<String>>>,
    credential: Option<Spanned<RawCredential>>,
    #[serde(default)]
    plan: bool,
    private: Option<Spanned<RawPrivate>>,
    authorities: Option<Spanned<String>>,
    time: Option<Spanned<String>>,
    request: Option<Spanned<String>>,
    response: Option<Spanned<String>>,
    revision: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCredential {
    header: String,
    secret: String,
    #[serde(default)]
    prefix: String,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "`private` is `true`, `false`, or a list of addresses and ranges")]
enum RawPrivate {
    All(bool),
    Listed(Vec<String>),
}

/// Reads the tables.
pub(super) fn check(
    reader: &Reader<'_>,
    raw: &BTreeMap<Spanned<String>, RawEndpoint>,
    secrets: &BTreeMap<String, SecretSource>,
) -> Result<BTreeMap<String, Endpoint>, HostError> {
    raw.iter()
        .map(|(name, endpoint)| {
            if !is_segment(name.get_ref()) {
                let rule = "the name of an endpoint has letters, digits, `.`, `_` and `-`";
                return Err(reader.error(name, rule));
            }
            let settings = settings(reader, endpoint, secrets)?;
            let checked = Endpoint::new(settings);
            let checked = checked.map_err(|bad| at(reader, name, endpoint, &bad))?;
            Ok((name.get_ref().clone(), checked))
        })
        .collect()
}

/// The error at the line of its key.
fn at(
    reader: &Reader<'_>,
    name: &Spanned<String>,
    raw: &RawEndpoint,
    bad: &BadEndpoint,
) -> HostError {
    let BadEndpoint { key, problem, .. } = bad;
    let message = format!("`{key}`: {problem}");
    let span = match *key {
        "url" => Some(raw.url.span()),
        "methods" => Some(raw.methods.span()),
        "paths" => Some(raw.paths.span()),
        "headers" => raw.headers.as_ref().map(Spanned::span),
        "query" => raw.query.as_ref().map(Spanned::span),
        "content-types" => raw.content_types.as_ref().map(Spanned::span),
        "credential" => raw.credential.as_ref().map(Spanned::span),
        "private" => raw.private.as_ref().map(Spanned::span),
        "time" => raw.time.as_ref().map(Spanned::span),
        "request" => raw.request.as_ref().map(Spanned::span),
        "response" => raw.response.as_ref().map(Spanned::span),
        "revision" => raw.revision.as_ref().map(Spanned::span),
        _ => None,
    };
    reader.error(&Spanned::new(span.unwrap_or_else(|| name.span()), ()), message)
}

fn settings(
    reader: &Reader<'_>,
    raw: &RawEndpoint,
    secrets: &BTreeMap<String, SecretSource>,
) -> Result<EndpointSettings, HostError> {
    let otherwise = EndpointSettings::at(raw.url.get_ref());
    let list = |texts: &Option<Spanned<Vec<String>>>| texts.as_ref().map(|at| at.get_ref().clone());
    let credential = raw.credential.as_ref().map(|at| {
        let RawCredential { header, secret, prefix } = at.get_ref();
        if !secrets.contains_key(secret) {
            let message = format!(
                "there is no secret `{secret}`; add a table `[secrets.{secret}]` with `file`, `env` or `command`"
            );
            return Err(reader.error(at, message));
        }
        Ok(Credential { header: header.clone(), secret: secret.clone(), prefix: prefix.clone() })
    });
    let private = raw.private.as_ref().map(|at| match at.get_ref() {
        RawPrivate::All(true) => Ok::<_, HostError>(Private::Own),
        RawPrivate::All(false) => Ok(Private::No),
        RawPrivate::Listed(texts) => {
            let ranges = texts.iter().map(|t| t.parse::<Range>().map_err(|e| reader.error(at, e)));
            Ok(Private::Listed(ranges.collect::<Result<_, _>>()?))
        }
    });
    let revisions = raw.revision.as_ref().map(|at| match at.get_ref().as_str() {
        "etag" => Ok(Revisions::Etag),
        "counted" => Ok(Revisions::Counted),
        _ => Err(reader.error(at, "`revision` is `counted` or `etag`")),
    });
    Ok(EndpointSettings {
        methods: raw.methods.get_ref().clone(),
        paths: raw.paths.get_ref().clone(),
        headers: list(&raw.headers).unwrap_or_default(),
        query: raw.query.as_ref().map(|at| at.get_ref().clone()).unwrap_or_default(),
        content_types: list(&raw.content_types).unwrap_or(otherwise.content_types),
        credential: credential.transpose()?,
        plan: raw.plan,
        private: private.transpose()?.unwrap_or_default(),
        authorities: raw.authorities.as_ref().map(|at| reader.path(at.get_ref())),
        time: time(reader, raw.time.as_ref())?.unwrap_or(otherwise.time),
        request: size(reader, raw.request.as_ref())?.unwrap_or(otherwise.request),
        response: size(reader, raw.response.as_ref())?.unwrap_or(otherwise.response),
        revisions: revisions.transpose()?.unwrap_or_default(),
        url: otherwise.url,
    })
}

fn size(reader: &Reader<'_>, at: Option<&Spanned<String>>) -> Result<Option<u64>, HostError> {
    at.map(|at| {
        let size = at.get_ref().parse::<ByteSize>().map(|size| size.as_u64());
        size.map_err(|_| reader.error(at, "this is not a size; write one such as `64KiB`"))
    })
    .transpose()
}

fn time(reader: &Reader<'_>, at: Option<&Spanned<String>>) -> Result<Option<Duration>, HostError> {
    at.map(|at| {
        let time = at.get_ref().parse::<SignedDuration>().ok();
        time.and_then(|time| Duration::try_from(time).ok())
            .ok_or_else(|| reader.error(at, "this is not a time; write one such as `10s`"))
    })
    .transpose()
}

#[cfg(test)]
mod tests {
    use crate::Config;
    use std::path::Path;

    const SECRET: &str = "[secrets.token]\nfile = \"token\"\n";

    fn problem(text: &str) -> String {
        Config::parse(Path::new("i.toml"), text).unwrap_err().to_string()
    }

    #[test]
    fn an_endpoint_is_what_its_table_says() {
        let text = format!(
            "{SECRET}[http.status]\nurl = \"https://status.example.com/api/v1\"\nmethods = [\"GET\", \"POST\"]\npaths = [\"incidents/{{id}}\"]\nheaders = [\"accept\"]\nquery = {{ state = 8 }}\ncredential = {{ header = \"authorization\", secret = \"token\", prefix = \"Bearer \" }}\nplan = true\nprivate = [\"10.0.0.0/8\"]\ntime = \"3s\"\nrequest = \"1KiB\"\nrevision = \"etag\"\n"
        );
        let config = Config::parse(Path::new("/etc/x/i.toml"), &text).unwrap();
        let said = config.endpoints["status"].said();
        let find =
            |key: &str| said.iter().find(|(k, _)| *k == key).map(|(_, v)| v.as_str()).unwrap();
        for (key, value) in [
            ("url", "https://status.example.com/api/v1"),
            ("methods", "GET, POST"),
            ("paths", "incidents/{}"),
            ("query", "state: 8"),
            ("credential", "authorization = \"Bearer \" and the secret token"),
            ("plan", "true"),
            ("private", "10.0.0.0/8"),
            ("time", "3000 ms"),
            ("request", "1024"),
            ("response", "1048576"),
            ("revision", "etag"),
        ] {
            assert_eq!(find(key), value, "{key}");
        }
    }

    #[test]
    fn each_mistake_is_told_at_its_line() {
        let rest = "methods = []\npaths = []\n";
        for (table, line, words) in [
            ("url = \"https://a.example\"\n", 1, "methods"),
            ("url = \"https://a.example\"\nmethods = []\n", 1, "paths"),
            (&format!("url = \"ftp://a.example\"\n{rest}"), 2, "https://"),
            (&format!("url = \"https://127.1\"\n{rest}"), 2, "notation"),
            (&format!("url = \"https://127.0.0.1\"\n{rest}"), 1, "private"),
            (&format!("url = \"https://a.example\"\n{rest}private = \"yes\"\n"), 5, "private"),
            (&format!("url = \"https://a.example\"\n{rest}private = [\"10/8\"]\n"), 5, "range"),
            ("url = \"https://a.example\"\nmethods = [\"get\"]\npaths = []\n", 3, "GET"),
            ("url = \"https://a.example\"\nmethods = []\npaths = [\"../x\"]\n", 4, "segment"),
            (
                &format!("url = \"https://a.example\"\n{rest}headers = [\"authorization\"]\n"),
                5,
                "host alone",
            ),
            (
                &format!("url = \"https://a.example\"\n{rest}headers = [\"X-Thing\"]\n"),
                5,
                "lower case",
            ),
            (
                &format!(
                    "url = \"https://a.example\"\n{rest}credential = {{ header = \"authorization\", secret = \"none\" }}\n"
                ),
                5,
                "[secrets.none]",
            ),
            (
                &format!(
                    "url = \"https://a.example\"\n{rest}credential = {{ header = \"host\", secret = \"token\" }}\n"
                ),
                5,
                "cannot carry",
            ),
            (
                &format!(
                    "url = \"http://a.example\"\n{rest}credential = {{ header = \"authorization\", secret = \"token\" }}\n"
                ),
                5,
                "on its way",
            ),
            (&format!("url = \"https://a.example\"\n{rest}time = \"1h\"\n"), 5, "2m"),
            (&format!("url = \"https://a.example\"\n{rest}response = \"1GiB\"\n"), 5, "at most"),
            (&format!("url = \"https://a.example\"\n{rest}revision = \"date\"\n"), 5, "etag"),
            (&format!("url = \"https://a.example\"\n{rest}revision = \"etag\"\n"), 5, "GET"),
            (&format!("url = \"https://a.example\"\n{rest}redirects = true\n"), 5, "redirects"),
        ] {
            let problem = problem(&format!("[http.x]\n{table}{SECRET}"));
            assert!(problem.starts_with(&format!("i.toml:{line}:")), "{table}: {problem}");
            assert!(problem.contains(words), "{table}: {problem}");
        }
        assert!(
            problem("[http.\"a b\"]\nurl = \"\"\nmethods = []\npaths = []\n").contains("letters")
        );
    }
}
