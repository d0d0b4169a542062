//! The program as a user starts it, a scratch folder to start it in, and stand-ins to call.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use emulator::{crisp, gorgias};
use tempfile::TempDir;

pub(crate) const WEBSITE_ID: &str = "47eaa099-2cb6-416d-86dc-283cf0480ff9";
pub(crate) const ACCOUNT: &str = "admin@shop.example";
pub(crate) const KEY: &str = "demo-key";

/// How long a verb may take before the test gives it up.
const PATIENCE: Duration = Duration::from_secs(300);

/// Both stand-ins, serving in this process for as long as it lives.
pub(crate) struct Servers {
    pub(crate) crisp: crisp::Emulator,
    pub(crate) gorgias: gorgias::Emulator,
    pub(crate) crisp_url: String,
    pub(crate) gorgias_url: String,
    _runtime: tokio::runtime::Runtime,
}

impl Servers {
    pub(crate) fn start(source: crisp::Options, target: gorgias::Options) -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
        let crisp = crisp::Emulator::new(source).expect("the data can be served");
        let gorgias = gorgias::Emulator::new(target).expect("the target starts");
        let listen = || {
            let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"));
            let listener = listener.expect("a port is free");
            let url = format!("http://{}", listener.local_addr().expect("is bound"));
            (listener, url)
        };
        let (crisp_listener, crisp_url) = listen();
        let (gorgias_listener, gorgias_url) = listen();
        let (serving_crisp, serving_gorgias) = (crisp.clone(), gorgias.clone());
        runtime.spawn(async move { serving_crisp.serve(crisp_listener).await });
        runtime.spawn(async move { serving_gorgias.serve(gorgias_listener).await });
        Self { crisp, gorgias, crisp_url, gorgias_url, _runtime: runtime }
    }
}

/// A stand-in for Gorgias alone, serving for as long as it lives.
pub(crate) struct Served {
    pub(crate) gorgias: gorgias::Emulator,
    pub(crate) url: String,
    _runtime: tokio::runtime::Runtime,
}

pub(crate) fn serve_gorgias(options: gorgias::Options) -> Served {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let gorgias = gorgias::Emulator::new(options).expect("the target starts");
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"));
    let listener = listener.expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("is bound"));
    let serving = gorgias.clone();
    runtime.spawn(async move { serving.serve(listener).await });
    Served { gorgias, url, _runtime: runtime }
}

pub(crate) fn shop(conversations: usize) -> crisp::Options {
    crisp::Options {
        data: crisp::Data::Shop { seed: 7, conversations },
        website_id: WEBSITE_ID.to_owned(),
        identifier: KEY.to_owned(),
        key: KEY.to_owned(),
        tier: "plugin".to_owned(),
        ..crisp::Options::default()
    }
}

pub(crate) fn helpdesk() -> gorgias::Options {
    let agent = |name: &str| gorgias::Agent {
        email: format!("{name}@shop.example"),
        name: name.to_owned(),
        role: "agent".to_owned(),
    };
    gorgias::Options {
        email: ACCOUNT.to_owned(),
        api_key: KEY.to_owned(),
        agents: ["ada", "bo", "chloe", "dmitri", "eve"].map(agent).into(),
        ..gorgias::Options::default()
    }
}

/// A folder with a configuration and a warehouse.
pub(crate) struct Bench {
    pub(crate) folder: TempDir,
}

impl Bench {
    pub(crate) fn new(servers: &Servers) -> Self {
        let bench = Self::bare("");
        bench.configure(&bench.configuration(&servers.crisp_url, &servers.gorgias_url));
        bench
    }

    /// A folder with a configuration of this text.
    pub(crate) fn bare(configuration: &str) -> Self {
        let bench = Self { folder: tempfile::tempdir().expect("a scratch folder") };
        std::fs::write(bench.path("key"), format!("{KEY}\n")).expect("can be written");
        bench.configure(configuration);
        bench
    }

    pub(crate) fn configuration(&self, crisp_url: &str, gorgias_url: &str) -> String {
        format!(
            "[warehouse]\nurl = \"file://{}/warehouse\"\n\
             [source]\nplatform = \"crisp\"\nbase_url = \"{crisp_url}/v1\"\n\
             website_id = \"{WEBSITE_ID}\"\nidentifier = {{ file = \"key\" }}\n\
             key = {{ file = \"key\" }}\ntier = \"plugin\"\nprivate_hosts = [\"127.0.0.1\"]\n\
             [target]\nplatform = \"gorgias\"\nbase_url = \"{gorgias_url}\"\n\
             email = \"{ACCOUNT}\"\napi_key = {{ file = \"key\" }}\n\
             calls_per_window = 1000000\nwindow_s = 1\n",
            self.folder.path().display()
        )
    }

    pub(crate) fn configure(&self, text: &str) {
        std::fs::write(self.path("deskferry.toml"), text).expect("can be written");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a verb to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        let mut child = self.start(arguments);
        let began = Instant::now();
        let status = loop {
            match child.try_wait().expect("can be asked") {
                Some(status) => break status,
                None => assert!(began.elapsed() < PATIENCE, "{arguments:?} takes too long"),
            }
            pause(20);
        };
        let said = |name: &str| {
            let bytes = std::fs::read(self.path(name)).expect("was written");
            String::from_utf8_lossy(&bytes).into_owned()
        };
        Ended { code: status.code().unwrap_or(-1), stdout: said("stdout"), stderr: said("stderr") }
    }

    /// Starts a verb; its output goes to files, so that a full pipe never stops it.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let file = |name: &str| File::create(self.path(name)).expect("can be written");
        Command::new(program_file())
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(file("stdout"))
            .stderr(file("stderr"))
            .spawn()
            .expect("the program starts; `make test` builds it first")
    }

    /// The rows of a question, each as JSON.
    pub(crate) fn ask(&self, sql: &str) -> Vec<serde_json::Value> {
        let ended = self.run(&["query", "--format", "json", sql]);
        assert_eq!(ended.code, 0, "{sql}\n{}", ended.stderr);
        let lines = ended.stdout.lines();
        lines.map(|line| serde_json::from_str(line).expect("is JSON")).collect()
    }

    /// The one number that a question has as its answer.
    pub(crate) fn number(&self, sql: &str) -> i64 {
        let rows = self.ask(sql);
        let cells = rows.first().and_then(|row| row.as_object()?.values().next()?.as_i64());
        cells.unwrap_or_else(|| panic!("{sql} gave {rows:?}"))
    }
}

/// Waits for another process, which a plain thread may do.
#[expect(clippy::disallowed_methods, reason = "no async code runs on this thread")]
pub(crate) fn pause(wait_ms: u64) {
    std::thread::sleep(Duration::from_millis(wait_ms));
}

/// How a verb ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The program, which lies beside the folder of this test's own binary.
pub(crate) fn program_file() -> PathBuf {
    let test = std::env::current_exe().expect("this test is a file");
    let folder = test.parent().and_then(Path::parent).expect("target/<profile>/deps");
    folder.join(format!("deskferry{}", std::env::consts::EXE_SUFFIX))
}
