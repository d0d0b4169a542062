//! Questions of people and of Postgres clients: the shell, the wire, and that neither can write.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::program::{Bench, Ended, Servers, helpdesk, pause, program_file, shop};

const PASSWORD: &str = "correct horse";

/// `deskferry serve` while it runs; it ends with the test.
struct Serving {
    child: Child,
    port: String,
    line: String,
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Serving {
    /// Starts the server on a free port and waits for the line that says how to reach it.
    fn start(bench: &Bench, arguments: &[&str]) -> Self {
        let log = bench.path("serving");
        let file = std::fs::File::create(&log).expect("can be written");
        let child = Command::new(program_file())
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .current_dir(bench.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .expect("the program starts");
        let mut serving = Self { child, port: String::new(), line: String::new() };
        for _ in 0..3_000 {
            let said = std::fs::read_to_string(&log).expect("is there");
            if let Some(line) = said.lines().find(|line| line.contains("psql -h"))
                && said.ends_with('\n')
            {
                let port = line.split(" -p ").nth(1).and_then(|rest| rest.split(' ').next());
                let port = port.expect("the line names the port").to_owned();
                (serving.port, serving.line) = (port, line.to_owned());
                return serving;
            }
            pause(20);
        }
        panic!("the server does not say that it listens");
    }

    fn psql(&self, password: &str, sslmode: &str, command: &str) -> Ended {
        let target = format!(
            "host=127.0.0.1 port={} user=deskferry dbname=deskferry sslmode={sslmode}",
            self.port
        );
        let output = Command::new("psql")
            .args(["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-P", "pager=off", "-c", command])
            .arg(target)
            .env("PGPASSWORD", password)
            .output()
            .expect("psql is needed: apt-get install postgresql-client");
        Ended {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    fn shown(&self, command: &str) -> String {
        let ended = self.psql(PASSWORD, "disable", command);
        assert_eq!(ended.code, 0, "{command}\n{}", ended.stderr);
        ended.stdout
    }
}

/// Runs one of the drivers in `tests/python`, which says on stderr what went wrong.
fn python(script: &str, arguments: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("lies in the repository");
    let output = Command::new(root.join("target/venv/bin/python"))
        .arg(root.join("tests/python").join(script))
        .args(arguments)
        .output()
        .expect("make venv makes the environment");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}\n{said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Every file below a folder with its length and bytes' sum, to see whether anything changed.
fn contents(folder: &Path) -> BTreeMap<PathBuf, (usize, u64)> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("is a folder") {
        let path = entry.expect("can be listed").path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            let bytes = std::fs::read(&path).expect("can be read");
            let sum = bytes
                .iter()
                .fold(7, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
            found.insert(path, (bytes.len(), sum));
        }
    }
    found
}

fn staged(servers: &Servers) -> Bench {
    let bench = Bench::new(servers);
    std::fs::write(bench.path("wire"), format!("{PASSWORD}\n")).expect("can be written");
    let text = bench.configuration(&servers.crisp_url, &servers.gorgias_url);
    bench.configure(&format!("{text}[serve]\npassword = {{ file = \"wire\" }}\n"));
    assert!(bench.run(&["extract"]).code <= 1);
    assert_eq!(bench.run(&["transform"]).code, 0);
    bench
}

#[test]
fn postgres_clients_see_every_stage_and_change_nothing() {
    let servers = Servers::start(shop(45), helpdesk());
    let bench = staged(&servers);
    let serving = Serving::start(&bench, &[]);
    assert!(!serving.line.contains("PGPASSWORD"), "a chosen password is not shown");
    let planned = "select count(*) > 0 from plan.tickets";
    assert_ne!(serving.psql(PASSWORD, "disable", planned).code, 0, "nothing is planned yet");
    for verb in ["plan", "load", "reconcile"] {
        assert_eq!(bench.run(&[verb]).code, 0, "{verb}");
    }
    // What was made meanwhile is seen by who connects now.
    assert_eq!(serving.shown(planned), "t\n");
    let before = contents(&bench.path("warehouse"));
    std::fs::create_dir(bench.path("empty")).expect("can be made");
    let empty = bench.path("empty").display().to_string();
    let said = python("postgres_clients.py", &["127.0.0.1", &serving.port, PASSWORD, &empty]);
    assert_eq!(said.lines().count(), 5, "{said}");
    assert_psql_looks_around(&serving);
    assert_psql_writes_nothing(&serving, &bench);
    assert!(before == contents(&bench.path("warehouse")), "the warehouse is as it was");
}

fn assert_psql_looks_around(serving: &Serving) {
    for (command, part) in [
        ("\\d", "staged|tickets|table|deskferry"),
        ("\\dt", "staged|messages|table|deskferry"),
        ("\\dt plan.*", "plan|forecast|table|deskferry"),
        ("\\dt landing.*", "landing|messages|table|deskferry"),
        ("\\dt+ staged.*", "one row per ticket"),
        ("\\d messages", "sent_at|timestamp with time zone"),
        ("\\d+ messages", "position|bigint"),
        ("\\d plan.messages", "ticket_seq|bigint"),
        ("\\d+ landing.messages", "its JSON, exactly as received"),
        ("\\df", ""),
        ("\\du", "deskferry"),
        ("\\l", "deskferry|deskferry|UTF"),
        ("\\dn", "quarantine|deskferry"),
        ("\\dn+", "losses|deskferry"),
        ("\\dv", ""),
        ("\\di", ""),
        ("\\dT", ""),
        ("\\conninfo", ""),
        ("explain select 1", "PlaceholderRow"),
        ("explain analyze select count(*) from tickets", "metrics"),
        ("show search_path", "staged"),
        ("select version()", "PostgreSQL 16.0 (deskferry"),
    ] {
        let shown = serving.shown(command);
        assert!(shown.contains(part), "{command}\n{shown}");
    }
    let joined = "select count(*) from tickets join messages using (ticket_id) \
                  join plan.messages as planned using (message_id)";
    assert_ne!(serving.shown(joined), "0\n");
}

fn assert_psql_writes_nothing(serving: &Serving, bench: &Bench) {
    let target = bench.path("out.csv").display().to_string();
    for command in [
        format!("copy (select 1) to '{target}'"),
        format!("explain analyze copy (select 1) to '{target}'"),
        "copy tickets from stdin".to_owned(),
        "create table x as select 1".to_owned(),
        "select 1; drop table tickets".to_owned(),
        "insert into tickets select * from tickets".to_owned(),
        "set datafusion.execution.batch_size = 1".to_owned(),
        "prepare p as drop table tickets".to_owned(),
        "begin; delete from tickets; commit".to_owned(),
        "select * from '/etc/hostname'".to_owned(),
    ] {
        let refused = serving.psql(PASSWORD, "disable", &command);
        assert_ne!(refused.code, 0, "{command}\n{}", refused.stdout);
        assert!(!refused.stdout.contains('1'), "{command} answered {}", refused.stdout);
    }
    assert!(!bench.path("out.csv").exists());
}

#[test]
fn a_password_that_nobody_chose_is_printed_and_tls_is_spoken() {
    let servers = Servers::start(shop(40), helpdesk());
    let bench = Bench::new(&servers);
    assert!(bench.run(&["extract"]).code <= 1);
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"])
        .args(["-keyout", "key.pem", "-out", "cert.pem"])
        .current_dir(bench.folder.path())
        .output()
        .expect("openssl is there");
    assert!(made.status.success());
    let serving = Serving::start(&bench, &["--tls-cert", "cert.pem", "--tls-key", "key.pem"]);
    let password = serving.line.split(' ').next().and_then(|word| word.strip_prefix("PGPASSWORD="));
    let password = password.expect("the line holds the password");
    assert!(password.len() >= 16, "it cannot be guessed");
    let sql = "select count(*) > 0 from landing.messages";
    let answered = serving.psql(password, "require", sql);
    assert_eq!((answered.code, &*answered.stdout), (0, "t\n"), "{}", answered.stderr);
    let refused = serving.psql("wrong", "require", sql);
    assert_ne!(refused.code, 0);
    assert!(!refused.stderr.contains(password));
}

#[test]
fn nobody_is_let_in_from_outside_by_accident() {
    let servers = Servers::start(shop(0), helpdesk());
    let bench = Bench::new(&servers);
    for arguments in [&[][..], &["--no-password"]] {
        let arguments = [&["serve", "--listen", "0.0.0.0:0"], arguments].concat();
        let refused = bench.run(&arguments);
        assert_eq!(refused.code, 2);
        assert!(refused.stderr.contains("reached from other machines"), "{}", refused.stderr);
        assert!(refused.stderr.contains("--insecure"), "{}", refused.stderr);
    }
    let text = bench.configuration(&servers.crisp_url, &servers.gorgias_url);
    bench.configure(&format!("{text}[serve]\npassword = \"written down\"\n"));
    let refused = bench.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("secret written down"), "{}", refused.stderr);
    assert!(!refused.stderr.contains("\"written down\""), "{}", refused.stderr);
}

#[test]
fn the_shell_answers_in_a_terminal_and_remembers() {
    let servers = Servers::start(shop(40), helpdesk());
    let bench = staged(&servers);
    let program = program_file().display().to_string();
    let config = bench.path("deskferry.toml").display().to_string();
    let home = bench.folder.path().display().to_string();
    let said = python("shell_in_a_terminal.py", &[&program, &config, &home]);
    assert!(said.contains("shell: lines"), "{said}");
}
