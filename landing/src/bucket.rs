//! An S3 bucket: how its clients are made, and how what is sealed in it is locked until a date.
//!
//! It knows one path only, the folder whose objects are locked.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use kernel::{Fault, Instant, Result};
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, AwsAuthorizer, Checksum};
use object_store::client::{
    HttpConnector, HttpRequest, HttpRequestBody, HttpResponse, ReqwestConnector,
};
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::signer::Signer;
use object_store::{
    ClientOptions, CopyOptions, Error, GetOptions, GetResult, HeaderMap, HeaderValue, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result as StoreResult, UploadPart,
};
use tokio::sync::Mutex;
use url::Url;
use uuid::Uuid;

use crate::layout;

/// S3 takes a signed request as valid for so long.
const SIGNED_FOR: Duration = Duration::from_secs(60);

/// A bucket and the settings that its clients are made with.
#[derive(Clone)]
pub(crate) struct Bucket {
    url: Url,
    settings: Vec<(AmazonS3ConfigKey, String)>,
}

/// Says the address only: settings hold keys.
impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bucket").field(&self.url.as_str()).finish()
    }
}

impl Bucket {
    /// A bucket with settings as `AWS_*` names them; those that no client has are left out.
    pub(crate) fn new(url: &Url, settings: impl IntoIterator<Item = (String, String)>) -> Self {
        let known = |(name, value): (String, String)| {
            Some((name.to_ascii_lowercase().parse().ok()?, value))
        };
        Self { url: url.clone(), settings: settings.into_iter().filter_map(known).collect() }
    }

    /// Reads and writes without any lock.
    pub(crate) fn store(&self) -> StoreResult<Arc<dyn ObjectStore>> {
        let plain = Arc::new(self.builder(HeaderMap::new()).build()?);
        Ok(Arc::new(BucketStore { plain, locked: None, prefix: self.prefix() }))
    }

    /// Locks what is written below the folder of sealed snapshots until `until`.
    ///
    /// # Errors
    /// `FixConfig` when the bucket has no Object Lock or the credentials do not permit its use.
    pub(crate) async fn locked_store(&self, until: Instant) -> Result<Arc<dyn ObjectStore>> {
        self.check_lock().await?;
        let failed = |error: Error| self.unlockable().because(error);
        let build = |headers: HeaderMap| {
            self.builder(headers).with_checksum_algorithm(Checksum::SHA256).build()
        };
        let plain = build(HeaderMap::new()).map_err(failed)?;
        let locked = build(retention(until)).map_err(failed)?;
        self.check_permission(&locked).await?;
        let (plain, locked) = (Arc::new(plain), Some(Arc::new(locked)));
        Ok(Arc::new(BucketStore { plain, locked, prefix: self.prefix() }))
    }

    fn prefix(&self) -> Path {
        Path::from(self.url.path())
    }

    fn client_options(&self, headers: HeaderMap) -> ClientOptions {
        let mut options = ClientOptions::new().with_default_headers(headers);
        for (key, value) in &self.settings {
            if let AmazonS3ConfigKey::Client(key) = key {
                options = options.with_config(*key, value);
            }
        }
        options
    }

    fn builder(&self, headers: HeaderMap) -> AmazonS3Builder {
        let mut builder = AmazonS3Builder::new().with_client_options(self.client_options(headers));
        for (key, value) in &self.settings {
            if !matches!(key, AmazonS3ConfigKey::Client(_)) {
                builder = builder.with_config(*key, value);
            }
        }
        builder.with_url(self.url.as_str())
    }

    /// Asks the bucket for its lock configuration, which a bucket without Object Lock has not.
    async fn check_lock(&self) -> Result<()> {
        let (status, body) = self.lock_configuration().await?;
        let says = |word: &str| body.contains(word);
        match status {
            200 if says("Enabled") => Ok(()),
            403 => Err(Fault::config(format!("no permission to see if {} can lock", self.name()))
                .hint("allow s3:GetBucketObjectLockConfiguration, or ask for no lock")),
            404 if says("NoSuchBucket") => {
                Err(Fault::config(format!("there is no {}", self.name()))
                    .hint("make it with Object Lock enabled, then run this again"))
            }
            200 | 400 | 404 | 405 | 501 => Err(self.unlockable()),
            _ => Err(Fault::retry(format!("{} answered {status}", self.name()))),
        }
    }

