//! A store in memory that fails, or stops answering, around the segments of a ledger.
//!
//! It knows paths and nothing of what is written.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use tokio::sync::Notify;

use super::numbers::Numbers;

/// What happens around a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing was written and no answer comes any more.
    HaltsBefore,
    /// It was written and no answer comes any more.
    HaltsAfter,
    /// Nothing was written, as on a full disk.
    FailsBefore,
    /// It was written and the answer is that it failed, as when a sync fails.
    FailsAfter,
}

/// How often it fails.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rates {
    /// Writes that fail before anything was written.
    pub before: f64,
    /// Writes that fail afterwards.
    pub after: f64,
    /// Reads and lists that fail.
    pub reads: f64,
}

#[derive(Debug)]
pub struct Faulty {
    inner: InMemory,
    puts: AtomicU64,
    ordered: Mutex<Option<(u64, Trouble)>>,
    rates: Mutex<(Rates, Numbers)>,
    calm: AtomicBool,
    pub halted: Notify,
}

impl Faulty {
    pub fn new(rates: Rates, seed: u64) -> Arc<Self> {
        Arc::new(Self {
            inner: InMemory::new(),
            puts: AtomicU64::new(0),
            ordered: Mutex::new(None),
            rates: Mutex::new((rates, Numbers::new(seed))),
            // Preparing a run is not part of it.
            calm: AtomicBool::new(true),
            halted: Notify::new(),
        })
    }

    /// Orders trouble around the `at`th segment from the beginning, from 1.
    pub fn order(&self, at: u64, trouble: Trouble) {
        *self.ordered.lock().unwrap_or_else(PoisonError::into_inner) = Some((at, trouble));
    }

    /// Whether it behaves.
    pub fn calm(&self, calm: bool) {
        self.calm.store(calm, Ordering::SeqCst);
    }

    /// Segments that were written, or tried to be.
    pub fn puts(&self) -> u64 {
        self.puts.load(Ordering::SeqCst)
    }

    fn trouble(&self) -> Option<Trouble> {
        let number = self.puts.fetch_add(1, Ordering::SeqCst) + 1;
        if self.calm.load(Ordering::SeqCst) {
            return None;
        }
        let ordered = *self.ordered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, trouble)) = ordered.filter(|(at, _)| *at == number) {
            return Some(trouble);
        }
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        let (Rates { before, after, .. }, numbers) = &mut *rates;
        match numbers.share() {
            share if share < *before => Some(Trouble::FailsBefore),
            share if share < *before + *after => Some(Trouble::FailsAfter),
            _ => None,
        }
    }

    fn reads(&self, path: Option<&Path>) -> Result<()> {
        if self.calm.load(Ordering::SeqCst) || !path.is_some_and(is_ledger) {
            return Ok(());
        }
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        let (Rates { reads, .. }, numbers) = &mut *rates;
        match numbers.share() < *reads {
            true => Err(failure("the store does not answer")),
            false => Ok(()),
        }
    }
}

fn failure(why: &str) -> Error {
    Error::Generic { store: "faulty", source: why.into() }
}

fn is_ledger(path: &Path) -> bool {
    path.parts().any(|part| part.as_ref() == "ledger")
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "faulty {}", self.inner)
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        if !is_ledger(path) {
            return self.inner.put_opts(path, payload, options).await;
        }
        let trouble = self.trouble();
        if trouble == Some(Trouble::HaltsBefore) {
            self.halted.notify_one();
            return std::future::pending().await;
        }
        if trouble == Some(Trouble::FailsBefore) {
            return Err(failure("no space left on device"));
        }
        let written = self.inner.put_opts(path, payload, options).await;
        match trouble {
            Some(Trouble::HaltsAfter) => {
                self.halted.notify_one();
                std::future::pending().await
            }
            Some(Trouble::FailsAfter) if written.is_ok() => Err(failure("sync failed")),
            _ => written,
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
        self.reads(Some(path))?;
        self.inner.get_opts(path, options).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.reads(prefix) {
            Ok(()) => self.inner.list(prefix),
            Err(error) => Box::pin(futures::stream::iter([Err(error)])),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
