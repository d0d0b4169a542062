//! How long the calls of a plan take, for each kind of credentials: the tables that `deskferry plan`
//! prints. It counts; it calls nobody.

use audit::PhaseRow;
use kernel::Result;
use kernel::bucket::Shape;

use super::bucket;
use super::plan::duration;
use super::target::{Allowance, allowance};
use crate::arguments::Format;
use crate::config::Side;
use crate::print;

/// Milliseconds of a day.
const DAY_MS: u64 = 86_400_000;
/// Days from which a forecast says what else could be done.
const LONG_DAYS: u64 = 7;

/// Calls by phase, and for a target that packs messages what they would be with either packing.
pub(super) fn print_calls(phases: &[PhaseRow], target: &Side, format: Format) -> Result<()> {
    let total = |pick: fn(&PhaseRow) -> u64| phases.iter().map(pick).sum::<u64>();
    let all = PhaseRow {
        phase: "all".to_owned(),
        calls: total(|row| row.calls),
        bytes: total(|row| row.bytes),
        auto_calls: total(|row| row.auto_calls),
        seed_calls: total(|row| row.seed_calls),
    };
    let mut header = vec!["phase", "calls", "bytes at most"];
    let packs = matches!(allowance(target)?, Allowance::Windows(_));
    if packs {
        header.extend(["packing auto", "packing seed"]);
    }
    let rows = phases.iter().chain([&all]).map(|row| {
        let mut numbers = vec![row.calls, row.bytes];
        if packs {
            numbers.extend([row.auto_calls, row.seed_calls]);
        }
        let numbers = numbers.iter().map(ToString::to_string);
        std::iter::once(row.phase.clone()).chain(numbers).collect()
    });
    print::rows(format, &header, &rows.collect::<Vec<_>>())
}

/// Time for each kind of credentials.
pub(super) fn print_times(phases: &[PhaseRow], target: &Side, format: Format) -> Result<()> {
    match allowance(target)? {
        Allowance::Windows(documented) => print_windows(phases, target, &documented, format),
        Allowance::Days { quotas, raised, creations } => {
            let days = Days { calls: sum(phases, |row| row.calls), creations };
            let conversations = phases.iter().find(|row| row.phase == "tickets_create");
            let conversations = conversations.map_or(0, |row| row.calls);
            days.print(target, &quotas, &raised, conversations, format)
        }
    }
}

fn sum(phases: &[PhaseRow], pick: fn(&PhaseRow) -> u64) -> u64 {
    phases.iter().map(pick).sum()
}

/// From the equation of the bucket.
fn print_windows(
    phases: &[PhaseRow],
    target: &Side,
    documented: &[(&'static str, Shape)],
    format: Format,
) -> Result<()> {
    let (auto, seed) = (sum(phases, |row| row.auto_calls), sum(phases, |row| row.seed_calls));
    let configured = bucket(target).map(|shape| ("as configured", shape));
    let shapes = configured.into_iter().chain(documented.iter().copied());
    let rows = shapes.map(|(credentials, shape)| {
        let rate = format!("{} in {} s", shape.calls, shape.window_ms / 1_000);
        let [auto, seed] = [auto, seed].map(|calls| duration(shape.last_leaves_after_ms(calls)));
        vec![credentials.to_owned(), rate, auto, seed]
    });
    let header = ["credentials", "calls", "packing auto", "packing seed"];
    print::rows(format, &header, &rows.collect::<Vec<_>>())
}

/// A plan whose calls are counted by the day.
struct Days {
    calls: u64,
    creations: Option<(String, Shape)>,
}

impl Days {
    fn print(
        &self,
        target: &Side,
        quotas: &[(&'static str, u64)],
        raised: &[u64],
        creating_calls: u64,
        format: Format,
    ) -> Result<()> {
        let configured = target.quota();
        let mut rows = Vec::new();
        for (credentials, quota) in configured
            .map(|quota| ("as configured", quota))
            .into_iter()
            .chain(quotas.iter().copied())
        {
            rows.push(self.row(credentials.to_owned(), quota));
        }
        let most = quotas.iter().map(|(_, quota)| *quota).chain(configured).max().unwrap_or(0);
        for quota in raised.iter().filter(|quota| **quota > most) {
            rows.push(self.row("a quota that was raised".to_owned(), *quota));
        }
        if let Some((plan, shape)) = &self.creations {
            // Each conversation takes two calls at least to be made.
            let ms = shape.last_leaves_after_ms(creating_calls / 2);
            rows.push(vec![
                format!("plan {plan}, no faster than"),
                format!("{} conversations in {} s", shape.calls, shape.window_ms / 1_000),
                long(ms),
            ]);
        }
        print::rows(format, &["credentials", "calls", "time"], &rows)?;
        if let Some(days) = configured.map(|quota| self.calls / quota.max(1))
            && days >= LONG_DAYS
        {
            print::talk(&format!(
                "with the quota as it is this takes {}: ask the vendor for a higher one before you \
                 begin",
                long(days * DAY_MS)
            ));
        }
        Ok(())
    }

    fn row(&self, credentials: String, quota: u64) -> Vec<String> {
        // What fits into one day waits for none.
        let days = self.calls.div_ceil(quota.max(1)).saturating_sub(1);
        let time = if days == 0 { "within a day".to_owned() } else { long(days * DAY_MS) };
        vec![credentials, format!("{quota} a day"), time]
    }
}

/// A time as people say it, weeks as weeks.
fn long(ms: u64) -> String {
    let days = ms.div_ceil(DAY_MS);
    let counted = |count: u64, unit: &str| match count {
        1 => format!("1 {unit}"),
        _ => format!("{count} {unit}s"),
    };
    match (days / 7, days % 7) {
        _ if ms < 2 * DAY_MS => duration(ms),
        (0 | 1, _) => counted(days, "day"),
        (weeks, 0) => counted(weeks, "week"),
        (weeks, days) => format!("{} {}", counted(weeks, "week"), counted(days, "day")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_are_said_as_weeks() {
        let said = [1, 3, 13, 14, 15, 190].map(|days| long(days * DAY_MS));
        assert_eq!(
            said,
            ["24 h 0 min", "3 days", "13 days", "2 weeks", "2 weeks 1 day", "27 weeks 1 day"]
        );
    }

    #[test]
    fn a_quota_is_waited_for_between_days_only() {
        let days = Days { calls: 12_000, creations: None };
        let time = |quota| days.row(String::new(), quota)[2].clone();
        assert_eq!(time(12_000), "within a day");
        assert_eq!(time(5_000), "2 days");
        assert_eq!(time(11_999), "24 h 0 min");
        assert_eq!(time(100), "17 weeks");
    }
}