    /// Status and text of the bucket's answer. The store's client has no call for it, so the
    /// request is signed here.
    async fn lock_configuration(&self) -> Result<(u16, String)> {
        let failed = |error: Error| {
            Fault::retry(format!("{} could not be asked about its lock", self.name()))
                .because(error)
        };
        let builder = self.builder(HeaderMap::new());
        let region = builder.get_config_value(&AmazonS3ConfigKey::Region);
        let store = builder.build().map_err(failed)?;
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        let object = Path::from("object");
        let method = request.method().clone();
        let address = store.signed_url(method, &object, SIGNED_FOR).await.map_err(failed)?;
        let address = address.join("./?object-lock=").expect("an object lies in its bucket");
        *request.uri_mut() = address.as_str().parse().expect("an address is an address");
        let credential = store.credentials().get_credential().await.map_err(failed)?;
        let region = region.as_deref().unwrap_or("us-east-1");
        AwsAuthorizer::new(&credential, "s3", region).authorize(&mut request, None);
        let options = self.client_options(HeaderMap::new());
        let client = ReqwestConnector::default().connect(&options).map_err(failed)?;
        let broken = |error| {
            Fault::retry(format!("{} could not be asked about its lock", self.name()))
                .because(error)
        };
        let response: HttpResponse = client.execute(request).await.map_err(broken)?;
        let status = response.status().as_u16();
        let body = response.into_body().bytes().await.map_err(broken)?;
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }

    /// Begins a locked upload and abandons it: it needs the same permission as a locked object,
    /// and leaves nothing behind.
    async fn check_permission(&self, locked: &AmazonS3) -> Result<()> {
        let name = layout::probe(&Uuid::new_v4().simple().to_string());
        let path = below(&self.prefix(), &name);
        let failed = |error: Error| {
            Fault::config(format!("{} does not let these credentials lock", self.name()))
                .hint("allow s3:PutObjectRetention, or ask for no lock")
                .because(error)
        };
        let upload = locked.create_multipart(&path).await.map_err(failed)?;
        locked.abort_multipart(&path, &upload).await.map_err(failed)
    }

    fn name(&self) -> String {
        format!("bucket {}", self.url.host_str().unwrap_or_default())
    }

    fn unlockable(&self) -> Fault {
        Fault::config(format!("{} has no Object Lock, so nothing in it can be locked", self.name()))
            .hint("use a bucket that was made with Object Lock enabled, or ask for no lock")
    }
}

/// What S3 wants with an object that is to be locked.
fn retention(until: Instant) -> HeaderMap {
    let until = until.to_seconds_text();
    let mut headers = HeaderMap::new();
    headers.insert("x-amz-object-lock-mode", HeaderValue::from_static("COMPLIANCE"));
    let until = HeaderValue::from_str(&until).expect("a moment is written in ASCII");
    headers.insert("x-amz-object-lock-retain-until-date", until);
    // S3 refuses a locked object without a checksum, and this is how it is told of one.
    headers.insert("x-amz-sdk-checksum-algorithm", HeaderValue::from_static("SHA256"));
    headers
}

/// A folder of a bucket as a store of its own, in which sealed snapshots may be locked.
///
/// `PrefixStore` would do for the folder, but names objects that it reads by their path in the
/// bucket, which nobody can then read again.
#[derive(Debug)]
struct BucketStore {
    plain: Arc<AmazonS3>,
    /// Its headers of a lock belong to every request of a client, so only the requests that make
    /// an object go through it.
    locked: Option<Arc<AmazonS3>>,
    prefix: Path,
}

impl fmt::Display for BucketStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} below {:?}", self.plain, self.prefix.as_ref())
    }
}

impl BucketStore {
    /// The client that locks, for what is to be locked.
    fn locking(&self, path: &Path) -> Option<&Arc<AmazonS3>> {
        self.locked.as_ref().filter(|_| path.prefix_matches(&layout::landing()))
    }

    fn for_writing(&self, path: &Path) -> &AmazonS3 {
        self.locking(path).unwrap_or(&self.plain)
    }

