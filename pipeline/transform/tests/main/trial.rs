use crate::fixture::*;
use deskferry_transform::*;
use kernel::Mapping;
use landing::Warehouse;
use std::collections::HashMap;
#[tokio::test]
#[ignore]
async fn trial() {
    let dir = std::env::var("CORPUS").unwrap();
    let copies: usize = std::env::var("COPIES").ok().and_then(|c| c.parse().ok()).unwrap_or(1);
    let url = std::env::var("WAREHOUSE").unwrap();
    let warehouse = Warehouse::open(&url).unwrap();
    let host = "https://files.example";
    let read =
        |n: &str| std::fs::read_to_string(format!("{dir}/{n}")).unwrap().replace("@@FILES@@", host);
    let mut records = Vec::new();
    let v = |l: &str| serde_json::from_str::<serde_json::Value>(l).unwrap();
    let mut files: HashMap<String, File> = HashMap::new();
    for copy in 0..copies {
        let sub = |l: &str| {
            if copy == 0 {
                l.to_owned()
            } else {
                l.replace("session_", &format!("session_{copy:04}"))
            }
        };
        for (i, l) in read("conversations.jsonl").lines().enumerate() {
            let l = sub(l);
            let c = v(&l);
            records.push(
                Record::new("conversations", c["session_id"].as_str().unwrap(), l)
                    .at(1 + i as i64 / 20, (i % 20) as i32),
            );
        }
        for (i, l) in read("messages.jsonl").lines().enumerate() {
            let l = sub(l);
            let m = v(&l);
            let s = m["session_id"].as_str().unwrap();
            if let Some(u) = m["content"]["url"].as_str() {
                files.insert(u.to_owned(), File::stored(u, u.as_bytes(), "image/png"));
            }
            if let Some(t) = m["content"].as_str() {
                for p in t.split([' ', '(', ')', '"']) {
                    if p.starts_with(host) {
                        files.insert(p.to_owned(), File::stored(p, p.as_bytes(), "image/png"));
                    }
                }
            }
            records.push(
                Record::new("messages", &format!("{s}/{}", m["fingerprint"]), l)
                    .of(s)
                    .at(1000 + i as i64 / 40, (i % 40) as i32),
            );
        }
        for l in read("originals.jsonl").lines() {
            let l = sub(l);
            let o = v(&l);
            let s = o["session_id"].as_str().unwrap();
            let fp = records
                .iter()
                .find(|r| {
                    r.stream == "messages"
                        && r.raw.contains(o["original_id"].as_str().unwrap())
                        && r.key.starts_with(s)
                })
                .unwrap()
                .key
                .clone();
            records.push(
                Record::new("originals", &format!("{s}/{}", o["original_id"].as_str().unwrap()), l)
                    .of(&fp),
            );
        }
    }
    for l in read("people.jsonl").lines() {
        let mut p = v(l);
        let id = p["people_id"].as_str().unwrap().to_owned();
        let d = p["_data"].take();
        p.as_object_mut().unwrap().remove("_data");
        records.push(Record::new("people", &id, p.to_string()));
        records.push(Record::new(
            "people_data",
            &id,
            serde_json::json!({"people_id": id, "data": d}).to_string(),
        ));
    }
    for o in v(&read("operators.json")).as_array().unwrap() {
        records.push(Record::new(
            "operators",
            o["details"]["user_id"].as_str().unwrap(),
            o.to_string(),
        ));
    }
    let files: Vec<File> = files.into_values().collect();
    let id = land(&warehouse, "crisp", 1, &records, &files).await;
    drop(records);
    println!("landed");
    let start = std::time::Instant::now();
    let build = stage(&warehouse, "crisp", &[id], &Mapping::default(), &models())
        .await
        .map_err(|e| format!("{e:#?}"))
        .unwrap();
    println!("{:?} {:?} {:?}", build.tables, build.findings, start.elapsed());
    let start = std::time::Instant::now();
    let planned =
        plan(&warehouse, &build.id, "gorgias", &Mapping::default(), &models(), &kernel::RunId(1))
            .await
            .map_err(|e| format!("{e:#?}"))
            .unwrap();
    println!("{planned:?} {:?}", start.elapsed());
    let context = catalog(
        &warehouse,
        &Scope {
            snapshots: vec![kernel::SnapshotId { platform: "crisp".into(), number: 1 }],
            build: Some(build.id.clone()),
            run: Some(kernel::RunId(1)),
            mapping: Mapping::default(),
        },
    )
    .await
    .unwrap();
    for sql in std::fs::read_to_string("/tmp/q.sql")
        .unwrap_or_default()
        .split(';')
        .map(str::trim)
        .filter(|s| !s.is_empty())
    {
        match select(&context, sql).await {
            Ok(rows) => println!(
                "{sql}\n{}",
                datafusion::arrow::util::pretty::pretty_format_batches(&rows).unwrap()
            ),
            Err(e) => println!("{sql}\n{e:#?}"),
        }
    }
    println!(
        "{}",
        std::fs::read_to_string("/proc/self/status")
            .unwrap()
            .lines()
            .find(|l| l.starts_with("VmHWM"))
            .unwrap()
    );
}

fn models() -> Models {
    fn walk(d: &std::path::Path, root: &std::path::Path, out: &mut Vec<(String, String)>) {
        for e in std::fs::read_dir(d).unwrap() {
            let p = e.unwrap().path();
            if p.is_dir() {
                walk(&p, root, out)
            } else {
                out.push((
                    p.strip_prefix(root).unwrap().to_string_lossy().into(),
                    std::fs::read_to_string(&p).unwrap(),
                ))
            }
        }
    }
    let mut out = Vec::new();
    let root = std::path::Path::new("/work/main/sql");
    walk(root, root, &mut out);
    Models::from_files(out)
}
