//! One object store that holds everything: opening it, and the few verbs that the rest needs.

use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use kernel::{Fault, Result};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

/// An object store, rooted where the warehouse begins. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Warehouse {
    store: Arc<dyn ObjectStore>,
    url: Arc<str>,
}

impl Warehouse {
    /// Opens `file:///folder`, `s3://bucket/prefix` (with the usual `AWS_*` environment) or
    /// `memory://`. A local folder is made when it is not there.
    ///
    /// # Errors
    /// `FixConfig` when the address is not one of these or cannot be opened.
    pub fn open(url: &str) -> Result<Self> {
        let parsed = Url::parse(url).map_err(|error| unusable(url).because(error))?;
        let store = match parsed.scheme() {
            "file" => open_folder(&parsed.to_file_path().map_err(|()| unusable(url))?, url)?,
            "memory" => Arc::new(InMemory::new()),
            "s3" => open_bucket(&parsed)?,
            _ => return Err(unusable(url)),
        };
        Ok(Self { store, url: url.into() })
    }

    /// The address it was opened with.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The store itself; paths of [`crate::layout`] are relative to it.
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        self.store.clone()
    }

    /// Writes an object, over an older one if need be.
    pub async fn put(&self, path: &Path, body: impl Into<Bytes>) -> Result<()> {
        let payload = PutPayload::from_bytes(body.into());
        self.store.put(path, payload).await.map_err(|error| io("write", path, error))?;
        Ok(())
    }

    /// Writes an object unless there is one already; says whether it was written.
    pub async fn put_if_absent(&self, path: &Path, body: impl Into<Bytes>) -> Result<bool> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let payload = PutPayload::from_bytes(body.into());
        match self.store.put_opts(path, payload, options).await {
            Ok(_) => Ok(true),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(false),
            Err(error) => Err(io("create", path, error)),
        }
    }

    /// Reads an object whole; `None` when it is not there.
    pub async fn get(&self, path: &Path) -> Result<Option<Bytes>> {
        match self.store.get(path).await {
            Ok(found) => Ok(Some(found.bytes().await.map_err(|error| io("read", path, error))?)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(io("read", path, error)),
        }
    }

    /// Whether an object is there.
    pub async fn exists(&self, path: &Path) -> Result<bool> {
        match self.store.head(path).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(io("look up", path, error)),
        }
    }

    /// Every object below `folder`, at any depth, sorted.
    pub async fn list(&self, folder: &Path) -> Result<Vec<Path>> {
        let found: Vec<Path> = self
            .store
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
            .store
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
        self.store.copy(from, to).await.map_err(|error| io("copy", from, error))
    }

    /// Removes every object below `folder`.
    pub async fn remove_all(&self, folder: &Path) -> Result<()> {
        for path in self.list(folder).await? {
            self.store.delete(&path).await.map_err(|error| io("remove", &path, error))?;
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
            Fault::data(format!("{path} in the warehouse cannot be read")).because(error)
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

fn open_folder(folder: &std::path::Path, url: &str) -> Result<Arc<dyn ObjectStore>> {
    std::fs::create_dir_all(folder).map_err(|error| unusable(url).because(error))?;
    let store =
        LocalFileSystem::new_with_prefix(folder).map_err(|error| unusable(url).because(error))?;
    Ok(Arc::new(store))
}

fn open_bucket(url: &Url) -> Result<Arc<dyn ObjectStore>> {
    let store = AmazonS3Builder::from_env()
        .with_url(url.as_str())
        .build()
        .map_err(|error| unusable(url.as_str()).because(error))?;
    let prefix = Path::from(url.path());
    Ok(if prefix.as_ref().is_empty() {
        Arc::new(store)
    } else {
        Arc::new(PrefixStore::new(store, prefix))
    })
}

fn unusable(url: &str) -> Fault {
    Fault::config(format!("the warehouse {url:?} cannot be opened")).hint(
        "[warehouse] url is file:///an/absolute/folder that can be written, \
         or s3://bucket/prefix with AWS_* in the environment",
    )
}

pub(crate) fn io(doing: &str, path: &Path, error: Error) -> Fault {
    let fault = match &error {
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
            Fault::config(format!("no permission to {doing} {path} in the warehouse"))
        }
        _ => Fault::retry(format!("the warehouse could not {doing} {path}")),
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

    #[test]
    fn an_address_that_is_none_says_what_one_looks_like() {
        for url in ["/srv/move", "ftp://x/y", "file://relative/x", "file:///proc/no/such"] {
            let fault = Warehouse::open(url).expect_err(url);
            assert!(fault.advice().contains("file:///"), "{url}");
        }
    }
}
