//! What may be typed. Parsing checks forms; it never acts.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use load::preflight::Acknowledgement;

/// Moves a company's helpdesk: extracts everything, keeps it provably unchanged, replays it into
/// the new one, and shows that nothing was lost, doubled or sent.
#[derive(Debug, Parser)]
#[command(name = "deskferry", version, max_term_width = 100)]
pub(crate) struct Arguments {
    /// The configuration.
    #[arg(long, global = true, value_name = "PATH", default_value = "deskferry.toml")]
    pub(crate) config: PathBuf,
    /// The form of what goes to stdout.
    #[arg(long, global = true, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// The form of what goes to stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Columns for people.
    Table,
    /// One JSON object a line.
    Json,
    /// Comma-separated values.
    Csv,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run the whole job against built-in stand-ins and invented shop data; needs no account.
    Demo(Demo),
    /// Write a commented deskferry.toml to start from.
    Init(Init),
    /// Extract everything the source holds into a sealed snapshot; resumes by itself.
    Extract(Extract),
    /// Look at both sides before anything moves: may everything be read, and what in the target
    /// could act on what is loaded. Reads only; exit code 1 names what is in the way.
    Check(Check),
    /// List, show, verify, sign or export what was landed.
    Snapshot {
        #[command(subcommand)]
        what: Snapshot,
    },
    /// Build the staged tables from the newest snapshot, and check them.
    Transform,
    /// Plan every call of the replay, and forecast calls and time; calls nobody.
    Plan(Plan),
    /// Replay the plan into the target; resumes by itself.
    Load(Load),
    /// Say where a run stands: how far, how fast, until when, and how each session ended.
    Status(Status),
    /// Read the target back in full and explain every difference.
    Reconcile(Reconcile),
    /// Take a run back out of the target: what it made and nobody has touched since. Without
    /// --execute it only says what would be removed.
    Rollback(Rollback),
    /// Ask a question in SQL, or many in a shell; `staged` is the default schema.
    Query(Query),
    /// Follow one record from the bytes that were received to what the target holds.
    Explain(Explain),
    /// Write what has no equal in the target and is made again by hand: macros, rules, service
    /// levels, views, objects and all else that nobody moves.
    Report(Report),
    /// Let any Postgres client ask questions; read only, on this machine, with a password.
    Serve(Serve),
    /// Serve a stand-in for a vendor's API on this machine.
    Emulator {
        #[command(subcommand)]
        platform: Emulator,
    },
}

/// Who is moved from and who is moved to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Pair {
    /// From Crisp into Gorgias.
    CrispGorgias,
    /// From one workspace of Crisp into another.
    CrispCrisp,
    /// From Kustomer into Gorgias.
    KustomerGorgias,
    /// From Kustomer into Crisp.
    KustomerCrisp,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// From which helpdesk into which.
    #[arg(long, value_enum, default_value_t = Pair::CrispGorgias)]
    pub(crate) pair: Pair,
    /// Where the demo keeps its warehouse; made anew each time.
    #[arg(long, value_name = "FOLDER", default_value = "deskferry-demo")]
    pub(crate) folder: PathBuf,
    /// How many conversations the shop has.
    #[arg(long, default_value_t = 120)]
    pub(crate) conversations: usize,
    /// What the shop is invented from: the same seed gives the same shop.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// A folder of JSON lines to use instead of invented data.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The platform to move from.
    #[arg(default_value = "crisp")]
    pub(crate) source: String,
    /// The platform to move to.
    #[arg(default_value = "gorgias")]
    pub(crate) target: String,
    /// Write the SQL of every model and check into this folder instead, to start your own from.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) models: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The side to look at; both when left out.
    #[arg(value_enum)]
    pub(crate) side: Option<SideName>,
}

/// One of the two helpdesks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SideName {
    /// Where the data is.
    Source,
    /// Where it goes.
    Target,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// The run; the newest one when left out.
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<String>,
}

#[derive(Debug, Default, Args)]
pub(crate) struct Extract {
    /// Land only what changed since the newest snapshot, which becomes the parent of the new one.
    #[arg(long)]
    pub(crate) delta: bool,
    /// Stop when the calls of the day are used up, instead of sleeping until they are back.
    #[arg(long)]
    pub(crate) until_quota: bool,
    /// Lock the sealed snapshot until this day (S3 Object Lock, compliance mode): nobody can delete
    /// or change it before.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) lock_until: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Snapshot {
    /// Every sealed snapshot.
    List,
    /// What one snapshot holds, and what shows that it is complete.
    Show(SnapshotChoice),
    /// Hash every file and rebuild every reply, along the whole chain; exit code 1 names what was
    /// changed.
    Verify(Verify),
    /// Sign a snapshot with an Ed25519 key; the signature lies beside what it signs.
    Sign(Sign),
    /// Write a snapshot to a file: a tar that stands alone, or its records as JSON lines.
    Export(Export),
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The snapshot, as in crisp/0001, or an exported tar, or its unpacked folder; the newest one
    /// of the source when left out.
    pub(crate) snapshot: Option<String>,
    /// A public key as PEM: the signature must be there and be of this key.
    #[arg(long, value_name = "FILE")]
    pub(crate) public_key: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Sign {
    #[command(flatten)]
    pub(crate) choice: SnapshotChoice,
    /// A private key as PEM, as `openssl genpkey -algorithm ed25519` writes it.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    pub(crate) choice: SnapshotChoice,
    /// What is written.
    #[arg(long = "as", value_enum, default_value_t = Shape::Tar)]
    pub(crate) shape: Shape,
    /// Only the records of this stream; for JSON lines.
    #[arg(long, value_name = "STREAM")]
    pub(crate) stream: Option<String>,
    /// Where it is written; stdout when left out.
    #[arg(long, value_name = "FILE")]
    pub(crate) to: Option<PathBuf>,
}

/// What an export looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shape {
    /// The snapshot as it is.
    Tar,
    /// One record a line.
    Jsonl,
}