    /// Where an object lies in the bucket.
    fn full(&self, path: &Path) -> Path {
        below(&self.prefix, path)
    }
}

fn below(prefix: &Path, path: &Path) -> Path {
    prefix.parts().chain(path.parts()).collect()
}

fn strip(prefix: &Path, path: &Path) -> Path {
    path.prefix_match(prefix).map_or_else(|| path.clone(), Iterator::collect)
}

#[async_trait]
impl ObjectStore for BucketStore {
    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> StoreResult<PutResult> {
        self.for_writing(path).put_opts(&self.full(path), payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> StoreResult<Box<dyn MultipartUpload>> {
        let full = self.full(path);
        let Some(locked) = self.locking(path) else {
            return self.plain.put_multipart_opts(&full, options).await;
        };
        let id = locked.create_multipart(&full).await?;
        let store = self.plain.clone();
        let upload = Arc::new(Upload { store, path: full, id, parts: Mutex::default() });
        Ok(Box::new(LockedUpload { upload, next: 0 }))
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> StoreResult<GetResult> {
        let mut found = self.plain.get_opts(&self.full(path), options).await?;
        found.meta.location = path.clone();
        Ok(found)
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, StoreResult<Path>>,
    ) -> BoxStream<'static, StoreResult<Path>> {
        let (prefix, again) = (self.prefix.clone(), self.prefix.clone());
        let full = paths.map_ok(move |path| below(&prefix, &path)).boxed();
        self.plain.delete_stream(full).map_ok(move |path| strip(&again, &path)).boxed()
    }

    fn list(&self, folder: Option<&Path>) -> BoxStream<'static, StoreResult<ObjectMeta>> {
        let prefix = self.prefix.clone();
        let full = self.full(folder.unwrap_or(&Path::default()));
        let strip_meta = move |mut meta: ObjectMeta| {
            meta.location = strip(&prefix, &meta.location);
            meta
        };
        self.plain.list(Some(&full)).map_ok(strip_meta).boxed()
    }

    async fn list_with_delimiter(&self, folder: Option<&Path>) -> StoreResult<ListResult> {
        let full = self.full(folder.unwrap_or(&Path::default()));
        let mut found = self.plain.list_with_delimiter(Some(&full)).await?;
        for path in &mut found.common_prefixes {
            *path = strip(&self.prefix, path);
        }
        for meta in &mut found.objects {
            meta.location = strip(&self.prefix, &meta.location);
        }
        Ok(found)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> StoreResult<()> {
        self.for_writing(to).copy_opts(&self.full(from), &self.full(to), options).await
    }
}

/// An upload that was begun with a lock; its parts are sent without the headers of one, which S3
/// does not document for them.
#[derive(Debug)]
struct LockedUpload {
    upload: Arc<Upload>,
    next: usize,
}

#[derive(Debug)]
struct Upload {
    store: Arc<AmazonS3>,
    path: Path,
    id: String,
    /// Parts that arrived, with their place; they arrive in any order.
    parts: Mutex<Vec<(usize, PartId)>>,
}

#[async_trait]
impl MultipartUpload for LockedUpload {
    fn put_part(&mut self, payload: PutPayload) -> UploadPart {
        let (upload, place) = (self.upload.clone(), self.next);
        self.next += 1;
        Box::pin(async move {
            let Upload { store, path, id, parts } = upload.as_ref();
            let part = store.put_part(path, id, place, payload).await?;
            parts.lock().await.push((place, part));
            Ok(())
        })
    }

    async fn complete(&mut self) -> StoreResult<PutResult> {
        let Upload { store, path, id, parts } = self.upload.as_ref();
        let mut parts = std::mem::take(&mut *parts.lock().await);
        parts.sort_unstable_by_key(|(place, _)| *place);
        if parts.len() != self.next {
            let text = format!("{} of {} parts arrived", parts.len(), self.next);
            return Err(Error::Generic { store: "S3", source: text.into() });
        }
        let parts = parts.into_iter().map(|(_, part)| part).collect();
        store.complete_multipart(path, id, parts).await
    }

    async fn abort(&mut self) -> StoreResult<()> {
        self.upload.store.abort_multipart(&self.upload.path, &self.upload.id).await
    }
}
