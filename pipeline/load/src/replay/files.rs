//! Files: read from the snapshots, checked against their hash, uploaded once per content.

use bytes::Bytes;
use futures::TryStreamExt;
use kernel::ledger::{Entry, RecordKind, State};
use kernel::{Code, Fault, Result};
use landing::layout;

use super::Replay;
use crate::plan::{self, Upload};
use crate::target::{Draft, phase};

/// Files in memory at a time; a file may have tens of megabytes.
const FILES_IN_FLIGHT_MAX: usize = 4;
/// Reason of a file whose bytes no snapshot has.
const NOT_LANDED: &str = "no snapshot of the run has this file";
/// Reason of a file that the mapping does not let through.
const TOO_LARGE: &str = "it is longer than upload_bytes_max of [mapping]";

impl Replay<'_> {
    pub(super) async fn bring_files(&self, expected: u64) -> Result<()> {
        let total = match &self.selection {
            None => expected,
            Some(selection) => selection.uploads.len() as u64,
        };
        self.progress.phase(phase::FILES_UPLOAD, total);
        let uploads = plan::uploads(self.warehouse, &self.options.run).await?;
        let wanted = uploads.try_filter(|upload| {
            let wanted = self.selection.as_ref();
            let wanted = wanted.is_none_or(|list| list.uploads.contains(&upload.sha256));
            std::future::ready(wanted)
        });
        let in_flight = self.options.tickets_in_flight.min(FILES_IN_FLIGHT_MAX);
        self.all(wanted, in_flight, |upload| async move {
            self.bring_file(&upload).await?;
            self.progress.advance(phase::FILES_UPLOAD, 1);
            Ok(())
        })
        .await
    }

    async fn bring_file(&self, upload: &Upload) -> Result<()> {
        let standing = self.desk.ledger.standing(RecordKind::Upload, &upload.sha256);
        let mut body = Bytes::new();
        if !standing.is_some_and(|standing| standing.state.is_settled()) {
            let landed = match upload.is_too_large {
                true => Err(TOO_LARGE),
                false => self.landed(&upload.sha256).await?.ok_or(NOT_LANDED),
            };
            match landed {
                Ok(bytes) => body = bytes,
                Err(reason) => self.refuse_file(&upload.sha256, reason).await?,
            }
        }
        let body = &body;
        self.bring(Draft::Upload { upload, body }).await?;
        Ok(())
    }

    async fn refuse_file(&self, sha256: &str, reason: &str) -> Result<()> {
        let entry = Entry {
            kind: RecordKind::Upload,
            source_id: sha256.to_owned(),
            state: State::Refused,
            target_id: None,
            at: self.desk.clock.now(),
            detail: Some(reason.to_owned()),
        };
        self.desk.ledger.commit(vec![entry]).await
    }

    async fn landed(&self, sha256: &str) -> Result<Option<Bytes>> {
        for snapshot in &self.options.snapshots {
            let path = layout::file(snapshot, sha256);
            let Some(bytes) = self.warehouse.get(&path).await? else {
                continue;
            };
            if landing::exchange::sha256(&bytes) != sha256 {
                return Err(Fault::data(format!("{path} is not what its name says"))
                    .coded(Code::FileChanged)
                    .hint("deskferry snapshot verify names everything that was changed"));
            }
            return Ok(Some(bytes));
        }
        Ok(None)
    }
}