#[derive(Debug, Args)]
pub(crate) struct SnapshotChoice {
    /// The snapshot, as in crisp/0001; the newest one of the source when left out.
    pub(crate) snapshot: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// Begin a new run even if the newest one has the same plan.
    #[arg(long)]
    pub(crate) new: bool,
    /// Plan only what changed since the newest run that was loaded to its end, and say how long
    /// the freeze at cutover takes.
    #[arg(long)]
    pub(crate) delta: bool,
    /// In which order tickets are replayed.
    #[arg(long, value_enum, default_value_t = TicketOrder::Recent)]
    pub(crate) order: TicketOrder,
}

/// The order of tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TicketOrder {
    /// Open tickets first, then those with the newest message.
    Recent,
    /// By the time they began.
    Oldest,
}

impl From<TicketOrder> for kernel::Order {
    fn from(order: TicketOrder) -> Self {
        match order {
            TicketOrder::Recent => kernel::Order::Recent,
            TicketOrder::Oldest => kernel::Order::Oldest,
        }
    }
}

#[derive(Debug, Default, Args)]
pub(crate) struct RunChoice {
    /// The run; the newest one when left out.
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
}

#[derive(Debug, Default, Args)]
pub(crate) struct Load {
    #[command(flatten)]
    pub(crate) choice: RunChoice,
    /// Load this many tickets at most, and no help center; a later full load goes on from there.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,
    /// Load only this ticket, and no help center; may be given more than once.
    #[arg(long, value_name = "TICKET")]
    pub(crate) only: Vec<String>,
    /// Load this many tickets, taken from every channel and state alike and the same ones each
    /// time, and no help center; a later full load goes on from there.
    #[arg(long, value_name = "N", conflicts_with_all = ["limit", "only"])]
    pub(crate) sample: Option<u64>,
    /// Believe nothing that the ledger of this run says, and make it anew from what the target
    /// holds; then load what is missing.
    #[arg(long)]
    pub(crate) rebuild_ledger: bool,
    /// Let something in the target be as it is now, which else stops the load; may be given more
    /// than once. `deskferry check` prints it. It holds for this run and exactly this state.
    #[arg(long, value_name = "WHAT@STATE")]
    pub(crate) acknowledge: Vec<Acknowledgement>,
    /// Serve what `deskferry status` says as Prometheus reads it, while it runs; a port alone is
    /// one on this machine.
    #[arg(long, value_name = "ADDRESS", value_parser = listening)]
    pub(crate) metrics: Option<SocketAddr>,
}

/// An address to listen at: one with a port, or a port on this machine.
fn listening(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix(':').unwrap_or(text).parse::<u16>();
    let here = port.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    here.or_else(|_| text.parse())
        .map_err(|_| "an address looks like 9100 or 127.0.0.1:9100".to_owned())
}

/// Of a hundred records that only a call for each shows, how many are read when nobody says.
pub(crate) const SINGLY: u8 = 4;

#[derive(Debug, Args)]
pub(crate) struct Reconcile {
    #[command(flatten)]
    pub(crate) choice: RunChoice,
    /// Read the target back this many times at most, while it does not show yet what the load
    /// knows to be there.
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub(crate) reads: u32,
    /// Wait this many seconds before the second reading; the pause doubles from there.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    pub(crate) pause_s: u64,
    /// Of the customers and tickets with values that no list of the target shows, read this many
    /// of a hundred alone, a call for each: at least 100 of each kind, 0 for none, 100 for all.
    /// It is always the same ones.
    #[arg(long, value_name = "PERCENT", default_value_t = SINGLY)]
    #[arg(value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(crate) singly: u8,
}

