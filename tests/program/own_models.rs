//! Models and checks of the user's own, in a folder beside the configuration.

use serde_json::json;

use crate::program::{Bench, Servers, helpdesk, shop};

const CHANNELS: &str = "\
-- grain: one row per channel
-- key: channel
with

tickets as (
    select coalesce(origin, 'unknown') as channel
    from staged.tickets
),

final as (
    select
        channel,
        count(*) as tickets
    from tickets
    group by channel
)

select * from final order by channel
";
const NO_TICKET: &str = "\
-- claim: there are no tickets
select ticket_id from staged.tickets order by ticket_id
";

fn write(bench: &Bench, file: &str, text: &str) {
    let path = bench.path(file);
    std::fs::create_dir_all(path.parent().expect("lies in a folder")).expect("can be made");
    std::fs::write(path, text).expect("can be written");
}

/// A bench whose source is extracted, and its configuration.
fn extracted(servers: &Servers) -> (Bench, String) {
    let bench = Bench::new(servers);
    let text = bench.configuration(&servers.crisp_url, &servers.gorgias_url);
    assert!(bench.run(&["extract"]).code <= 1);
    (bench, text)
}

/// The name of the build in what `transform` says.
fn build_of(stderr: &str) -> String {
    let line = stderr.lines().find(|line| line.starts_with("build ")).expect("says its build");
    line.split(' ').nth(1).expect("has a name").to_owned()
}

#[test]
fn own_models_override_and_add_and_their_build_is_another_one() {
    let servers = Servers::start(shop(40), helpdesk());
    let (bench, text) = extracted(&servers);
    let ours = bench.run(&["transform"]);
    assert_eq!(ours.code, 0, "{}", ours.stderr);
    assert!(!ours.stderr.contains("own models"), "{}", ours.stderr);

    // The originals to start from; one of them is changed, the others are not kept.
    let wrote = bench.run(&["init", "--models", "originals"]);
    assert_eq!(wrote.code, 0, "{}", wrote.stderr);
    let original = bench.path("originals/2_staged/tags.sql");
    let original = std::fs::read_to_string(original).expect("was written");
    let changed = original.replace("select * from final", "-- mine\nselect * from final");
    write(&bench, "own/2_staged/tags.sql", &changed);
    write(&bench, "own/2_staged/channels.sql", CHANNELS);
    write(&bench, "own/checks/staged/there_are_no_tickets.sql", NO_TICKET);
    write(&bench, "own/2_staged/channels.slt", "# not run by the program\n");
    bench.configure(&format!("{text}[transform]\nmodels = \"own\"\n"));

    let own = bench.run(&["transform"]);
    assert_eq!(own.code, 1, "the check has a finding: {}", own.stderr);
    let said = "own models: 2_staged/channels.sql (added), 2_staged/tags.sql (in place of ours), \
                checks/staged/there_are_no_tickets.sql (added)";
    assert!(own.stderr.contains(said), "{}", own.stderr);
    assert!(own.stderr.contains("own/checks/staged/there_are_no_tickets.sql"), "{}", own.stderr);
    assert_ne!(build_of(&own.stderr), build_of(&ours.stderr));
    let counted =
        "select (select sum(tickets) from channels) = (select count(*) from tickets) as ok";
    assert_eq!(bench.ask(counted), [json!({"ok": true})]);

    bench.configure(&text);
    let back = bench.run(&["transform"]);
    assert_eq!(back.code, 0, "{}", back.stderr);
    assert!(back.stderr.contains("was there already"), "{}", back.stderr);
    assert_eq!(build_of(&back.stderr), build_of(&ours.stderr));
    assert_eq!(bench.run(&["query", "select * from channels"]).code, 2, "it is gone");
}

#[test]
fn own_models_that_cannot_be_used_are_named_by_their_file_and_line() {
    let servers = Servers::start(shop(10), helpdesk());
    let (bench, text) = extracted(&servers);
    let refused = |folder: &str, errors: &[&str]| {
        bench.configure(&format!("{text}[transform]\nmodels = \"{folder}\"\n"));
        let ended = bench.run(&["transform"]);
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        for error in errors {
            assert!(ended.stderr.contains(error), "{error} is not in {}", ended.stderr);
        }
    };
    refused("gone", &["there is no folder gone of models", "hint: [transform] models"]);
    write(&bench, "stray/tickets.sql", "select 1");
    refused("stray", &["stray/tickets.sql belongs to no layer", "2_staged"]);
    write(&bench, "empty/2_staged/x.sql", "\n");
    refused("empty", &["empty/2_staged/x.sql is empty"]);
    write(
        &bench,
        "slip/2_staged/x.sql",
        "-- key: id\nselect\n    ticket_idd as id\nfrom staged.tickets\n",
    );
    refused("slip", &["slip/2_staged/x.sql:3 cannot be run", "ticket_idd"]);
    write(&bench, "deep/2_staged/x.sql", "-- key: id\nselect key as id\nfrom landing.people\n");
    refused("deep", &["deep/2_staged/x.sql:3 reads landing.people, which its layer must not"]);
    // A model in place of ours without a column that others read.
    let thin = "-- key: agent_id\nselect agent_id from source.agents order by agent_id\n";
    write(&bench, "thin/2_staged/agents.sql", thin);
    bench.configure(&format!("{text}[transform]\nmodels = \"thin\"\n"));
    let ended = bench.run(&["plan"]);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(ended.stderr.contains("must have every column"), "{}", ended.stderr);
    assert!(ended.stderr.contains("thin/2_staged/agents.sql"), "{}", ended.stderr);
}
