//! Reads every stream of a manifest, parents before children, until nothing moves any more.
//!
//! First everything is read once. Whatever people touched meanwhile is read again whole, in closing
//! rounds, until a round brings nothing new. What was listed before and is gone becomes a deletion.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::StreamExt;
use http::FileClient;
use kernel::{Fault, Instant, Result};
use landing::exchange::Deletion;
use landing::snapshot::Gap;

use crate::earlier::Earlier;
use crate::files::{Again, Files, Linked};
use crate::forecast::Forecast;
use crate::links;
use crate::manifest::{Manifest, Stream};
use crate::pages::{End, Pages};
use crate::partitions::{Partition, parent_of, partitions_of};
use crate::questions::{Answer, Page, Questions};
use crate::reading::{Reading, State};
use crate::run::Progress;
use crate::selector::Found;
use crate::sweep::hash_of;
use crate::versions::Versions;

/// Closing rounds before a source counts as never quiet.
const CLOSING_ROUNDS_MAX: u64 = 5;

/// One extraction, reading.
pub(crate) struct Reader<'a> {
    pub(crate) manifest: &'a Manifest,
    pub(crate) questions: &'a Questions<'a>,
    pub(crate) files: &'a FileClient,
    pub(crate) earlier: Earlier,
    pub(crate) progress: &'a dyn Progress,
    /// Streams that are left out on purpose.
    pub(crate) skipped: &'a BTreeSet<String>,
    began_at: Instant,
    harvest: Mutex<Harvest>,
}

/// What reading has brought besides the journal.
#[derive(Default)]
pub(crate) struct Harvest {
    /// Lists still to read, by stream.
    partitions: HashMap<String, Vec<Partition>>,
    /// Lists that are among them, or were read in this round.
    collected: HashSet<(String, String)>,
    /// Rounds in which a list was read last, where it was not the first one.
    last_round: HashMap<(String, String), u64>,
    /// Records of the streams that stand on their own.
    pub(crate) roots: HashMap<String, Versions>,
    /// Hashes of the keys that were there when a stream was read last.
    pub(crate) listed: HashMap<String, HashSet<u64>>,
    links: Vec<Linked>,
    linked: HashSet<String>,
    closing_since: Option<Instant>,
    pub(crate) unproven_streams: BTreeSet<String>,
    pub(crate) gaps: Vec<Gap>,
    /// By stream and key.
    pub(crate) deletions: BTreeMap<(String, String), Deletion>,
    pub(crate) evidence: Vec<String>,
    pub(crate) unproven: Vec<String>,
    pub(crate) forecast: Forecast,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(
        manifest: &'a Manifest,
        questions: &'a Questions<'a>,
        files: &'a FileClient,
        earlier: Earlier,
        progress: &'a dyn Progress,
        skipped: &'a BTreeSet<String>,
        began_at: Instant,
    ) -> Self {
        let harvest = Mutex::default();
        Self { manifest, questions, files, earlier, progress, skipped, began_at, harvest }
    }

    /// Reads everything there is.
    pub(crate) async fn read_all(&self) -> Result<()> {
        for stream in self.streams() {
            self.read_stream(stream, 0).await?;
        }
        self.close().await?;
        self.note_files();
        self.find_deletions().await?;
        self.note_limits();
        Ok(())
    }

    /// What was gathered, and the streams of which all that was there is landed.
    pub(crate) fn into_harvest(self) -> (Harvest, BTreeSet<String>) {
        let manifest = self.manifest;
        let skipped = self.skipped;
        let only_below = &self.questions.options.only_below;
        let harvest = self.harvest.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut complete = BTreeSet::new();
        for stream in &manifest.streams {
            let has_gap = harvest.gaps.iter().any(|gap| gap.stream == stream.name);
            let is_doubtful = harvest.unproven_streams.contains(&stream.name);
            let stands = parent_of(stream).is_none_or(|parent| complete.contains(parent));
            let is_left_out =
                skipped.contains(&stream.name) || only_below.contains_key(&stream.name);
            if stands && !has_gap && !is_doubtful && !is_left_out {
                complete.insert(stream.name.clone());
            }
        }
        (harvest, complete)
    }

