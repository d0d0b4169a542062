//! The shell at its terminal: keys, history, and what goes where. What a line means is not its
//! business.

use std::path::PathBuf;

use audit::{Shell, Sight};
use kernel::{Fault, Result};
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;
use transform::Models;

use crate::Ending;
use crate::print;

/// Lines that the history keeps.
const HISTORY_LINES_MAX: usize = 10_000;

pub(crate) async fn run(sight: Sight, models: Models) -> Result<Ending> {
    let mut shell = Shell::open(sight, models).await?;
    let mut editor = editor()?;
    let history = history_file();
    if let Some(file) = &history {
        // The first time there is none.
        let _ = editor.load_history(file);
    }
    print::talk("only statements that read are run; \\? lists the commands, Ctrl-D leaves");
    loop {
        let line = tokio::task::block_in_place(|| editor.readline(shell.prompt()));
        let line = match line {
            Ok(line) => line,
            Err(ReadlineError::Interrupted) => {
                shell.drop_line();
                continue;
            }
            Err(ReadlineError::Eof) => break,
            Err(error) => {
                return Err(Fault::config("the terminal cannot be read").because(error));
            }
        };
        // A line that cannot be remembered is still run.
        let _ = editor.add_history_entry(line.as_str());
        let shown = shell.line(&line).await;
        print::data(&shown.data)?;
        if !shown.talk.is_empty() {
            print::talk(shown.talk.trim_end());
        }
        if shown.is_over {
            break;
        }
    }
    if let Some(file) = &history
        && let Err(error) = editor.save_history(file)
    {
        print::talk(&format!("the history was not kept: {error}"));
    }
    Ok(Ending::Done)
}

fn editor() -> Result<DefaultEditor> {
    let unusable = |error| Fault::config("the terminal cannot be used").because(error);
    let config = rustyline::Config::builder()
        .max_history_size(HISTORY_LINES_MAX)
        .map_err(unusable)?
        .auto_add_history(false)
        .build();
    DefaultEditor::with_config(config).map_err(unusable)
}

/// `deskferry/history` below `$XDG_STATE_HOME` or `~/.local/state`, for its owner alone; none where
/// there is no home.
#[expect(clippy::disallowed_methods, reason = "the program is who reads the environment")]
fn history_file() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var(name).ok().filter(|path| !path.is_empty());
    let state = folder("XDG_STATE_HOME").map(PathBuf::from);
    let state = state.or_else(|| Some(PathBuf::from(folder("HOME")?).join(".local/state")))?;
    let folder = state.join("deskferry");
    std::fs::create_dir_all(&folder).ok()?;
    let file = folder.join("history");
    for_its_owner(&file).ok()?;
    Some(file)
}

/// Makes the file when it is not there, and takes it from everybody else.
#[cfg(unix)]
fn for_its_owner(file: &PathBuf) -> std::io::Result<()> {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(file)?;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn for_its_owner(_: &PathBuf) -> std::io::Result<()> {
    Ok(())
}
