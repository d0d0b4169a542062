//! What a load says while it runs, in the form that Prometheus reads. Counts that others made are
//! put into gauges and served; what they mean for the run is not decided here.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use kernel::{Code, Fault, Result, RunId};
use landing::session::Standing;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::print;

/// The form of the text, as OpenMetrics names it.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type ByPhase = Family<[(&'static str, String); 1], Gauge>;

/// What is known of a load. Cloning it is cheap.
#[derive(Clone)]
pub(crate) struct Gauges(Arc<Inner>);

struct Inner {
    run: String,
    last: Mutex<Standing>,
}

/// Stops serving when it is dropped.
pub(crate) struct Serving(JoinHandle<()>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Gauges {
    pub(crate) fn new(run: &RunId) -> Self {
        Self(Arc::new(Inner { run: run.to_string(), last: Mutex::default() }))
    }

    /// Takes over how far the load is.
    pub(crate) fn set(&self, standing: &Standing) {
        *self.0.last.lock().unwrap_or_else(PoisonError::into_inner) = standing.clone();
    }

    /// Serves `/metrics` until the result is dropped.
    ///
    /// # Errors
    /// `FixConfig` when the address cannot be listened on.
    pub(crate) async fn serve(&self, address: SocketAddr) -> Result<Serving> {
        let unusable = |error| {
            Fault::config(format!("{address} cannot be listened on"))
                .coded(Code::AddressInUse)
                .hint("--metrics takes another address; port 0 a free one")
                .because(error)
        };
        let listener = TcpListener::bind(address).await.map_err(unusable)?;
        let bound = listener.local_addr().map_err(unusable)?;
        print::talk(&format!("metrics at http://{bound}/metrics while it loads"));
        let gauges = self.clone();
        let page = move || {
            let text = gauges.text();
            async move { ([(CONTENT_TYPE, OPEN_METRICS)], text) }
        };
        let router = Router::new().route("/metrics", get(page));
        let serving = tokio::spawn(async move {
            // A load goes on without anybody who watches it.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Serving(serving))
    }

    /// The page.
    fn text(&self) -> String {
        let standing = self.0.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let run = [("run".into(), self.0.run.clone().into())].into_iter();
        let mut registry = Registry::with_prefix_and_labels("deskferry", run);
        by_phase(&mut registry, &standing);
        let single = [
            ("calls_last_minute", "Calls in the last minute", Some(standing.calls_last_minute)),
            (
                "bucket_used",
                "Calls in the target's bucket, as it says",
                standing.bucket.map(|(used, _)| u64::from(used)),
            ),
            (
                "bucket_limit",
                "Calls that fit the target's bucket, as it says",
                standing.bucket.map(|(_, limit)| u64::from(limit)),
            ),
        ];
        for (name, help, value) in single {
            if let Some(value) = value {
                registry.register(name, help, gauge(value));
            }
        }
        if let Some(finish_at) = standing.finish_at {
            let seconds = u64::try_from(finish_at.micros() / 1_000_000).unwrap_or_default();
            let help = "When the load will be finished at this rate";
            registry.register_with_unit("finish_timestamp", help, Unit::Seconds, gauge(seconds));
        }
        let errors = ByPhase::default();
        for (code, times) in &standing.errors {
            set(&errors, "code", code.name(), *times);
        }
        registry.register("errors", "Errors of this session, by their name", errors);
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &registry);
        text
    }
}

fn by_phase(registry: &mut Registry, standing: &Standing) {
    let [planned, settled, forecast, calls] = [(); 4].map(|()| ByPhase::default());
    for one in &standing.phases {
        for (family, value) in [
            (&planned, one.planned),
            (&settled, one.settled),
            (&forecast, one.forecast),
            (&calls, one.calls),
        ] {
            set(family, "phase", &one.phase, value);
        }
    }
    registry.register("records_planned", "Records that a phase is about", planned);
    registry.register("records_settled", "Records of these that are settled", settled);
    registry.register("calls_forecast", "Calls that a phase takes, as forecast", forecast);
    registry.register("calls_made", "Calls made, earlier sessions included", calls);
}

fn set(family: &ByPhase, label: &'static str, value: &str, count: u64) {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    family.get_or_create(&[(label, value.to_owned())]).set(count);
}

fn gauge(value: u64) -> Gauge {
    let gauge = Gauge::<i64>::default();
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
    gauge
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use kernel::Instant;
    use landing::session::PhaseStanding;

    use super::*;

    #[test]
    fn the_page_has_a_line_for_each_phase_and_each_error() {
        let gauges = Gauges::new(&RunId(3));
        let phase = PhaseStanding {
            phase: "tickets_create".into(),
            planned: 44,
            settled: 12,
            forecast: 44,
            calls: 13,
        };
        gauges.set(&Standing {
            phases: vec![phase],
            bucket: Some((7, 40)),
            finish_at: Some(Instant::from_millis(5_000)),
            errors: BTreeMap::from([(Code::Throttled, 2)]),
            ..Standing::default()
        });
        let text = gauges.text();
        for line in [
            "deskferry_records_settled{run=\"0003\",phase=\"tickets_create\"} 12",
            "deskferry_bucket_used{run=\"0003\"} 7",
            "deskferry_finish_timestamp_seconds{run=\"0003\"} 5",
            "deskferry_errors{run=\"0003\",code=\"DF2001\"} 2",
            "# EOF",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}
