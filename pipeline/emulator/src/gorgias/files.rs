//! Owns the bytes of uploads, kept once per content: beside the state file, or in memory.
//! It must not know names or addresses, only digests.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use sha2::{Digest, Sha256};

/// Tells files that are being written at the same time apart.
static ASIDE: AtomicU64 = AtomicU64::new(0);

/// A place for bytes.
pub(super) enum Files {
    /// Gone when the process ends.
    Memory(Mutex<HashMap<String, Bytes>>),
    /// One file per content.
    Folder(PathBuf),
}

impl Files {
    /// A folder next to the state file, or memory when there is none.
    pub(super) fn open(state: Option<&Path>) -> io::Result<Files> {
        let Some(state) = state else {
            return Ok(Files::Memory(Mutex::default()));
        };
        let mut name = state.as_os_str().to_owned();
        name.push(".uploads");
        let folder = PathBuf::from(name);
        std::fs::create_dir_all(&folder)?;
        Ok(Files::Folder(folder))
    }

    /// Keeps bytes and gives back their digest.
    pub(super) async fn keep(&self, bytes: Bytes) -> io::Result<String> {
        let digest = hex(&Sha256::digest(&bytes));
        match self {
            Files::Memory(map) => {
                let mut map = map.lock().unwrap_or_else(PoisonError::into_inner);
                map.entry(digest.clone()).or_insert(bytes);
            }
            Files::Folder(folder) => {
                let path = folder.join(&digest);
                if !tokio::fs::try_exists(&path).await? {
                    // Written aside and renamed, so that a kill leaves no half file behind.
                    let number = ASIDE.fetch_add(1, Ordering::Relaxed);
                    let aside = folder.join(format!("{digest}.{}.{number}", std::process::id()));
                    tokio::fs::write(&aside, &bytes).await?;
                    tokio::fs::rename(&aside, &path).await?;
                }
            }
        }
        Ok(digest)
    }

    /// The bytes with this digest.
    pub(super) async fn read(&self, digest: &str) -> io::Result<Bytes> {
        match self {
            Files::Memory(map) => {
                let map = map.lock().unwrap_or_else(PoisonError::into_inner);
                map.get(digest).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
            }
            Files::Folder(folder) => Ok(tokio::fs::read(folder.join(digest)).await?.into()),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
