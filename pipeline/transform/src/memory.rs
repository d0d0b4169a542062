//! The memory that queries may take: one room for what can go to disk, one for what cannot.
//!
//! In one room for both, sorts that have taken their full share leave nothing for the merge of what
//! they have sorted, and the query fails for a few kilobytes. It knows nothing of queries.

use std::fmt::{Display, Formatter};

use datafusion::common::Result;
use datafusion::execution::memory_pool::{
    FairSpillPool, GreedyMemoryPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};

/// Both rooms.
#[derive(Debug)]
pub(crate) struct Memory {
    spilling: FairSpillPool,
    staying: GreedyMemoryPool,
    bytes: usize,
}

impl Memory {
    /// Rooms of these sizes, in bytes: for sorts and groups, which go to disk when theirs is full,
    /// and for joins and merges, which fail.
    pub(crate) fn new(spilling_bytes: usize, staying_bytes: usize) -> Self {
        Self {
            spilling: FairSpillPool::new(spilling_bytes),
            staying: GreedyMemoryPool::new(staying_bytes),
            bytes: spilling_bytes + staying_bytes,
        }
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
        self.room_of(reservation.consumer()).try_grow(reservation, additional)
    }

    fn reserved(&self) -> usize {
        self.spilling.reserved() + self.staying.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn what_can_spill_takes_nothing_from_what_cannot() {
        let memory: Arc<dyn MemoryPool> = Arc::new(Memory::new(100, 50));
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
}
