//! The memory that queries may take: one room for what can go to disk, one for what cannot.
//!
//! In one room for both, sorts that have taken their full share leave nothing for the merge of what
//! they have sorted, and the query fails for a few kilobytes. A merge takes all that it is given,
//! to read more runs at a time, so each has a limit of its own. It knows nothing of queries.

use std::fmt::{Display, Formatter};

use datafusion::common::{Result, resources_err};
use datafusion::execution::memory_pool::{
    FairSpillPool, GreedyMemoryPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};

/// How DataFusion names whoever merges the runs of a sort.
const MERGE: &str = "ExternalSorterMerge";

/// Both rooms.
#[derive(Debug)]
pub(crate) struct Memory {
    spilling: FairSpillPool,
    staying: GreedyMemoryPool,
    spilling_bytes: usize,
    staying_bytes: usize,
    merge_bytes: usize,
}

impl Memory {
    /// Rooms of these sizes, in bytes: for sorts and groups, which go to disk when theirs is full,
    /// and for joins and merges, which fail; a single merge takes `merge_bytes` of it at most.
    pub(crate) fn new(spilling_bytes: usize, staying_bytes: usize, merge_bytes: usize) -> Self {
        Self {
            spilling: FairSpillPool::new(spilling_bytes),
            staying: GreedyMemoryPool::new(staying_bytes),
            spilling_bytes,
            staying_bytes,
            merge_bytes,
        }
    }

    /// Empty rooms, in which sorts and merges take half as much.
    pub(crate) fn with_smaller_sorts(&self) -> Self {
        Self::new(self.spilling_bytes / 2, self.staying_bytes, self.merge_bytes / 2)
    }

    fn room_of(&self, consumer: &MemoryConsumer) -> &dyn MemoryPool {
        if consumer.can_spill() { &self.spilling } else { &self.staying }
    }
}

impl Display for Memory {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} and {}", self.spilling, self.staying)
    }
}

impl MemoryPool for Memory {
    fn name(&self) -> &str {
        "two rooms"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.room_of(consumer).register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.room_of(consumer).unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.room_of(reservation.consumer()).grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.room_of(reservation.consumer()).shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let consumer = reservation.consumer();
        if consumer.name().starts_with(MERGE) && reservation.size() + additional > self.merge_bytes
        {
            return resources_err!("one merge may take {} bytes", self.merge_bytes);
        }
        self.room_of(consumer).try_grow(reservation, additional)
    }

    fn reserved(&self) -> usize {
        self.spilling.reserved() + self.staying.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.spilling_bytes + self.staying_bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn what_can_spill_takes_nothing_from_what_cannot() {
        let memory: Arc<dyn MemoryPool> = Arc::new(Memory::new(100, 50, 50));
        let sort = MemoryConsumer::new("sort").with_can_spill(true).register(&memory);
        let merge = MemoryConsumer::new("merge").register(&memory);
        assert!(sort.try_grow(100).is_ok() && sort.try_grow(1).is_err());
        assert!(merge.try_grow(50).is_ok() && merge.try_grow(1).is_err());
        assert_eq!(memory.reserved(), 150);
        sort.shrink(60);
        assert!(merge.try_grow(1).is_err() && sort.try_grow(60).is_ok());
        drop((sort, merge));
        assert_eq!(memory.reserved(), 0);
    }

    #[test]
    fn one_merge_leaves_room_for_another_and_for_joins() {
        let memory: Arc<dyn MemoryPool> = Arc::new(Memory::new(100, 50, 20));
        let merge = |of| MemoryConsumer::new(format!("{MERGE}[{of}]")).register(&memory);
        let (one, other) = (merge(0), merge(1));
        assert!(one.try_grow(20).is_ok() && one.try_grow(1).is_err());
        assert!(other.try_grow(20).is_ok() && other.try_grow(1).is_err());
        let join = MemoryConsumer::new("join").register(&memory);
        assert!(join.try_grow(10).is_ok() && join.try_grow(1).is_err());
    }
}
