//! How large the sides of a join are thought to be, so that the smaller one is kept in memory.
//!
//! Keys are texts here, of which Parquet files count no distinct values, so the engine's own
//! estimate ends at the first join or takes it for a product. Models join records with their one
//! owner: no join has more rows than its larger side. It knows nothing of what tables mean.

use std::sync::Arc;

use datafusion::common::stats::Precision;
use datafusion::common::{JoinType, Result, Statistics};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec};
use datafusion::physical_plan::operator_statistics::{
    ExtendedStatistics, StatisticsProvider, StatisticsRegistry, StatisticsResult,
};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};

/// Bytes of a cell: only the number of columns tells a wide row from a narrow one.
const CELL_BYTES: usize = 16;

/// Estimates for the choice of the side that is kept in memory.
pub(crate) fn registry() -> StatisticsRegistry {
    StatisticsRegistry::with_providers(vec![Arc::new(JoinSizes)])
}

#[derive(Debug)]
struct JoinSizes;

impl StatisticsProvider for JoinSizes {
    fn compute_statistics(
        &self,
        plan: &dyn ExecutionPlan,
        children: &[ExtendedStatistics],
    ) -> Result<StatisticsResult> {
        let schema = plan.schema();
        let mut statistics = Statistics::new_unknown(&schema);
        if let Some(rows) = rows_at_most(plan, children)? {
            let bytes = rows.saturating_mul(schema.fields().len()).saturating_mul(CELL_BYTES);
            statistics.num_rows = Precision::Inexact(rows);
            statistics.total_byte_size = Precision::Inexact(bytes);
        }
        Ok(StatisticsResult::Computed(ExtendedStatistics::new(statistics)))
    }
}

/// Rows that come out at most, if each row of a join's one side meets at most one of the other;
/// filters and groups are thought to leave all of them.
fn rows_at_most(
    plan: &dyn ExecutionPlan,
    children: &[ExtendedStatistics],
) -> Result<Option<usize>> {
    if children.is_empty() {
        let found = StatisticsContext::new().compute(plan, &StatisticsArgs::new())?;
        return Ok(found.num_rows.get_value().copied());
    }
    let rows: Option<Vec<usize>> =
        children.iter().map(|child| child.base().num_rows.get_value().copied()).collect();
    let join = plan.downcast_ref::<HashJoinExec>().map(|join| *join.join_type());
    let join = join.or(plan.downcast_ref::<CrossJoinExec>().map(|_| JoinType::Inner));
    Ok(rows.map(|rows| match (join, &rows[..]) {
        (Some(kind), [left, right]) => match kind {
            JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => *left,
            JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => *right,
            _ => *left.max(right),
        },
        _ => rows.iter().sum(),
    }))
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
    use datafusion::arrow::util::pretty::pretty_format_batches;
    use landing::Warehouse;

    use super::*;
    use crate::session::Session;

    async fn session() -> Session {
        let session = Session::open(&Warehouse::open("memory://").expect("opens"));
        let session = session.expect("opens");
        for (name, rows) in [("large", 200_000_i64), ("medium", 20_000), ("small", 10_000)] {
            let keys: ArrayRef =
                Arc::new((0..rows).map(|row| Some(row.to_string())).collect::<StringArray>());
            let values: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
            let table = RecordBatch::try_from_iter([("key", keys), ("value", values)]);
            session.context.register_batch(name, table.expect("a table")).expect("is known");
        }
        session
    }

    #[tokio::test]
    async fn the_smaller_side_of_each_join_is_kept_in_memory_wherever_it_stands() {
        let session = session().await;
        let sql = "explain select large.key, medium.value, grouped.most
            from large
            left join medium on large.key = medium.key
            left join (select key, max(value) as most from small group by key) as grouped
                on medium.key = grouped.key
            left anti join (select key from small where value < 0) as gone on large.key = gone.key";
        let session = session.keeping_smaller_sides();
        let plan = session.context.sql(sql).await.expect("plans").collect().await.expect("runs");
        let shown = pretty_format_batches(&plan).expect("can be shown").to_string();
        let joins: Vec<&str> = shown.lines().filter(|line| line.contains("HashJoinExec")).collect();
        assert_eq!(joins.len(), 3, "{shown}");
        for join in joins {
            assert!(join.contains("join_type=Right"), "{join}");
        }
    }
}
