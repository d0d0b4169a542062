//! One object store that holds everything: opening it, and the few verbs that the rest needs.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use kernel::{Code, Fault, Instant, Result};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;
use url::Url;
use uuid::Uuid;

use crate::bucket::Bucket;
use crate::{layout, read_only};

/// An object store, rooted where the warehouse begins. Cloning it is cheap.
#[derive(Clone)]
pub struct Warehouse(Arc<Inner>);

struct Inner {
    url: String,
    store: Arc<dyn ObjectStore>,
    /// The folder, where the store is one.
    root: Option<PathBuf>,
    /// How to make more clients, where the store is a bucket.
    bucket: Option<Bucket>,
    /// Set once the store was seen to refuse a second creator.
    probed: OnceCell<()>,
}

/// Says the address only: a client's own text may hold keys.
impl fmt::Debug for Warehouse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Warehouse").field(&self.0.url).finish()
    }
}

impl Warehouse {
    /// Opens `file:///folder`, `s3://bucket/prefix` (with the usual `AWS_*` environment) or
    /// `memory://`. A local folder is made when it is not there.
    ///
    /// # Errors
    /// `FixConfig` when the address is not one of these or cannot be opened.
    pub fn open(url: &str) -> Result<Self> {
        let texts = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Self::open_with(url, texts.filter(|(name, _)| name.starts_with("AWS_")))
    }

    /// Opens a warehouse with the given `AWS_*` settings instead of those of the environment.
    ///
    /// # Errors
    /// As [`Warehouse::open`].
    pub fn open_with(
        url: &str,
        settings: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self> {
        let parsed = Url::parse(url).map_err(|error| unusable(url).because(error))?;
        match parsed.scheme() {
            "file" => {
                let root = parsed.to_file_path().map_err(|()| unusable(url))?;
                let store = open_folder(&root, url)?;
                Ok(Self::new(url, store, Some(root), None))
            }
            "memory" => Ok(Self::new(url, Arc::new(InMemory::new()), None, None)),
            "s3" => {
                let bucket = Bucket::new(&parsed, settings);
                let store = bucket.store().map_err(|error| unusable(url).because(error))?;
                Ok(Self::new(url, store, None, Some(bucket)))
            }
            _ => Err(unusable(url)),
        }
    }

    /// A warehouse over a store that a test has made.
    #[doc(hidden)]
    pub fn over(store: Arc<dyn ObjectStore>) -> Self {
        Self::new("memory://", store, None, None)
    }

    fn new(
        url: &str,
        store: Arc<dyn ObjectStore>,
        root: Option<PathBuf>,
        bucket: Option<Bucket>,
    ) -> Self {
        Self(Arc::new(Inner { url: url.to_owned(), store, root, bucket, probed: OnceCell::new() }))
    }

    /// The same warehouse, in which everything written below `landing/` is locked until `until`
    /// (S3 Object Lock, mode COMPLIANCE): nobody can change or remove those bytes before. The rest
    /// is written without a lock. Nothing is written to find out whether that is possible.
    ///
    /// # Errors
    /// `FixConfig` when `until` is not after `now`, when the store is no bucket, when the bucket
    /// has no Object Lock, or when the credentials do not permit it.
    pub async fn lock_until(&self, until: Instant, now: Instant) -> Result<Self> {
        if until <= now {
            return Err(Fault::config(format!(
                "{} is not in the future, so nothing can be locked until then",
                until.to_seconds_text()
            ))
            .hint("give a later date"));
        }
        let Some(bucket) = &self.0.bucket else {
            return Err(Fault::config(format!("{} cannot lock anything until a date", self.0.url))
                .hint(
                    "use an s3:// warehouse in a bucket with Object Lock, or ask for no lock: a \
                     sealed snapshot in a local folder is read-only",
                ));
        };
        let store = bucket.locked_store(until).await?;
        Ok(Self::new(&self.0.url, store, None, Some(bucket.clone())))
    }

    /// Makes sure that the store refuses to create an object that is there already, which keeps
    /// two writers from destroying each other's work. Asks the store once, then remembers.
    ///
    /// # Errors
    /// `FixConfig` when the store overwrites instead.
    pub async fn probe(&self) -> Result<()> {
        self.0.probed.get_or_try_init(|| self.create_twice()).await.copied()
    }

    async fn create_twice(&self) -> Result<()> {
        let path = layout::probe(&Uuid::new_v4().simple().to_string());
        self.put_if_absent(&path, "one").await?;
        let is_overwritten = self.put_if_absent(&path, "two").await?;
        self.remove(&path).await?;
        if let Some(root) = &self.0.root {
            // A local store keeps folders that nothing is in; another probe may still be in it.
            let _ = std::fs::remove_dir(root.join("_probe"));
        }
        if is_overwritten {
            return Err(Fault::config(
                "this store overwrites instead of refusing: two writers would destroy each \
                 other's work",
            )
            .coded(Code::StoreOverwrites)
            .hint("use another store for the warehouse, one that honours If-None-Match"));
        }
        Ok(())
    }

    /// The address it was opened with.
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// The store itself; paths of [`crate::layout`] are relative to it.
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        self.0.store.clone()
    }

