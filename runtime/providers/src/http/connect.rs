//! From an endpoint to a connection: its name is resolved once, each address of the answer is judged, and the
//! connection goes to an address that was judged, not to a name that may lead elsewhere a moment later (DNS
//! rebinding). TLS is held to the name. No proxy of the environment is asked, and no connection is used twice.

use super::{
    address::{Kind, described},
    endpoint::Endpoint,
    place::HostName,
    trouble::Trouble,
};
use async_trait::async_trait;
use rustls::{
    CertificateError, ClientConfig, RootCertStore,
    client::Resumption,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use std::{
    io,
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::{Arc, OnceLock},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{Instant, timeout_at},
};
use tokio_rustls::TlsConnector;

/// Who says which addresses a name has. Asked once for each request.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// All addresses of a name.
    ///
    /// # Errors
    /// What kept it from an answer.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's: its hosts file, its name servers.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// What bytes go over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// An endpoint with what it takes to reach it.
pub(super) struct Reached {
    pub(super) endpoint: Endpoint,
    tls: OnceLock<Arc<ClientConfig>>,
}

impl Reached {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, tls: OnceLock::new() }
    }

    /// A connection to the endpoint, made before the deadline.
    pub(super) async fn connect(
        &self,
        resolver: &dyn Resolver,
        deadline: Instant,
    ) -> Result<Box<dyn Stream>, Trouble> {
        let endpoint = &self.endpoint;
        let late = |_| Trouble::Late(endpoint.time);
        let addresses =
            timeout_at(deadline, addresses(endpoint, resolver)).await.map_err(late)??;
        let stream = timeout_at(deadline, reach(endpoint, &addresses)).await.map_err(late)??;
        if !endpoint.place.tls {
            return Ok(Box::new(stream));
        }
        let connector = TlsConnector::from(self.tls().await?);
        let name = match &endpoint.place.host {
            HostName::Address(address) => ServerName::from(*address),
            HostName::Name(name) => ServerName::try_from(name.clone())
                .map_err(|_| Trouble::Tls("its name is none".to_owned()))?,
        };
        let shaken = timeout_at(deadline, connector.connect(name, stream)).await.map_err(late)?;
        Ok(Box::new(shaken.map_err(|error| Trouble::Tls(why(&error)))?))
    }

    async fn tls(&self) -> Result<Arc<ClientConfig>, Trouble> {
        if let Some(config) = self.tls.get() {
            return Ok(config.clone());
        }
        let file = self.endpoint.authorities.clone();
        let made = tokio::task::spawn_blocking(move || config(file.as_deref())).await;
        let made = made.map_err(|_| Trouble::Roots)?.map_err(|_| Trouble::Roots)?;
        let made = Arc::new(made);
        Ok(self.tls.get_or_init(|| made).clone())
    }
}

/// The addresses of an endpoint, each of which it may be at.
async fn addresses(
    endpoint: &Endpoint,
    resolver: &dyn Resolver,
) -> Result<Vec<SocketAddr>, Trouble> {
    let found = match &endpoint.place.host {
        HostName::Address(address) => vec![*address],
        HostName::Name(name) => resolver.resolve(name).await.map_err(|_| Trouble::Resolve)?,
    };
    if found.is_empty() {
        return Err(Trouble::Resolve);
    }
    for address in &found {
        if !endpoint.private.allows(*address) {
            return Err(Trouble::Address(described(*address)));
        }
        let open = !endpoint.place.tls && endpoint.credential.is_some();
        if open && Kind::of(*address) == Kind::Public {
            return Err(Trouble::InTheClear);
        }
    }
    Ok(found.into_iter().map(|address| SocketAddr::new(address, endpoint.place.port)).collect())
}

/// The first address that takes a connection. Half of the time that is left is for each but the last, so that one
/// that is silent does not use up that of the others.
async fn reach(endpoint: &Endpoint, addresses: &[SocketAddr]) -> Result<TcpStream, Trouble> {
    let mut left = endpoint.time;
    for (at, address) in addresses.iter().enumerate() {
        if at + 1 < addresses.len() {
            left /= 2;
        }
        let connecting = tokio::time::timeout(left, TcpStream::connect(address)).await;
        if let Ok(Ok(stream)) = connecting {
            // A request is one small write; waiting for more of it would only be slow.
            let _best_effort = stream.set_nodelay(true);
            return Ok(stream);
        }
    }
    Err(Trouble::Connect)
}

/// TLS as it is spoken to an endpoint; the error is for its operator.
pub(super) fn config(authorities: Option<&Path>) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    match authorities {
        Some(file) => {
            let unread = |e: &dyn std::fmt::Display| format!("{}: {e}", file.display());
            for certificate in CertificateDer::pem_file_iter(file).map_err(|e| unread(&e))? {
                let added = roots.add(certificate.map_err(|e| unread(&e))?);
                added.map_err(|e| unread(&e))?;
            }
            if roots.is_empty() {
                return Err(format!("{} has no certificate", file.display()));
            }
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
            if roots.is_empty() {
                return Err("this system trusts no authority; install its certificates, or name a file with `authorities`".to_owned());
            }
        }
    }
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // Nothing of one request lives on into the next.
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// What is wrong with a handshake, in our words: a certificate's are the other side's.
fn why(error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(certificate)) => match certificate {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "its certificate is over"
            }
            CertificateError::UnknownIssuer => "nobody who is trusted vouches for its certificate",
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "its certificate is for another name"
            }
            _ => "its certificate does not hold",
        },
        Some(_) => "the two sides do not agree",
        None => "the connection ended in the handshake",
    }
    .to_owned()
}
