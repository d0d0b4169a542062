//! Files and folders of a local store that nobody is to write to any more: their mode bits.
//!
//! Bits are only ever taken away, so what was private stays private. Which folder is sealed, and
//! when, is none of its business.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use kernel::{Fault, Result};

/// Takes the right to write from `path` and everything below it.
pub(crate) async fn set(path: PathBuf) -> Result<()> {
    let shown = path.display().to_string();
    let walk = tokio::task::spawn_blocking(move || walk(&path)).await;
    let walked = walk.map_err(|error| Fault::bug("a walk over files ended").because(error))?;
    walked.map_err(|error| refused(&shown, error))
}

fn walk(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            walk(&entry?.path())?;
        }
    }
    let mut permissions = fs::metadata(path)?.permissions();
    permissions.set_readonly(true);
    fs::set_permissions(path, permissions)
}

/// A folder that can be written to until it is given back its mode.
#[must_use = "the folder stays open to writing until it is restored"]
pub(crate) struct Lifted {
    folder: PathBuf,
    permissions: fs::Permissions,
}

/// Lets the owner write to the folder that holds `file`.
pub(crate) fn lift_parent(file: &Path) -> Result<Lifted> {
    let folder = file.parent().expect("an object has a folder").to_owned();
    let shown = folder.display().to_string();
    let permissions = fs::metadata(&folder).map_err(|error| refused(&shown, error))?.permissions();
    fs::set_permissions(&folder, writable(&permissions)).map_err(|e| refused(&shown, e))?;
    Ok(Lifted { folder, permissions })
}

impl Lifted {
    /// Gives the folder the mode that it had.
    pub(crate) fn restore(self) -> Result<()> {
        let shown = self.folder.display().to_string();
        fs::set_permissions(&self.folder, self.permissions).map_err(|error| refused(&shown, error))
    }
}

#[cfg(unix)]
fn writable(permissions: &fs::Permissions) -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    fs::Permissions::from_mode(permissions.mode() | 0o200)
}

#[cfg(not(unix))]
fn writable(permissions: &fs::Permissions) -> fs::Permissions {
    let mut permissions = permissions.clone();
    permissions.set_readonly(false);
    permissions
}

fn refused(path: &str, error: io::Error) -> Fault {
    Fault::config(format!("the mode of {path} cannot be changed"))
        .hint("run this as the owner of the warehouse's folder, on a file system with modes")
        .because(error)
}
