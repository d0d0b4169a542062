//! Who is let in: SCRAM-SHA-256 with one user and one password, or everybody where that was asked
//! for. It also hands each connection its handlers.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::prelude::SessionContext;
use datafusion_postgres::hooks::cursor::CursorStatementHook;
use datafusion_postgres::hooks::transactions::TransactionStatementHook;
use datafusion_postgres::pgwire::api::auth::noop::NoopStartupHandler;
use datafusion_postgres::pgwire::api::auth::sasl::SASLAuthStartupHandler;
use datafusion_postgres::pgwire::api::auth::sasl::scram::{
    SCRAM_ITERATIONS, ScramAuth, gen_salted_password, random_nonce,
};
use datafusion_postgres::pgwire::api::auth::{
    AuthSource, DefaultServerParameterProvider, LoginInfo, Password as Salted, StartupHandler,
};
use datafusion_postgres::pgwire::api::cancel::{CancelHandler, DefaultCancelHandler};
use datafusion_postgres::pgwire::api::query::{ExtendedQueryHandler, SimpleQueryHandler};
use datafusion_postgres::pgwire::api::{ClientInfo, ConnectionManager, PgWireServerHandlers};
use datafusion_postgres::pgwire::error::{PgWireError, PgWireResult};
use datafusion_postgres::pgwire::messages::startup::ParameterStatus;
use datafusion_postgres::pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage};
use datafusion_postgres::{DfSessionService, QueryHook};
use futures::{Sink, SinkExt};

use super::USER;
use super::gate::{BackToSavepoint, Gate, OneAtATime};
use super::settings;

/// A password, salted and hashed as SCRAM wants it.
#[derive(Clone)]
pub(super) struct Password {
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl Password {
    pub(super) fn new(password: &str) -> Self {
        let salt = random_nonce().into_bytes();
        let hash = gen_salted_password(password, &salt, SCRAM_ITERATIONS);
        Self { salt, hash }
    }
}

impl Debug for Password {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Password")
    }
}

#[async_trait]
impl AuthSource for Password {
    async fn get_password(&self, login: &LoginInfo) -> PgWireResult<Salted> {
        // Another user gets a hash that nobody knows the password of, and so the same refusal.
        let hash = match login.user() {
            Some(USER) => self.hash.clone(),
            _ => random_nonce().into_bytes(),
        };
        Ok(Salted::new(Some(self.salt.clone()), hash))
    }
}

/// What answers one connection.
pub(super) struct Connection {
    inner: Arc<DfSessionService>,
    outer: Arc<OneAtATime>,
    password: Option<Password>,
    manager: Arc<ConnectionManager>,
}

/// Connections that can be asked to stop what they are doing.
static MANAGER: std::sync::LazyLock<Arc<ConnectionManager>> =
    std::sync::LazyLock::new(|| Arc::new(ConnectionManager::new()));

impl Connection {
    pub(super) fn new(session: Arc<SessionContext>, password: Option<Password>) -> Self {
        // The gate comes before the hook that would run a cursor's query, and after the one that
        // answers only ROLLBACK in a transaction that failed.
        let hooks: Vec<Arc<dyn QueryHook>> = vec![
            Arc::new(BackToSavepoint),
            Arc::new(TransactionStatementHook),
            Arc::new(Gate),
            Arc::new(CursorStatementHook),
        ];
        let inner = Arc::new(DfSessionService::new_with_hooks(session, hooks));
        let outer = Arc::new(OneAtATime::new(inner.clone()));
        Self { inner, outer, password, manager: MANAGER.clone() }
    }
}

impl PgWireServerHandlers for Connection {
    fn simple_query_handler(&self) -> Arc<impl SimpleQueryHandler> {
        self.inner.clone()
    }

    fn extended_query_handler(&self) -> Arc<impl ExtendedQueryHandler> {
        self.outer.clone()
    }

    fn startup_handler(&self) -> Arc<impl StartupHandler> {
        let manager = self.manager.clone();
        Arc::new(match &self.password {
            None => Door::Open(Open { manager }),
            Some(password) => {
                let mut parameters = DefaultServerParameterProvider::default();
                parameters.server_version = settings::SERVER_VERSION.to_owned();
                parameters.search_path = settings::SEARCH_PATH.to_owned();
                parameters.is_superuser = false;
                parameters.default_transaction_read_only = true;
                let scram = ScramAuth::new(Arc::new(password.clone()));
                Door::Locked(Box::new(
                    SASLAuthStartupHandler::new(Arc::new(parameters))
                        .with_scram(scram)
                        .with_connection_manager(manager),
                ))
            }
        })
    }

    fn cancel_handler(&self) -> Arc<impl CancelHandler> {
        Arc::new(DefaultCancelHandler::new(self.manager.clone()))
    }
}

enum Door {
    Locked(Box<SASLAuthStartupHandler<DefaultServerParameterProvider>>),
    Open(Open),
}

#[async_trait]
impl StartupHandler for Door {
    async fn on_startup<C>(
        &self,
        client: &mut C,
        message: PgWireFrontendMessage,
    ) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        match self {
            Door::Locked(door) => door.on_startup(client, message).await,
            Door::Open(door) => door.on_startup(client, message).await,
        }
    }
}

struct Open {
    manager: Arc<ConnectionManager>,
}

#[async_trait]
impl NoopStartupHandler for Open {
    fn connection_manager(&self) -> Option<Arc<ConnectionManager>> {
        Some(self.manager.clone())
    }

    async fn post_startup<C>(&self, client: &mut C, _: PgWireFrontendMessage) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        for (name, value) in [
            ("server_version", settings::SERVER_VERSION),
            ("search_path", settings::SEARCH_PATH),
            ("is_superuser", "off"),
            ("default_transaction_read_only", "on"),
        ] {
            let status = ParameterStatus::new(name.to_owned(), value.to_owned());
            client.feed(PgWireBackendMessage::ParameterStatus(status)).await?;
        }
        Ok(())
    }
}