    /// Reads again what was touched since the extraction began, until nothing is.
    async fn close(&self) -> Result<()> {
        let movers: Vec<&Stream> = self.streams().filter(|stream| is_mover(stream)).collect();
        if movers.is_empty() {
            return Ok(());
        }
        let mut since = self.begun_at();
        for round in 1..=CLOSING_ROUNDS_MAX {
            self.questions.mark();
            self.harvested().closing_since = Some(since);
            self.harvested().collected.clear();
            let mut moved = 0;
            for stream in &movers {
                moved += self.read_stream(stream, round).await?;
            }
            let asked_at = self.questions.marked().unwrap_or(since);
            let from = since.to_seconds_text();
            if moved == 0 {
                self.note_evidence(format!(
                    "closing round {round}: nothing was touched since {from}"
                ));
                return Ok(());
            }
            self.note_evidence(format!(
                "closing round {round}: {moved} records were touched since {from} and are read again whole"
            ));
            for stream in self.streams().filter(|stream| parent_of(stream).is_some()) {
                self.read_stream(stream, round).await?;
            }
            since = asked_at;
        }
        let since = since.to_seconds_text();
        self.harvested().unproven.push(format!(
            "the source was never quiet in {CLOSING_ROUNDS_MAX} closing rounds: records touched since {since} are landed as they were when they were read last; the next delta brings what came after"
        ));
        Ok(())
    }

