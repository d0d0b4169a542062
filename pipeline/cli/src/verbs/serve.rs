//! `deskferry serve`: the Postgres wire, until it is interrupted.

use std::net::SocketAddr;

use audit::Server;
use kernel::{Code, Fault, Result};
use tokio::net::TcpListener;

use super::query::sight;
use crate::Ending;
use crate::arguments::Serve;
use crate::config::Config;
use crate::print;

pub(crate) async fn run(config: &Config, serve: &Serve) -> Result<Ending> {
    let chosen = config.serve_password()?;
    check_reach(serve)?;
    let is_generated = chosen.is_none() && !serve.no_password;
    let password = match serve.no_password {
        true => None,
        false => Some(chosen.unwrap_or_else(audit::random_password)),
    };
    let sight = sight(config, &serve.choice)?;
    let mut server = Server::new(sight, config.models()?, password.as_deref());
    if let (Some(certificate), Some(key)) = (&serve.tls_cert, &serve.tls_key) {
        server = server.with_tls(certificate, key)?;
    }
    let listener = listen(serve.listen).await?;
    let address = listener
        .local_addr()
        .map_err(|error| Fault::bug("a listener has no address").because(error))?;
    print::talk(&format!("Postgres wire at {address}, read only, until Ctrl-C"));
    let secret = match &password {
        Some(password) if is_generated => format!("PGPASSWORD={password} "),
        _ => String::new(),
    };
    let (host, port) = (address.ip(), address.port());
    let (user, database) = (audit::USER, audit::DATABASE);
    print::talk(&format!("{secret}psql -h {host} -p {port} -U {user} {database}"));
    tokio::select! {
        served = server.serve(listener) => served?,
        _ = tokio::signal::ctrl_c() => print::talk("stopped"),
    }
    Ok(Ending::Done)
}

/// Beyond this machine only with a password and TLS, unless that was asked for by name.
fn check_reach(serve: &Serve) -> Result<()> {
    let is_safe = serve.tls_cert.is_some() && !serve.no_password;
    if audit::is_loopback(&serve.listen) || is_safe || serve.insecure {
        return Ok(());
    }
    Err(Fault::config(format!("{} is reached from other machines", serve.listen.ip()))
        .hint("give --tls-cert and --tls-key and leave the password on, or say --insecure"))
}

async fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        Fault::config(format!("{address} cannot be listened on"))
            .coded(Code::AddressInUse)
            .hint("--listen takes another address; port 0 a free one")
            .because(error)
    })
}
