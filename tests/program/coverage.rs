//! Fields of the source that nobody decided about.

use emulator::crisp;

use crate::program::{Bench, Servers, WEBSITE_ID, helpdesk, shop};

/// Decides about what the stand-in adds to some records.
const OWN_FIELDS: &str = "\
-- grain: one row per stream and path that we decided about
-- key: stream, path
with

streams as (
    select 'conversations' as stream
    union all
    select 'messages' as stream
    union all
    select 'originals' as stream
    union all
    select 'people' as stream
),

final as (
    select
        stream,
        '$.x_not_documented' as path,
        'waived' as fate,
        '' as place,
        'a revision that nobody uses' as reason
    from streams
)

select * from final order by stream, path
";

#[test]
fn a_field_that_nobody_decided_about_is_listed_until_somebody_does() {
    let quirks = crisp::Quirks { extra_fields: true, ..crisp::Quirks::default() };
    let servers = Servers::start(crisp::Options { quirks, ..shop(30) }, helpdesk());
    let bench = Bench::new(&servers);
    // The extraction takes what it does not know.
    assert!(bench.run(&["extract"]).code <= 1);

    let ended = bench.run(&["transform"]);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    let listed = "stream=conversations path=$.x_not_documented.ratio documents=";
    assert!(ended.stderr.contains(listed), "{}", ended.stderr);
    assert!(ended.stderr.contains("hint: decide about them in"), "{}", ended.stderr);
    assert!(!ended.stderr.contains(WEBSITE_ID), "values are not printed");
    let undecided = "select count(*) from coverage where fate = 'undecided'";
    assert_eq!(bench.number(undecided), 12, "three paths in each of four streams");

    let folder = bench.path("models").join("1_source").join("crisp");
    std::fs::create_dir_all(&folder).expect("can be made");
    std::fs::write(folder.join("own_fields.sql"), OWN_FIELDS).expect("can be written");
    let configuration = bench.configuration(&servers.crisp_url, &servers.gorgias_url);
    bench.configure(&format!("{configuration}[transform]\nmodels = \"models\"\n"));
    let ended = bench.run(&["transform"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let own = "select count(*) from coverage where is_own and fate = 'waived'";
    assert_eq!(bench.number(own), 12);
    assert_eq!(bench.number(undecided), 0);
}
