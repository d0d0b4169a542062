//! `deskferry emulator`: a stand-in for a vendor's API on this machine, until it is interrupted.

use emulator::{crisp, gorgias, kustomer};
use kernel::{Code, Fault, Result};
use tokio::net::TcpListener;

use crate::Ending;
use crate::arguments::{CrispEmulator, Emulator, GorgiasEmulator, KustomerEmulator};
use crate::print;

pub(crate) async fn run(platform: &Emulator) -> Result<Ending> {
    match platform {
        Emulator::Crisp(arguments) => {
            let emulator = crisp_emulator(arguments)?;
            let listener = listen(arguments.port).await?;
            print::talk(&format!("Crisp at {}/v1, until Ctrl-C", origin(&listener)?));
            until_interrupted(emulator.serve(listener)).await
        }
        Emulator::Gorgias(arguments) => {
            let emulator = gorgias_emulator(arguments)?;
            let listener = listen(arguments.port).await?;
            print::talk(&format!("Gorgias at {}, until Ctrl-C", origin(&listener)?));
            until_interrupted(emulator.serve(listener)).await
        }
        Emulator::Kustomer(arguments) => {
            let emulator = kustomer_emulator(arguments);
            let listener = listen(arguments.port).await?;
            print::talk(&format!("Kustomer at {}/v1, until Ctrl-C", origin(&listener)?));
            until_interrupted(emulator.serve(listener)).await
        }
    }
}

/// A stand-in for Kustomer with invented data.
pub(super) fn kustomer_emulator(arguments: &KustomerEmulator) -> kustomer::Emulator {
    kustomer::Emulator::new(kustomer::Options {
        seed: arguments.seed,
        conversations: arguments.conversations,
        api_key: arguments.api_key.clone(),
        calls_per_window: arguments.calls_per_minute,
        searches_per_window: arguments.searches_per_minute,
        ..kustomer::Options::default()
    })
}

/// A stand-in for Crisp with invented data, or with a folder's.
pub(super) fn crisp_emulator(arguments: &CrispEmulator) -> Result<crisp::Emulator> {
    let operator = |email: &String| crisp::Operator {
        email: email.clone(),
        name: email.split('@').next().unwrap_or(email).to_owned(),
        role: "member".to_owned(),
    };
    let is_target = !arguments.agents.is_empty();
    let data = match &arguments.data {
        Some(folder) => crisp::Data::Folder(folder.clone()),
        None if is_target => crisp::Data::Empty(arguments.agents.iter().map(operator).collect()),
        None => crisp::Data::Shop { seed: arguments.seed, conversations: arguments.conversations },
    };
    crisp::Emulator::new(crisp::Options {
        data,
        website_id: arguments.website_id.clone(),
        identifier: arguments.identifier.clone(),
        key: arguments.key.clone(),
        tier: arguments.tier.clone(),
        calls_per_day: arguments.calls_per_day,
        writable: is_target,
        ..crisp::Options::default()
    })
    .map_err(|error| {
        Fault::data("the data cannot be served")
            .hint("correct the line that is named, or leave --data out for invented data")
            .because(error)
    })
}

/// A stand-in for an empty Gorgias.
pub(super) fn gorgias_emulator(arguments: &GorgiasEmulator) -> Result<gorgias::Emulator> {
    let agent = |email: &String| gorgias::Agent {
        email: email.clone(),
        name: email.split('@').next().unwrap_or(email).to_owned(),
        role: "agent".to_owned(),
    };
    let bucket = arguments
        .calls_per_window
        .map(|calls| gorgias::Bucket { calls, window_ms: arguments.window_s * 1_000 });
    gorgias::Emulator::new(gorgias::Options {
        email: arguments.email.clone(),
        api_key: arguments.api_key.clone(),
        agents: arguments.agents.iter().map(agent).collect(),
        bucket,
        state: arguments.state.clone(),
        ..gorgias::Options::default()
    })
    .map_err(|error| {
        Fault::config("the state of the emulator cannot be read")
            .hint("name another file with --state, or remove this one")
            .because(error)
    })
}

/// Listens on this machine alone.
pub(super) async fn listen(port: u16) -> Result<TcpListener> {
    TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| {
        Fault::config(format!("port {port} on 127.0.0.1 cannot be used"))
            .coded(Code::AddressInUse)
            .hint("--port takes another one; --port 0 a free one")
            .because(error)
    })
}

/// The address of a listener.
pub(super) fn origin(listener: &TcpListener) -> Result<String> {
    let address = listener
        .local_addr()
        .map_err(|error| Fault::bug("a listener has no address").because(error))?;
    Ok(format!("http://{address}"))
}

async fn until_interrupted(serving: impl Future<Output = std::io::Result<()>>) -> Result<Ending> {
    tokio::select! {
        served = serving => {
            served.map_err(|error| Fault::retry("the emulator stopped").because(error))?;
        }
        _ = tokio::signal::ctrl_c() => print::talk("stopped"),
    }
    Ok(Ending::Done)
}