    /// Takes away the right to write from everything below `folder`, where the store is a local
    /// folder; nothing happens elsewhere.
    ///
    /// # Errors
    /// `FixConfig` when the file system refuses.
    pub async fn protect(&self, folder: &Path) -> Result<()> {
        let Some(root) = &self.0.root else { return Ok(()) };
        read_only::set(root.join(folder.as_ref())).await
    }

    /// Adds an object to a folder that [`Warehouse::protect`] has been called for, unless there is
    /// one already; says whether it was written.
    ///
    /// # Errors
    /// `FixConfig` when the file system refuses, `Retry` when the store fails.
    pub async fn put_new_protected(&self, path: &Path, body: impl Into<Bytes>) -> Result<bool> {
        let Some(root) = &self.0.root else { return self.put_if_absent(path, body).await };
        let file = root.join(path.as_ref());
        let lifted = read_only::lift_parent(&file)?;
        let is_written = self.put_if_absent(path, body).await;
        if matches!(is_written, Ok(true)) {
            read_only::set(file).await?;
        }
        lifted.restore()?;
        is_written
    }

    /// Writes an object, over an older one if need be.
    pub async fn put(&self, path: &Path, body: impl Into<Bytes>) -> Result<()> {
        let payload = PutPayload::from_bytes(body.into());
        self.0.store.put(path, payload).await.map_err(|error| io("write", path, error))?;
        Ok(())
    }

    /// Writes an object unless there is one already; says whether it was written.
    pub async fn put_if_absent(&self, path: &Path, body: impl Into<Bytes>) -> Result<bool> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let payload = PutPayload::from_bytes(body.into());
        match self.0.store.put_opts(path, payload, options).await {
            Ok(_) => Ok(true),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(false),
            Err(error) => Err(io("create", path, error)),
        }
    }

    /// Writes an object unless there is one already, and makes sure that it outlives a power cut,
    /// which a local folder has to be asked for; says whether it was written.
    ///
    /// # Errors
    /// `Retry` when the store fails. The object may be there then: nothing may be built on it
    /// before it has been read again.
    pub async fn put_if_absent_synced(&self, path: &Path, body: impl Into<Bytes>) -> Result<bool> {
        let Some(root) = self.0.root.clone() else { return self.put_if_absent(path, body).await };
        let file = root.join(path.as_ref());
        let folder_is_new = file.parent().is_some_and(|folder| !folder.exists());
        let is_written = self.put_if_absent(path, body).await?;
        if is_written {
            let synced = tokio::task::spawn_blocking(move || sync(&file, &root, folder_is_new));
            let failed = || Fault::retry(format!("the warehouse could not sync {path}"));
            let synced = synced.await.map_err(|error| failed().because(error))?;
            synced.map_err(|error| failed().because(error))?;
        }
        Ok(is_written)
    }

    /// Reads an object whole; `None` when it is not there.
    pub async fn get(&self, path: &Path) -> Result<Option<Bytes>> {
        match self.0.store.get(path).await {
            Ok(found) => Ok(Some(found.bytes().await.map_err(|error| io("read", path, error))?)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(io("read", path, error)),
        }
    }

    /// Whether an object is there.
    pub async fn exists(&self, path: &Path) -> Result<bool> {
        match self.0.store.head(path).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(io("look up", path, error)),
        }
    }

    /// Every object below `folder`, at any depth, sorted.
    pub async fn list(&self, folder: &Path) -> Result<Vec<Path>> {
        let found: Vec<Path> = self
            .store()
            .list(Some(folder))
            .map_ok(|meta| meta.location)
            .try_collect()
            .await
            .map_err(|error| io("list", folder, error))?;
        let mut found = found;
        found.sort();
        Ok(found)
    }

    /// The names of the folders directly below `folder`, sorted.
    pub async fn folders(&self, folder: &Path) -> Result<Vec<String>> {
        let found = self
            .store()
            .list_with_delimiter(Some(folder))
            .await
            .map_err(|error| io("list", folder, error))?;
        let names = found.common_prefixes.iter().filter_map(|path| path.filename());
        let mut names: Vec<String> = names.map(str::to_owned).collect();
        names.sort();
        Ok(names)
    }

    /// Copies an object within the warehouse.
    pub async fn copy(&self, from: &Path, to: &Path) -> Result<()> {
        self.0.store.copy(from, to).await.map_err(|error| io("copy", from, error))
    }

    /// Removes an object, if it is there.
    pub async fn remove(&self, path: &Path) -> Result<()> {
        match self.0.store.delete(path).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(io("remove", path, error)),
        }
    }

    /// Removes every object below `folder`.
    pub async fn remove_all(&self, folder: &Path) -> Result<()> {
        for path in self.list(folder).await? {
            self.remove(&path).await?;
        }
        Ok(())
    }

    /// Writes a value as indented JSON.
    pub async fn put_json(&self, path: &Path, value: &impl Serialize) -> Result<()> {
        self.put(path, json_text(value)?).await
    }

    /// Reads a value that was written as JSON; `None` when it is not there.
    pub async fn get_json<T: DeserializeOwned>(&self, path: &Path) -> Result<Option<T>> {
        let Some(body) = self.get(path).await? else {
            return Ok(None);
        };
        let value = serde_json::from_slice(&body).map_err(|error| {
            Fault::data(format!("{path} in the warehouse cannot be read"))
                .coded(Code::ObjectUnreadable)
                .because(error)
        })?;
        Ok(Some(value))
    }
}

