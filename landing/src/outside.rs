//! A bag that lies outside of any warehouse: a folder, or an exported tar.

use std::fs::File;
use std::path::{Path as FilePath, PathBuf};

use kernel::{Fault, Result};
use object_store::path::Path;
use tempfile::TempDir;

use crate::sign::check_signature;
use crate::verify::{Verdict, verify_bag};
use crate::{Warehouse, layout};

/// A bag in a folder; a tar is unpacked into a scratch folder that goes with this.
pub struct Outside {
    warehouse: Warehouse,
    _scratch: Option<TempDir>,
}

impl Outside {
    /// Opens a folder or a tar.
    ///
    /// # Errors
    /// `FixConfig` when it is neither, or cannot be read.
    pub fn open(path: &FilePath) -> Result<Self> {
        let unusable = |error: std::io::Error| {
            Fault::config(format!("{} cannot be read as a snapshot", path.display()))
                .hint("give a folder with a bag, a tar that snapshot export wrote, or a name as in crisp/0001")
                .because(error)
        };
        let (folder, scratch) = if path.is_dir() {
            (path.canonicalize().map_err(unusable)?, None)
        } else {
            let scratch = TempDir::new().map_err(unusable)?;
            unpack(path, scratch.path()).map_err(unusable)?;
            (single_folder(scratch.path()).map_err(unusable)?, Some(scratch))
        };
        let warehouse = Warehouse::open(&format!("file://{}", folder.display()))?;
        Ok(Self { warehouse, _scratch: scratch })
    }

    /// Verifies the bag alone; the parent of a delta is named in a note.
    pub async fn verify(&self) -> Result<Verdict> {
        verify_bag(&self.warehouse, &root()).await
    }

    /// Whether its signature was made with the private half of this key.
    pub async fn check_signature(&self, public_pem: &str) -> Result<bool> {
        check_signature(&self.warehouse, &root(), public_pem).await
    }
}

fn root() -> Path {
    layout::root()
}

fn unpack(tar: &FilePath, folder: &FilePath) -> std::io::Result<()> {
    let mut archive = tar::Archive::new(File::open(tar)?);
    // The scratch folder has to be removed again.
    archive.set_preserve_permissions(false);
    archive.unpack(folder)
}

fn single_folder(scratch: &FilePath) -> std::io::Result<PathBuf> {
    let mut entries = std::fs::read_dir(scratch)?;
    match (entries.next().transpose()?, entries.next()) {
        (Some(entry), None) if entry.path().is_dir() => entry.path().canonicalize(),
        _ => Err(std::io::Error::other("the tar does not hold exactly one folder")),
    }
}
