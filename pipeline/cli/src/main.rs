//! The program `deskferry`: the only reader of arguments and environment, the only printer.
//!
//! Data goes to stdout, talk to stderr. It ends with 0 when done, 1 when done with findings, 2
//! when it failed, 130 or 143 when it was stopped by Ctrl-C or SIGTERM and can go on.

mod arguments;
mod bars;
mod clock;
mod config;
mod metrics;
mod print;
mod signals;
mod verbs;

use std::process::ExitCode;

use clap::Parser;
use kernel::Fault;

use crate::arguments::Arguments;

/// The allocator of the program: the system's gives freed memory back and takes it again for every
/// reply.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// How a verb ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Done,
    DoneWithFindings,
    /// Stopped because somebody asked; the code says how, as shells expect it.
    Stopped(u8),
}

impl Ending {
    fn of(findings: u64) -> Self {
        if findings == 0 { Ending::Done } else { Ending::DoneWithFindings }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::Error::from(error)),
    };
    match runtime.block_on(verbs::run(arguments)) {
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::DoneWithFindings) => ExitCode::from(1),
        Ok(Ending::Stopped(code)) => ExitCode::from(code),
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    let fault = error.chain().find_map(|cause| cause.downcast_ref::<Fault>());
    let code = fault.map(|fault| format!(" [{}]", fault.code().name())).unwrap_or_default();
    print::talk(&format!("error: {}{code}", causes.join(": ")));
    if let Some(fault) = fault {
        print::talk(&format!("hint: {}", fault.advice()));
    }
    ExitCode::from(2)
}
