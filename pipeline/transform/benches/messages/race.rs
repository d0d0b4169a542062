//! The same narrow extraction from the same landed Parquet, by this engine and by DuckDB.
//!
//! Each runs in a process of its own and says its seconds, its peak of memory and its bytes.

use std::path::Path;
use std::process::Command;
use std::time::Instant as Stopwatch;

use deskferry_transform::{Scope, catalog};
use futures::StreamExt;
use kernel::{Fault, Mapping, SnapshotId};
use landing::{Warehouse, table};

use crate::measure::{Outcome, bytes_below, peak_mib, python};

/// Ours: one `json_row` for each document, then plain columns.
const OURS: &str = "
with read as (
    select key, parent_key, fetched_at, exchange_id,
        json_row(
            raw,
            'session_id TEXT PATH $.session_id, fingerprint TEXT PATH $.fingerprint,
             type TEXT PATH $.type, side TEXT PATH $.from, origin TEXT PATH $.origin,
             content TEXT PATH $.content, object JSON PATH $.content, sent_ms BIGINT PATH $.timestamp,
             user_id TEXT PATH $.user.user_id, user_type TEXT PATH $.user.type,
             nickname TEXT PATH $.user.nickname, original_id TEXT PATH $.original.original_id,
             read TEXT PATH $.read, mentions LENGTH PATH $.mentions,
             is_automated BOOL PATH $.automated, is_edited BOOL PATH $.edited'
        ) as document
    from landing_all.messages
),
fields as (
    select key, parent_key, fetched_at, exchange_id,
        document['session_id'] as session_id, document['fingerprint'] as fingerprint,
        document['type'] as type, document['side'] as side, document['origin'] as origin,
        document['content'] as content, document['object'] as object,
        document['sent_ms'] as sent_ms, document['user_id'] as user_id,
        document['user_type'] as user_type, document['nickname'] as nickname,
        document['original_id'] as original_id, document['read'] as read,
        document['mentions'] as mentions, document['is_automated'] as is_automated,
        document['is_edited'] as is_edited
    from read
)
select key, parent_key, fetched_at, exchange_id, session_id, fingerprint, type, side, origin,
    coalesce(content, object) as content, sent_ms, user_id, user_type, nickname, original_id,
    read, mentions, is_automated, is_edited
from fields";

/// DuckDB's fastest form: `from_json` with a structure, and no order to be kept.
const DUCKDB: &str = r#"
import json, resource, sys, time
import duckdb
landed, written, threads = sys.argv[1:4]
structure = json.dumps({
    "session_id": "VARCHAR", "fingerprint": "VARCHAR", "type": "VARCHAR", "from": "VARCHAR",
    "origin": "VARCHAR", "content": "VARCHAR", "timestamp": "BIGINT",
    "user": {"user_id": "VARCHAR", "type": "VARCHAR", "nickname": "VARCHAR"},
    "original": {"original_id": "VARCHAR"}, "read": "VARCHAR", "mentions": ["VARCHAR"],
    "automated": "BOOLEAN", "edited": "BOOLEAN",
})
connection = duckdb.connect()
connection.execute(f"set threads = {threads}")
connection.execute("set preserve_insertion_order = false")
connection.execute("set enable_progress_bar = false")
begun = time.perf_counter()
connection.execute(f"""
copy (
    select key, parent_key, fetched_at, exchange_id,
        j.session_id, j.fingerprint, j.type, j."from" as side, j.origin, j.content,
        j.timestamp as sent_ms, j.user.user_id, j.user.type as user_type, j.user.nickname,
        j.original.original_id, j.read, len(j.mentions) as mentions,
        j.automated as is_automated, j.edited as is_edited
    from (
        select key, parent_key, fetched_at, exchange_id, from_json(raw, '{structure}') as j
        from read_parquet('{landed}/*.parquet')
    )
) to '{written}' (format parquet, compression zstd, compression_level 3, row_group_size 100000
    EXTRA)
""")
seconds = time.perf_counter() - begun
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"#;

