//! The Postgres wire: every table of a move for whoever speaks Postgres, read only.
//!
//! It owns connections, the password and when the catalog is read anew. What a statement may do is
//! decided in `transform`; how clients are humoured is in the modules below.

mod adapt;
mod cursors;
mod door;
mod functions;
mod gate;
mod postgres;
mod settings;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use datafusion::prelude::SessionContext;
use datafusion_postgres::pgwire::api::auth::sasl::scram::random_nonce;
use datafusion_postgres::pgwire::tokio::tokio_rustls::rustls::pki_types::pem::PemObject;
use datafusion_postgres::pgwire::tokio::tokio_rustls::rustls::pki_types::{
    CertificateDer, PrivateKeyDer,
};
use datafusion_postgres::pgwire::tokio::tokio_rustls::rustls::{ServerConfig, crypto::ring};
use datafusion_postgres::pgwire::tokio::{TlsAcceptor, process_socket};
use kernel::{Fault, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, Semaphore};
use transform::{Models, Scope};

use crate::question::Sight;
use door::{Connection, Password};

/// The one user there is.
pub const USER: &str = "deskferry";
/// The one database there is; its schemas are the stages.
pub const DATABASE: &str = "deskferry";
/// Connections at the same time; each may hold an answer in memory.
const CONNECTIONS_MAX: usize = 32;

/// A server that has not begun to listen.
pub struct Server {
    sight: Sight,
    models: Models,
    password: Option<Password>,
    tls: Option<TlsAcceptor>,
    current: Mutex<Option<Current>>,
}

/// The catalog as it was last read, and from what.
struct Current {
    scope: Scope,
    written: usize,
    session: SessionContext,
}

impl Server {
    /// A server of everything that `sight` sees. Without a password everybody is let in.
    pub fn new(sight: Sight, models: Models, password: Option<&str>) -> Self {
        let password = password.map(Password::new);
        Self { sight, models, password, tls: None, current: Mutex::new(None) }
    }

    /// Speaks TLS with this certificate and key, both PEM.
    ///
    /// # Errors
    /// `FixConfig` when either cannot be read.
    pub fn with_tls(mut self, certificate: &Path, key: &Path) -> Result<Self> {
        let unreadable = |path: &Path, error: &dyn std::fmt::Display| {
            Fault::config(format!("{} cannot be used for TLS", path.display()))
                .hint("both files are PEM: a certificate and its private key")
                .because(std::io::Error::other(error.to_string()))
        };
        let chain = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>)
            .map_err(|error| unreadable(certificate, &error))?;
        let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, &error))?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| unreadable(certificate, &error))?
            .with_no_client_auth()
            .with_single_cert(chain, secret)
            .map_err(|error| unreadable(certificate, &error))?;
        self.tls = Some(TlsAcceptor::from(Arc::new(config)));
        Ok(self)
    }

    /// Answers whoever connects, until the future is dropped.
    ///
    /// # Errors
    /// When what should be served cannot be read at the start.
    pub async fn serve(self, listener: TcpListener) -> Result<()> {
        let server = Arc::new(self);
        server.session().await?;
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let Ok((socket, _)) = listener.accept().await else { continue };
            let Ok(place) = places.clone().try_acquire_owned() else { continue };
            let server = server.clone();
            tokio::spawn(async move {
                server.answer(socket).await;
                drop(place);
            });
        }
    }

    /// Serves one connection. Whoever breaks it off breaks nothing else.
    async fn answer(&self, socket: TcpStream) {
        let Ok(shared) = self.session().await else { return };
        // Its own copy, so that a client's search_path is nobody else's.
        let session = Arc::new(SessionContext::new_with_state(shared.state()));
        let connection = Connection::new(session, self.password.clone());
        let _ = process_socket(socket, self.tls.clone(), Arc::new(connection)).await;
    }

    /// The catalog, read anew when a build, a run or a step of a run has been added since.
    async fn session(&self) -> Result<SessionContext> {
        let scope = self.sight.scope().await?;
        let written = self.sight.written(&scope).await?;
        let mut current = self.current.lock().await;
        if let Some(known) = current.as_ref()
            && known.scope == scope
            && known.written == written
        {
            return Ok(known.session.clone());
        }
        let session = transform::catalog(&self.sight.warehouse, &scope).await?;
        let comments = crate::dictionary::comments(&self.models);
        postgres::prepare(&session, &comments).await.map_err(|error| {
            Fault::bug("the catalog cannot be shown as that of Postgres").because(error)
        })?;
        *current = Some(Current { scope, written, session: session.clone() });
        Ok(session)
    }
}

/// A password that nobody chose.
pub fn random_password() -> String {
    let letters = random_nonce();
    letters.chars().filter(char::is_ascii_alphanumeric).collect()
}

/// Whether an address is reached from this machine only.
pub fn is_loopback(address: &SocketAddr) -> bool {
    address.ip().is_loopback()
}
