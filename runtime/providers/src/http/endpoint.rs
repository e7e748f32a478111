//! An endpoint: where it is and all that may be asked of it, checked when the host starts. What is not listed is not
//! allowed; an empty list allows nothing.

use super::{
    address::{Private, described},
    connect::config,
    header::{Named, named},
    path::{PathTemplate, segments},
    place::{HostName, Place},
};
use hyper::Method;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Duration,
};

/// The largest body that an endpoint may be sent, in bytes.
pub const MAX_REQUEST: u64 = 1 << 20;
/// The largest answer that an endpoint may give, in bytes.
pub const MAX_RESPONSE: u64 = 16 << 20;
const LONGEST_TIME: Duration = Duration::from_secs(120);
const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// A secret that the host adds to each request, in a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The header, in lower case.
    pub header: String,
    /// The name of the secret.
    pub secret: String,
    /// What stands before it: `Bearer `.
    pub prefix: String,
}

/// How the state of a resource is told from an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Revisions {
    /// By the effects that this host had: it does not see those of others.
    #[default]
    Counted,
    /// By the server's strong ETags, which it compares itself when it acts.
    Etag,
}

/// An endpoint as it was written.
#[derive(Debug, Clone)]
pub struct EndpointSettings {
    /// Scheme, host, port, base path.
    pub url: String,
    /// Methods, in upper case.
    pub methods: Vec<String>,
    /// Path templates below the base path.
    pub paths: Vec<String>,
    /// Headers that a plugin may set.
    pub headers: Vec<String>,
    /// Names that a query may have, each with the most bytes of its value.
    pub query: BTreeMap<String, u64>,
    /// Types that a body may be of.
    pub content_types: Vec<String>,
    /// What the host adds.
    pub credential: Option<Credential>,
    /// Whether it may be read while planning.
    pub plan: bool,
    /// Which addresses it may be at that are not public.
    pub private: Private,
    /// The certificates that vouch for it, as PEM; those of the system where there are none.
    pub authorities: Option<PathBuf>,
    /// How long a whole exchange may take.
    pub time: Duration,
    /// The largest body of a request, in bytes.
    pub request: u64,
    /// The largest body of an answer, in bytes.
    pub response: u64,
    /// How states are told apart.
    pub revisions: Revisions,
}

impl EndpointSettings {
    /// An endpoint of which nothing may be asked.
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            methods: Vec::new(),
            paths: Vec::new(),
            headers: Vec::new(),
            query: BTreeMap::new(),
            content_types: vec!["application/json".to_owned()],
            credential: None,
            plan: false,
            private: Private::No,
            authorities: None,
            time: Duration::from_secs(10),
            request: 64 << 10,
            response: 1 << 20,
            revisions: Revisions::Counted,
        }
    }
}

/// What is wrong with an endpoint: the key, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadEndpoint {
    /// The key of its table.
    pub key: &'static str,
    /// A code that never changes its meaning.
    pub code: &'static str,
    /// One sentence.
    pub problem: String,
}

/// A checked endpoint.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub(super) place: Place,
    pub(super) methods: BTreeSet<String>,
    pub(super) paths: Vec<PathTemplate>,
    pub(super) headers: BTreeSet<String>,
    pub(super) query: BTreeMap<String, u64>,
    pub(super) content_types: BTreeSet<String>,
    pub(super) credential: Option<Credential>,
    pub(super) plan: bool,
    pub(super) private: Private,
    pub(super) authorities: Option<PathBuf>,
    pub(super) time: Duration,
    pub(super) request: u64,
    pub(super) response: u64,
    pub(super) revisions: Revisions,
}

fn bad<T>(
    key: &'static str,
    code: &'static str,
    problem: impl Into<String>,
) -> Result<T, BadEndpoint> {
    Err(BadEndpoint { key, code, problem: problem.into() })
}