pub(crate) fn json_text(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(value)
        .map_err(|error| Fault::bug("a value cannot be written as JSON").because(error))?;
    text.push(b'\n');
    Ok(text)
}

/// Syncs a file and its folder, which holds its name; where the folder is new, also those above it.
fn sync(
    file: &std::path::Path,
    root: &std::path::Path,
    folder_is_new: bool,
) -> std::io::Result<()> {
    let depth = if folder_is_new { usize::MAX } else { 2 };
    let mut within = file.ancestors().take(depth).take_while(|path| path.starts_with(root));
    within.try_for_each(|path| std::fs::File::open(path)?.sync_all())
}

fn open_folder(folder: &std::path::Path, url: &str) -> Result<Arc<dyn ObjectStore>> {
    std::fs::create_dir_all(folder).map_err(|error| unusable(url).because(error))?;
    let store =
        LocalFileSystem::new_with_prefix(folder).map_err(|error| unusable(url).because(error))?;
    Ok(Arc::new(store))
}

fn unusable(url: &str) -> Fault {
    Fault::config(format!("the warehouse {url:?} cannot be opened"))
        .coded(Code::WarehouseAddress)
        .hint(
            "[warehouse] url is file:///an/absolute/folder that can be written, \
         or s3://bucket/prefix with AWS_* in the environment",
        )
}

pub(crate) fn io(doing: &str, path: &Path, error: Error) -> Fault {
    let fault = match &error {
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
            Fault::config(format!("no permission to {doing} {path} in the warehouse"))
                .coded(Code::WarehouseRights)
        }
        Error::NotImplemented { .. } | Error::NotSupported { .. } => {
            Fault::config(format!("this store has no way to {doing} {path}"))
                .coded(Code::StoreOverwrites)
                .hint("use another store for the warehouse, one that honours If-None-Match")
        }
        _ => Fault::retry(format!("the warehouse could not {doing} {path}"))
            .coded(Code::WarehouseTrouble),
    };
    fault.because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_second_creator_is_told_so() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let local = format!("file://{}", folder.path().display());
        for url in ["memory://", local.as_str()] {
            let warehouse = Warehouse::open(url).expect("opens");
            let path = Path::from("a/b");
            assert!(warehouse.put_if_absent(&path, "one").await.expect("writes"));
            assert!(!warehouse.put_if_absent(&path, "two").await.expect("refuses"));
            let kept = warehouse.get(&path).await.expect("reads").expect("is there");
            assert_eq!(kept, "one");
        }
    }

    #[tokio::test]
    async fn what_has_to_outlive_a_power_cut_is_written_like_anything_else() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let local = format!("file://{}", folder.path().display());
        for url in ["memory://", local.as_str()] {
            let warehouse = Warehouse::open(url).expect("opens");
            for name in ["a/b/1", "a/b/2"] {
                let path = Path::from(name);
                assert!(warehouse.put_if_absent_synced(&path, "one").await.expect("writes"));
                assert!(!warehouse.put_if_absent_synced(&path, "two").await.expect("refuses"));
                assert_eq!(warehouse.get(&path).await.expect("reads").expect("is there"), "one");
            }
        }
    }

    #[test]
    fn an_address_that_is_none_says_what_one_looks_like() {
        for url in ["/srv/move", "ftp://x/y", "file://relative/x", "file:///proc/no/such"] {
            let fault = Warehouse::open(url).expect_err(url);
            assert!(fault.advice().contains("file:///"), "{url}");
        }
    }
}
