//! Ctrl-C and SIGTERM while something runs that can be stopped: the first one asks it to end, the
//! second one ends the program at once. What is durable by then is enough to go on, as after a kill.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use kernel::{Fault, Result};
use load::Stop;

use crate::print;

/// Exit code of a program that Ctrl-C ended: 128 and the number of the signal.
const CTRL_C: u8 = 130;
/// Exit code of a program that SIGTERM ended.
const TERMINATE: u8 = 143;

/// Listens until it is dropped.
pub(crate) struct Signals {
    code: Arc<AtomicU8>,
    listening: tokio::task::JoinHandle<()>,
}

impl Signals {
    /// Passes the first signal on to `stop`.
    ///
    /// # Errors
    /// `FixConfig` when this machine has no signals to listen to.
    pub(crate) fn listen(stop: Stop) -> Result<Self> {
        let mut heard = Heard::new()
            .map_err(|error| Fault::config("signals cannot be listened to").because(error))?;
        let code = Arc::new(AtomicU8::new(CTRL_C));
        let first = code.clone();
        let listening = tokio::spawn(async move {
            first.store(heard.next().await, Ordering::Relaxed);
            print::talk("stopping: what is under way ends first; once more stops at once");
            stop.ask();
            std::process::exit(heard.next().await.into());
        });
        Ok(Self { code, listening })
    }

    /// The exit code of a program that was asked to stop.
    pub(crate) fn exit_code(&self) -> u8 {
        self.code.load(Ordering::Relaxed)
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

#[cfg(unix)]
struct Heard {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Heard {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => CTRL_C,
            _ = self.terminate.recv() => TERMINATE,
        }
    }
}

#[cfg(not(unix))]
struct Heard;

#[cfg(not(unix))]
impl Heard {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> u8 {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        CTRL_C
    }
}