impl Endpoint {
    /// Checks an endpoint.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn new(settings: EndpointSettings) -> Result<Self, BadEndpoint> {
        let place = match Place::parse(&settings.url) {
            Ok(place) => place,
            Err(why) => return bad("url", why.code(), why.sentence()),
        };
        if let HostName::Address(address) = place.host
            && !settings.private.allows(address)
        {
            let what = described(address);
            let problem = format!(
                "`{address}` is no public address ({what}); say `private = true` where it is loopback, private or shared, or list it there"
            );
            return bad("private", "address-refused", problem);
        }
        if let Some(method) = settings.methods.iter().find(|m| !METHODS.contains(&m.as_str())) {
            let known = METHODS.join(", ");
            return bad("methods", "method", format!("`{method}` is none of {known}"));
        }
        let mut paths = Vec::new();
        for path in &settings.paths {
            match PathTemplate::parse(path) {
                Ok(template) => paths.push(template),
                Err(problem) => return bad("paths", "path", problem),
            }
        }
        check_headers(&settings)?;
        for (name, most) in &settings.query {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"._~-[]".contains(&b);
            if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
                let problem = format!("`{}` is no plain name of a query", name.escape_debug());
                return bad("query", "query", problem);
            }
            if *most > 1024 {
                return bad("query", "query", "a value of a query has at most 1024 bytes");
            }
        }
        if let Some(credential) = &settings.credential
            && !place.tls
            && settings.private == Private::No
        {
            let problem = format!(
                "`{}` would be readable on its way; use `https://`, or `private` where it stays inside",
                credential.secret
            );
            return bad("credential", "in-the-clear", problem);
        }
        for (key, size, most) in [
            ("request", settings.request, MAX_REQUEST),
            ("response", settings.response, MAX_RESPONSE),
        ] {
            if size > most {
                return bad(key, "size", format!("at most {most} bytes"));
            }
        }
        if settings.time.is_zero() || settings.time > LONGEST_TIME {
            return bad("time", "time", "from `1ms` to `2m`");
        }
        let methods: BTreeSet<String> = settings.methods.into_iter().collect();
        if settings.revisions == Revisions::Etag && !methods.contains("GET") {
            let problem = "the host looks at the ETag with GET; list that method";
            return bad("revision", "method", problem);
        }
        Ok(Self {
            place,
            methods,
            paths,
            headers: settings.headers.into_iter().collect(),
            query: settings.query,
            content_types: settings.content_types.into_iter().collect(),
            credential: settings.credential,
            plan: settings.plan,
            private: settings.private,
            authorities: settings.authorities,
            time: settings.time,
            request: settings.request,
            response: settings.response,
            revisions: settings.revisions,
        })
    }

    /// All that is said of it, for the rules that people accept: no key may be left out.
    pub fn said(&self) -> Vec<(&'static str, String)> {
        let Self {
            place,
            methods,
            paths,
            headers,
            query,
            content_types,
            credential,
            plan,
            private,
            authorities,
            time,
            request,
            response,
            revisions,
        } = self;
        let list = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
        let all = |texts: Vec<String>| texts.join(", ");
        let credential = credential
            .as_ref()
            .map(|c| format!("{} = {:?} and the secret {}", c.header, c.prefix, c.secret));
        let private = match private {
            Private::No => "no".to_owned(),
            Private::Own => "loopback, private and shared".to_owned(),
            Private::Listed(ranges) => all(ranges.iter().map(ToString::to_string).collect()),
        };
        let authorities = authorities.as_ref().map(|path| path.display().to_string());
        vec![
            ("url", place.to_string()),
            ("methods", list(methods)),
            ("paths", all(paths.iter().map(ToString::to_string).collect())),
            ("headers", list(headers)),
            ("query", all(query.iter().map(|(name, most)| format!("{name}: {most}")).collect())),
            ("content-types", list(content_types)),
            ("credential", credential.unwrap_or_else(|| "none".to_owned())),
            ("plan", plan.to_string()),
            ("private", private),
            ("authorities", authorities.unwrap_or_else(|| "of the system".to_owned())),
            ("time", format!("{} ms", time.as_millis())),
            ("request", request.to_string()),
            ("response", response.to_string()),
            ("revision", format!("{revisions:?}").to_lowercase()),
        ]
    }

    /// The secret that it needs.
    pub fn secret(&self) -> Option<&str> {
        self.credential.as_ref().map(|credential| credential.secret.as_str())
    }

    /// The files that say whom to trust there.
    pub fn trusted(&self) -> impl Iterator<Item = &Path> {
        let Self {
            authorities,
            place: _,
            methods: _,
            paths: _,
            headers: _,
            query: _,
            content_types: _,
            credential: _,
            plan: _,
            private: _,
            time: _,
            request: _,
            response: _,
            revisions: _,
        } = self;
        authorities.iter().map(PathBuf::as_path)
    }

    /// Whether TLS can be spoken to it, as far as that is seen from here.
    ///
    /// # Errors
    /// Why the certificates that vouch for it cannot be had, for its operator.
    pub fn try_authorities(&self) -> Result<(), String> {
        if self.place.tls { config(self.authorities.as_deref()).map(drop) } else { Ok(()) }
    }

    /// Whether a path may be asked for below the endpoint: one that has a single reading, and that a template allows.
    pub fn allows_path(&self, path: &str) -> bool {
        segments(path).is_some_and(|path| self.fits(&path))
    }

    /// Whether a template allows these segments.
    pub(super) fn fits(&self, path: &[String]) -> bool {
        self.paths.iter().any(|template| template.fits(path))
    }

    /// Whether a method may be used.
    pub(super) fn allows_method(&self, method: &Method) -> bool {
        self.methods.contains(method.as_str())
    }
}

fn check_headers(settings: &EndpointSettings) -> Result<(), BadEndpoint> {
    for header in &settings.headers {
        match named(header) {
            Named::Open => {}
            Named::Forbidden => {
                let problem = format!("`{header}` is set by the host alone, or by nobody");
                return bad("headers", "header-forbidden", problem);
            }
            Named::Bad => {
                let shown = header.escape_debug();
                let problem = format!("`{shown}` is no name of a header in lower case");
                return bad("headers", "bad-header", problem);
            }
        }
    }
    for text in &settings.content_types {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-./".contains(&b);
        if text.split('/').count() != 2 || !text.bytes().all(plain) {
            let problem =
                format!("`{}` is no type such as `application/json`", text.escape_debug());
            return bad("content-types", "content-type", problem);
        }
    }
    let Some(Credential { header, prefix, .. }) = &settings.credential else { return Ok(()) };
    // `authorization` and the like are what this is for; what frames a request is not.
    let own = ["authorization", "cookie", "proxy-authorization"].contains(&header.as_str())
        || named(header) == Named::Open;
    if !own {
        let problem = format!("`{}` cannot carry a secret", header.escape_debug());
        return bad("credential", "bad-header", problem);
    }
    if settings.headers.contains(header) {
        let problem = format!("`{header}` carries the credential; a plugin may not set it too");
        return bad("headers", "header-forbidden", problem);
    }
    if !prefix.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) {
        return bad("credential", "bad-header", "a prefix has visible ASCII characters");
    }
    Ok(())
}