#[derive(Debug, Args)]
pub(crate) struct Rollback {
    /// The run, as in 0001.
    pub(crate) run: String,
    /// Remove them, for good; else it is only said what would be removed.
    #[arg(long)]
    pub(crate) execute: bool,
    /// Remove also what earlier runs made and this run recognized as the plan's.
    #[arg(long)]
    pub(crate) adopted: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Query {
    /// One statement. When left out, a terminal gets a shell, and anything else on stdin is read as
    /// one statement.
    pub(crate) sql: Option<String>,
    /// Say what there is: every table, or the columns of one.
    #[arg(
        long,
        value_name = "TABLE",
        num_args = 0..=1,
        default_missing_value = "",
        conflicts_with = "sql"
    )]
    pub(crate) describe: Option<String>,
    /// Write the whole dictionary as a page of Markdown.
    #[arg(long, requires = "describe")]
    pub(crate) markdown: bool,
    #[command(flatten)]
    pub(crate) choice: RunChoice,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:5433")]
    pub(crate) listen: SocketAddr,
    /// Let everybody in who reaches the address.
    #[arg(long)]
    pub(crate) no_password: bool,
    /// A certificate as PEM, for TLS.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The certificate's private key as PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Listen beyond this machine without TLS or without a password; what is asked and answered can
    /// be read on the way.
    #[arg(long)]
    pub(crate) insecure: bool,
    #[command(flatten)]
    pub(crate) choice: RunChoice,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The id of a ticket, message or customer, of either side; a kind may stand before it, as in
    /// ticket:12345, or a landed record be named as in record:people/KEY.
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) choice: RunChoice,
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// The rebuild kit: each thing with what it does, how to make it again and where it lies.
    #[arg(long, required = true)]
    pub(crate) rebuild: bool,
    /// What is written; JSON when --format json is given.
    #[arg(long = "as", value_enum)]
    pub(crate) shape: Option<ReportShape>,
    /// A folder that gets the page and rebuild.json; stdout when left out.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) choice: RunChoice,
}

/// What a report is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportShape {
    /// A page of Markdown.
    Markdown,
    /// A page of HTML that stands alone.
    Html,
    /// One JSON document with everything.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Emulator {
    /// Crisp, as a source; with --agent as a target.
    Crisp(CrispEmulator),
    /// Gorgias, as a target.
    Gorgias(GorgiasEmulator),
    /// Kustomer, as a source.
    Kustomer(KustomerEmulator),
}

#[derive(Debug, Args)]
pub(crate) struct CrispEmulator {
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 8701)]
    pub(crate) port: u16,
    /// A folder of JSON lines to serve instead of invented data.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
    /// What the shop is invented from.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How many conversations the shop has.
    #[arg(long, default_value_t = 120)]
    pub(crate) conversations: usize,
    /// The workspace it stands for.
    #[arg(long, default_value = emulator::crisp::DEMO_WEBSITE_ID)]
    pub(crate) website_id: String,
    /// The identifier it accepts.
    #[arg(long, default_value = emulator::crisp::DEMO_IDENTIFIER)]
    pub(crate) identifier: String,
    /// The key it accepts.
    #[arg(long, default_value = emulator::crisp::DEMO_KEY)]
    pub(crate) key: String,
    /// The tier it accepts.
    #[arg(long, default_value = "plugin")]
    pub(crate) tier: String,
    /// Calls a day before it answers 423.
    #[arg(long, value_name = "N")]
    pub(crate) calls_per_day: Option<u64>,
    /// An operator of an empty workspace that takes what is written, in place of the shop; may be
    /// given more than once.
    #[arg(long = "agent", value_name = "E-MAIL", conflicts_with = "data")]
    pub(crate) agents: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct KustomerEmulator {
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 8702)]
    pub(crate) port: u16,
    /// What the shop is invented from.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How many conversations the shop has.
    #[arg(long, default_value_t = 120)]
    pub(crate) conversations: usize,
    /// The API key it accepts.
    #[arg(long, default_value = emulator::kustomer::DEMO_API_KEY)]
    pub(crate) api_key: String,
    /// Calls a minute, as 300 for the smallest plan; no limit when left out.
    #[arg(long, value_name = "N")]
    pub(crate) calls_per_minute: Option<u32>,
    /// Searches a minute, as 100 for an API key; no limit when left out.
    #[arg(long, value_name = "N")]
    pub(crate) searches_per_minute: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct GorgiasEmulator {
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 8711)]
    pub(crate) port: u16,
    /// The account's e-mail address that it accepts.
    #[arg(long, default_value = "admin@shop.example")]
    pub(crate) email: String,
    /// The API key it accepts.
    #[arg(long, default_value = "demo-gorgias-key")]
    pub(crate) api_key: String,
    /// An agent that exists from the start; may be given more than once.
    #[arg(long = "agent", value_name = "E-MAIL")]
    pub(crate) agents: Vec<String>,
    /// Calls that the bucket holds, as 40 for an API key; no limit when left out.
    #[arg(long, value_name = "N")]
    pub(crate) calls_per_window: Option<u32>,
    /// Time in which a full bucket drains, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    pub(crate) window_s: u64,
    /// A file that keeps its state; memory only when left out.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
}