    /// Reads the lists of a stream; says how many records were new or had moved.
    async fn read_stream(&self, stream: &Stream, round: u64) -> Result<u64> {
        let doing = |fault: Fault| fault.during(format!("reading {}", stream.name));
        let partitions = match (parent_of(stream), round) {
            (None, _) => partitions_of(stream, None, true),
            (Some(_), _) => self.harvested().partitions.remove(&stream.name).unwrap_or_default(),
        };
        let is_whole = stream.partition_router.is_empty();
        if partitions.is_empty() && round > 0 {
            return Ok(0);
        }
        self.progress.stream(&stream.name, (!is_whole).then_some(partitions.len() as u64));
        let known = self.earlier.of(stream, &partitions).await?;
        let (moved, fault) = (Mutex::new(0), Mutex::new(None));
        // After a fault no list is begun any more, but calls that have left are waited for: what
        // they bring was paid for.
        futures::stream::iter(partitions)
            .for_each_concurrent(self.questions.concurrency(), async |partition| {
                if locked(&fault).is_some() {
                    return;
                }
                let parent = known.as_ref().map(|known| known.below(&partition.parent_key));
                let read = async {
                    let came = self.read_list(stream, &partition, parent, round).await?;
                    *locked(&moved) += came;
                    if !is_whole {
                        self.progress.advance(&stream.name, 1, 0);
                    }
                    self.fetch_linked().await
                };
                if let Err(happened) = read.await {
                    locked(&fault).get_or_insert(happened);
                }
            })
            .await;
        match fault.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(fault) => Err(doing(fault)),
            None => Ok(moved.into_inner().unwrap_or_else(PoisonError::into_inner)),
        }
    }

    async fn read_list(
        &self,
        stream: &Stream,
        partition: &Partition,
        parent: Option<Versions>,
        round: u64,
    ) -> Result<u64> {
        let is_root = partition.is_root();
        let last = match (is_root, round) {
            (true, _) => self.harvested().roots.remove(&stream.name),
            (false, 0) => None,
            (false, _) => self.recalled(stream, partition, round).await?,
        };
        // What must come again for a list to be the same: all that came last time, or else all that
        // the earlier snapshots have.
        let expected = last.as_ref().or(parent.as_ref());
        let expected: Vec<String> =
            expected.into_iter().flat_map(|versions| versions.keys().cloned()).collect();
        let state = State { seen: last.unwrap_or_default(), parent, ..State::default() };
        let reading = Reading::new(self, stream, partition, round, state);
        let end = Pages { reading: &reading, progress: self.progress }.read().await?;
        let state = reading.into_state();
        let is_read = end == End::Reached && state.gaps.is_empty();
        if !state.gaps.is_empty() {
            self.explain(stream, partition, &state).await?;
        }
        self.harvested().forecast.done(&stream.name);
        if !is_root {
            if is_read {
                let gone = expected.into_iter().filter(|key| !state.present.contains(key));
                self.note_deletions(stream, Some(&partition.parent_key), gone);
            }
            return Ok(state.moved);
        }
        let mut harvest = self.harvested();
        if is_read && !is_swept(stream) {
            harvest.listed.insert(
                stream.name.clone(),
                state.present.iter().map(|key| hash_of(key)).collect(),
            );
        }
        harvest.roots.insert(stream.name.clone(), state.seen);
        Ok(state.moved)
    }

    /// What the last round before this one brought of a list, from the journal; `None` when there
    /// was none.
    async fn recalled(
        &self,
        stream: &Stream,
        partition: &Partition,
        round: u64,
    ) -> Result<Option<Versions>> {
        let place = (stream.name.clone(), partition.identity());
        let last = self.harvested().last_round.insert(place, round).unwrap_or(0);
        let reading = Reading::recall(self, stream, partition, last);
        let end = Pages { reading: &reading, progress: &Unseen }.read().await?;
        let seen = reading.into_state().seen;
        Ok((end == End::Reached || !seen.is_empty()).then_some(seen))
    }

    /// Notes what could not be read. A list that is not there because its record went away in the
    /// meantime is no gap: the record itself is asked for, and a 404 makes it a deletion.
    async fn explain(&self, stream: &Stream, partition: &Partition, state: &State) -> Result<()> {
        let parent = parent_of(stream).and_then(|name| self.manifest.stream(name));
        let path = parent.and_then(|parent| parent.record_path.as_deref());
        if let (Some(parent), Some(path), Some(404)) = (parent, path, state.refused_with)
            && self.questions.is_gone(parent, path, partition).await?
        {
            let gone = [partition.parent_key.clone()].into_iter();
            self.note_deletions(parent, None, gone);
            return Ok(());
        }
        for reason in &state.gaps {
            let key = (!partition.is_root()).then(|| partition.parent_key.clone());
            let gap = Gap { stream: stream.name.clone(), key, reason: reason.clone() };
            self.harvested().gaps.push(gap);
        }
        Ok(())
    }

    /// Asks a question of a list, unless it is only to be recalled and nobody asked it before.
    pub(crate) async fn ask(
        &self,
        reading: &Reading<'_>,
        page: Page<'_>,
    ) -> Result<Option<Answer>> {
        let told = |calls: u64| {
            let mut harvest = self.harvested();
            harvest.forecast.called(&reading.stream.name, calls);
            let to_go = harvest.forecast.to_go(self.streams());
            drop(harvest);
            self.progress.standing(&self.questions.quota.standing(to_go));
        };
        self.questions.ask(reading, page, &told).await
    }

    /// Takes a record in: its children and its files are read later.
    pub(crate) fn take(&self, stream: &Stream, found: &Found, is_new: bool) {
        let mut harvest = self.harvested();
        let harvest = &mut *harvest;
        let children = self.streams().filter(|child| parent_of(child) == Some(&stream.name));
        for child in children.filter(|child| self.is_wanted(child, &found.span.key)) {
            for partition in partitions_of(child, Some(found), is_new) {
                let place = (child.name.clone(), partition.identity());
                if harvest.collected.insert(place) {
                    harvest.forecast.found(&child.name);
                    harvest.partitions.entry(child.name.clone()).or_default().push(partition);
                }
            }
        }
        let uploader = self.manifest.file_uploader.iter();
        for place in uploader.filter(|place| place.stream == stream.name) {
            for (nth, url) in links::find(&found.value, place).into_iter().enumerate() {
                if !self.earlier.has_file(&url) && harvest.linked.insert(url.clone()) {
                    let again = place.refetch_path.is_some().then(|| Again {
                        place: place.clone(),
                        record: found.value.clone(),
                        nth,
                    });
                    harvest.links.push(Linked { url, again });
                }
            }
        }
    }

    /// Whether a stream is to be read below this record of its parent.
    fn is_wanted(&self, stream: &Stream, parent_key: &str) -> bool {
        let keys = self.questions.options.only_below.get(&stream.name);
        keys.is_none_or(|keys| keys.contains(parent_key))
    }

    /// Fetches the files of the records that were taken in: their addresses may not last.
    async fn fetch_linked(&self) -> Result<()> {
        let links = std::mem::take(&mut self.harvested().links);
        Files { client: self.files, questions: self.questions }
            .fetch_all(links, self.progress)
            .await
    }

    fn note_files(&self) {
        let mut harvest = self.harvested();
        let addresses = harvest.linked.len();
        harvest.evidence.push(format!(
            "files: {addresses} addresses were fetched when the record that names them was read; data/downloads has one row for each"
        ));
    }

    /// What no extraction of this kind can show.
    fn note_limits(&self) {
        let mut harvest = self.harvested();
        harvest.unproven.push("that the API lists everything that its vendor holds".to_owned());
        if !self.earlier.is_none() {
            harvest.unproven.push(
                "changes that do not show on the record that is listed: what hangs on it is read again only when it was touched"
                    .to_owned(),
            );
        }
    }

    /// When the extraction began, by the other side's clock.
    pub(crate) fn begun_at(&self) -> Instant {
        self.questions.by_their_clock(self.began_at)
    }

    /// From when on a closing round looks for what was touched; `None` before the closing.
    pub(crate) fn closing_since(&self) -> Option<Instant> {
        self.harvested().closing_since
    }

    /// Notes which keys were there when a stream was shown to be read whole.
    pub(crate) fn note_listed(&self, stream: &Stream, keys: HashSet<u64>) {
        self.harvested().listed.entry(stream.name.clone()).or_default().extend(keys);
    }

    pub(crate) fn note_evidence(&self, sentence: String) {
        self.harvested().evidence.push(sentence);
    }

    /// Notes that something about a stream cannot be shown.
    pub(crate) fn note_unproven(&self, stream: &Stream, why: &str) {
        let mut harvest = self.harvested();
        harvest.unproven_streams.insert(stream.name.clone());
        let sentence = format!("{}: {why}", stream.name);
        if !harvest.unproven.contains(&sentence) {
            harvest.unproven.push(sentence);
        }
    }

    pub(crate) fn streams(&self) -> impl Iterator<Item = &'a Stream> + use<'a> {
        let skipped = self.skipped;
        self.manifest.streams.iter().filter(move |stream| !skipped.contains(&stream.name))
    }

    pub(crate) fn harvested(&self) -> MutexGuard<'_, Harvest> {
        locked(&self.harvest)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Nobody looks when something is only recalled.
struct Unseen;

impl Progress for Unseen {
    fn stream(&self, _: &str, _: Option<u64>) {}
    fn advance(&self, _: &str, _: u64, _: u64) {}
    fn standing(&self, _: &crate::Standing) {}
}

/// Whether a stream can be asked for what was touched since a moment.
fn is_mover(stream: &Stream) -> bool {
    let is_filtered = stream.has_lower_bound() && stream.has_upper_bound();
    is_filtered && is_swept(stream) && stream.partition_router.is_empty()
}

/// Whether a stream's keys are noted by its sweeps.
fn is_swept(stream: &Stream) -> bool {
    use crate::manifest::Paginator::{NextLinkPagination, OffsetIncrement, PageIncrement};
    match &stream.paginator {
        PageIncrement { sweeps_max, .. }
        | OffsetIncrement { sweeps_max, .. }
        | NextLinkPagination { sweeps_max, .. } => *sweeps_max > 1,
        _ => false,
    }
}
