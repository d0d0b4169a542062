//! A lease on something that only one process may work on: held while its holder shows that it is
//! alive.
//!
//! Every holder has an object with the next number, created only if absent, so of two newcomers
//! one wins on any store. The holder changes its object about once a second. No clocks are
//! compared: a newcomer looks, waits and looks again. A process that was stopped for longer and
//! wakes up finds a higher number; what it wrote in between is kept out by the numbers of the
//! segments, not by this.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kernel::{Code, Fault, Result};
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use uuid::Uuid;

use crate::warehouse::json_text;
use crate::{Warehouse, layout};

/// How often a holder shows that it is alive.
const BEAT: Duration = Duration::from_secs(1);
/// How often a newcomer looks while it waits.
const LOOKS: u32 = 6;

/// What a holder's object says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Sign {
    /// Random, so that two holders are never taken for one.
    owner: String,
    /// Rises while the holder lives.
    beat: u64,
}

/// A lease that is held. When it is dropped, it is no longer renewed and runs out.
pub struct Lease {
    holder: Arc<Holder>,
    /// Ends the renewing when it is dropped.
    renewing: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

struct Holder {
    warehouse: Warehouse,
    folder: Path,
    epoch: u64,
    owner: String,
    lost: AtomicBool,
}

impl Lease {
    /// Takes the lease that lies in `folder`. Where somebody holds it, waits for up to `patience`
    /// of real time for a sign of life; a holder that gives none is dead and is followed. `what`
    /// is what the lease is on, as in `extraction of crisp/0003`.
    ///
    /// # Errors
    /// `Refused` when the holder is alive, or somebody else was quicker.
    pub async fn take(
        warehouse: &Warehouse,
        folder: Path,
        what: &str,
        patience: Duration,
    ) -> Result<Self> {
        let taken = || {
            Fault::refused(format!("another {what} is running"))
                .coded(Code::AnotherHolder)
                .hint("let it finish or stop it; then run this again")
        };
        let before = outlast(warehouse, &folder, patience).await?.ok_or_else(taken)?;
        let holder = Holder {
            warehouse: warehouse.clone(),
            folder,
            epoch: before + 1,
            owner: Uuid::new_v4().simple().to_string(),
            lost: AtomicBool::new(false),
        };
        warehouse.put_if_absent(&holder.path(), json_text(&holder.sign(0))?).await?;
        // What counts is what is there: a store may have created it, lost its reply and refused the
        // second try; and a newcomer that saw more may have taken a higher number.
        if !holder.is_holding().await? {
            return Err(taken());
        }
        let holder = Arc::new(holder);
        let (stop, stopped) = oneshot::channel();
        let renewing = tokio::spawn(renew(holder.clone(), stopped));
        Ok(Self { holder, renewing: Some((stop, renewing)) })
    }

    /// Random text that no other holder has.
    pub fn owner(&self) -> &str {
        &self.holder.owner
    }

    /// Whether somebody else has been seen to hold it.
    pub fn is_lost(&self) -> bool {
        self.holder.lost.load(Ordering::Relaxed)
    }

    /// Gives it back, so that nobody has to wait for it.
    ///
    /// # Errors
    /// `Retry` when the store fails; the lease then runs out by itself.
    pub async fn release(mut self) -> Result<()> {
        if let Some((stop, renewing)) = self.renewing.take() {
            drop(stop);
            // A beat that is under way must not come after the removal.
            renewing.await.map_err(|error| Fault::bug("a lease ended badly").because(error))?;
        }
        let Holder { warehouse, folder, epoch, .. } = self.holder.as_ref();
        if !self.holder.is_holding().await? {
            return Ok(());
        }
        for (found, path) in epochs(warehouse, folder).await? {
            if found <= *epoch {
                warehouse.remove(&path).await?;
            }
        }
        Ok(())
    }
}

impl Holder {
    fn path(&self) -> Path {
        layout::lease_epoch(&self.folder, self.epoch)
    }

    fn sign(&self, beat: u64) -> Sign {
        Sign { owner: self.owner.clone(), beat }
    }

    /// Whether its object is still there and nobody has followed.
    async fn is_holding(&self) -> Result<bool> {
        let next = layout::lease_epoch(&self.folder, self.epoch + 1);
        let sign: Option<Sign> = self.warehouse.get_json(&self.path()).await?;
        let is_mine = sign.is_some_and(|sign| sign.owner == self.owner);
        Ok(is_mine && !self.warehouse.exists(&next).await?)
    }

    /// Shows that it is alive; says whether it holds the lease.
    async fn beat(&self, beat: u64) -> Result<bool> {
        if !self.is_holding().await? {
            return Ok(false);
        }
        self.warehouse.put_json(&self.path(), &self.sign(beat)).await?;
        Ok(true)
    }
}

async fn renew(holder: Arc<Holder>, mut stopped: oneshot::Receiver<()>) {
    for beat in 1.. {
        tokio::select! {
            () = sleep(BEAT) => {}
            _ = &mut stopped => return,
        }
        // A store that fails is asked again at the next beat.
        if let Ok(false) = holder.beat(beat).await {
            holder.lost.store(true, Ordering::Relaxed);
            return;
        }
    }
}

/// The number of the last holder, once it is sure to be gone: 0 when there is none. `None` when it
/// is alive.
async fn outlast(warehouse: &Warehouse, folder: &Path, patience: Duration) -> Result<Option<u64>> {
    let Some(seen) = newest(warehouse, folder).await? else {
        return Ok(Some(0));
    };
    for _ in 0..LOOKS {
        sleep(patience / LOOKS).await;
        match newest(warehouse, folder).await? {
            None => return Ok(Some(0)),
            Some(found) if found != seen => return Ok(None),
            Some(_) => {}
        }
    }
    Ok(Some(seen.0))
}

async fn newest(warehouse: &Warehouse, folder: &Path) -> Result<Option<(u64, Sign)>> {
    let Some((epoch, path)) = epochs(warehouse, folder).await?.pop() else {
        return Ok(None);
    };
    let sign: Option<Sign> = warehouse.get_json(&path).await?;
    Ok(sign.map(|sign| (epoch, sign)))
}

/// The holders' objects, oldest first.
async fn epochs(warehouse: &Warehouse, folder: &Path) -> Result<Vec<(u64, Path)>> {
    let paths = warehouse.list(folder).await?.into_iter();
    let numbered = paths.filter_map(|path| {
        let name = path.filename()?.strip_suffix(".json")?;
        Some((name.parse().ok()?, path.clone()))
    });
    Ok(numbered.collect())
}
