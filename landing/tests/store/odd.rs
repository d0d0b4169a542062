//! A store in memory that misbehaves in one way.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use deskferry_landing::Warehouse;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// What is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// It overwrites what it was told to create.
    Overwrites,
    /// It stores the first segments of a journal and says that it failed.
    LosesReplies(usize),
    /// It stores the first segments of a journal and never answers.
    Hangs(usize),
}

#[derive(Debug)]
struct Odd {
    inner: InMemory,
    oddity: Oddity,
    segments: AtomicUsize,
}

/// A warehouse over such a store.
pub fn odd(oddity: Oddity) -> Warehouse {
    let inner = InMemory::new();
    Warehouse::over(Arc::new(Odd { inner, oddity, segments: AtomicUsize::new(0) }))
}

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "odd {}", self.inner)
    }
}

#[async_trait]
impl ObjectStore for Odd {
    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        mut options: PutOptions,
    ) -> Result<PutResult> {
        if self.oddity == Oddity::Overwrites && options.mode == PutMode::Create {
            options.mode = PutMode::Overwrite;
        }
        let stored = self.inner.put_opts(path, payload, options).await;
        if path.extension() != Some("arrow") || stored.is_err() {
            return stored;
        }
        let before = self.segments.fetch_add(1, Ordering::Relaxed);
        match self.oddity {
            Oddity::LosesReplies(first) if before < first => {
                Err(Error::Generic { store: "odd", source: "the reply was lost".into() })
            }
            Oddity::Hangs(first) if before < first => std::future::pending().await,
            _ => stored,
        }
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(path, options).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
