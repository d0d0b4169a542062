//! Progress on stderr: bars on a terminal, a line for each finished part elsewhere.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// One bar for each part of a stage.
pub(crate) struct Bars {
    all: MultiProgress,
    parts: Mutex<BTreeMap<String, ProgressBar>>,
    /// The line on calls and quota, and what it says.
    calls: ProgressBar,
    standing: Mutex<Option<extract::Standing>>,
    is_terminal: bool,
}

impl Bars {
    pub(crate) fn new() -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let all = MultiProgress::new();
        let calls = ProgressBar::hidden();
        let style = ProgressStyle::with_template("  {prefix:20} {msg}");
        calls.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        calls.set_prefix("calls");
        let (parts, standing) = (Mutex::default(), Mutex::default());
        Self { all, parts, calls, standing, is_terminal }
    }

    fn begin(&self, part: &str, total: Option<u64>) {
        let bar = match total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::new_spinner(),
        };
        let template = match total {
            Some(_) => "  {prefix:20} {bar:30} {pos}/{len} {msg} {elapsed} (eta {eta})",
            None => "  {prefix:20} {spinner} {pos} {msg} {elapsed}",
        };
        let style = ProgressStyle::with_template(template);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_prefix(part.to_owned());
        let bar = if self.is_terminal { self.all.add(bar) } else { bar };
        if self.is_terminal {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = parts.insert(part.to_owned(), bar) {
            last.finish();
        }
    }

    fn advance_by(&self, part: &str, by: u64) {
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bar) = parts.get(part) {
            bar.inc(by);
        }
    }

    /// The calls of the day and the forecast, as they stood last.
    pub(crate) fn standing(&self) -> Option<String> {
        let standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        standing.as_ref().map(|standing| format!("calls: {}", told(standing)))
    }

    /// Ends all bars and leaves them standing.
    pub(crate) fn finish(&self) {
        for bar in self.parts.lock().unwrap_or_else(PoisonError::into_inner).values() {
            bar.abandon();
        }
    }

    /// A spinner for work whose length nobody knows, for as long as the returned guard lives.
    pub(crate) fn spinner(text: &str) -> Spinner {
        let bar = ProgressBar::new_spinner();
        let style = ProgressStyle::with_template("  {spinner} {msg} {elapsed}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.set_message(text.to_owned());
        if std::io::stderr().is_terminal() {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Spinner(bar)
    }
}

/// A spinner that goes when it is dropped.
pub(crate) struct Spinner(ProgressBar);

impl Drop for Spinner {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// The calls of a quota day, and when the extraction will be finished.
fn told(standing: &extract::Standing) -> String {
    let of_day = match (standing.limit, standing.left()) {
        (Some(limit), Some(left)) => {
            format!("{} of {limit} used on {} UTC, {left} left", standing.used, standing.day)
        }
        _ => format!("{} made on {} UTC, no daily limit known", standing.used, standing.day),
    };
    let finish = standing.finish_at.filter(|_| standing.to_go > 0).map(|at| at.to_seconds_text());
    let forecast = finish.map(|at| format!("; about {} to go, done about {at}", standing.to_go));
    let waits =
        standing.waits_until.map(|until| format!("; waits until {}", until.to_seconds_text()));
    format!("{of_day}{}{}", forecast.unwrap_or_default(), waits.unwrap_or_default())
}

impl extract::Progress for Bars {
    fn standing(&self, standing: &extract::Standing) {
        let mut last = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let waits_anew = standing.waits_until.is_some()
            && last.as_ref().is_none_or(|last| last.waits_until != standing.waits_until);
        *last = Some(standing.clone());
        drop(last);
        if self.is_terminal {
            if self.calls.is_hidden() {
                self.all.insert(0, self.calls.clone());
            }
            self.calls.set_message(told(standing));
        } else if waits_anew {
            // Whoever reads a log wants to know why nothing happens for hours.
            crate::print::talk(&format!("calls: {}", told(standing)));
        }
    }

    fn stream(&self, stream: &str, total: Option<u64>) {
        self.begin(stream, total);
    }

    fn advance(&self, stream: &str, by: u64, _records: u64) {
        self.advance_by(stream, by);
    }
}

impl load::Progress for Bars {
    fn phase(&self, phase: &str, total: u64) {
        self.begin(phase, Some(total));
    }

    fn advance(&self, phase: &str, by: u64) {
        self.advance_by(phase, by);
    }
}