/// Counts and hashes rows in whatever order they lie.
const COMPARE: &str = r#"
import sys
import duckdb
connection = duckdb.connect()
connection.execute("set threads = 2")
columns = [row[0] for row in connection.execute(f"describe from read_parquet('{sys.argv[1]}/*.parquet')").fetchall()]
texts = ", ".join(f'"{name}"::varchar' for name in columns)
print(*connection.execute(f"""
    select count(*), sum(hash({texts})::hugeint) from read_parquet('{sys.argv[1]}/*.parquet')
""").fetchone(), *columns)
"#;

/// This engine's turn, on the runtime that it is called on.
pub async fn ours(warehouse: &Warehouse, snapshot: &SnapshotId, folder: &Path) -> Outcome {
    let output = Warehouse::open(&format!("file://{}", folder.display())).expect("opens");
    let scope = Scope {
        snapshots: vec![snapshot.clone()],
        build: None,
        run: None,
        mapping: Mapping::default(),
    };
    let session = catalog(warehouse, &scope).await.expect("the landed tables are there");
    let begun = Stopwatch::now();
    let rows = session.sql(OURS).await.expect("plans");
    let parts = rows.execute_stream_partitioned().await.expect("runs");
    let writers = parts.into_iter().enumerate().map(|(number, rows)| {
        let output = output.clone();
        let path = object_store::path::Path::from(format!("part-{number}.parquet"));
        tokio::spawn(async move {
            let schema = rows.schema();
            let rows = rows.map(|batch| {
                batch.map_err(|error| Fault::data("the extraction failed").because(error))
            });
            table::write(&output, &path, schema, rows).await.expect("is written")
        })
    });
    let writers: Vec<_> = writers.collect();
    for writer in writers {
        writer.await.expect("ends");
    }
    let seconds = begun.elapsed().as_secs_f64();
    Outcome { seconds, peak_mib: peak_mib(), bytes: bytes_below(folder) }
}

/// How DuckDB writes: one file or one for each thread, in the encodings of Parquet's first version
/// or also in those of the second, which are most of ours.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    /// Whether each thread writes a file of its own.
    pub is_per_thread: bool,
    /// The version of Parquet, 1 or 2.
    pub version: u8,
}

/// All of them.
pub const FORMS: [Form; 4] = [
    Form { is_per_thread: false, version: 1 },
    Form { is_per_thread: true, version: 1 },
    Form { is_per_thread: false, version: 2 },
    Form { is_per_thread: true, version: 2 },
];

/// DuckDB's turn.
pub fn duckdb(landed: &Path, folder: &Path, threads: usize, form: Form) -> Outcome {
    let (written, files) = match form.is_per_thread {
        true => (folder.to_owned(), ", per_thread_output true, overwrite_or_ignore true"),
        false => (folder.join("part-0.parquet"), ""),
    };
    let more = format!(", parquet_version v{}{files}", form.version);
    let said = Command::new(python())
        .args(["-c", &DUCKDB.replace("EXTRA", &more)])
        .args([landed, &written])
        .arg(threads.to_string())
        .output();
    let said = spoken(said);
    let [seconds, peak_mib] = said.split_whitespace().collect::<Vec<_>>()[..] else {
        panic!("two numbers: {said}")
    };
    Outcome {
        seconds: seconds.parse().expect("is a number"),
        peak_mib: peak_mib.parse().expect("is a number"),
        bytes: bytes_below(folder),
    }
}

/// The number of rows of a folder of Parquet, a hash of them, and their columns.
pub fn contents(folder: &Path) -> String {
    spoken(Command::new(python()).args(["-c", COMPARE]).arg(folder).output())
}

fn spoken(said: std::io::Result<std::process::Output>) -> String {
    let said = said.expect("python runs");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).expect("is text")
}
