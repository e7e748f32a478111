//! What an operator watches of a host: numbers for a monitoring system, and a line in the log for each call
//! and effect. It stops an outage from being found by its users, and a monitoring system from becoming a way
//! out for secrets: no argument, result, token or word of an agent is in a number, only names that the
//! operator configured and codes of ours; a line of the log names the resource of an effect, and no more.

mod labels;
mod process;
mod standing;
mod timed;

pub use standing::Standing;
pub(crate) use timed::Timed;

use crate::{HostError, Response, pipeline::Call};
use labels::{
    CallLabels, CodeLabels, EffectLabels, LoadLabels, ResponseLabels, ToolLabels, VersionLabels,
};
use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};
use tracing::Instrument;

/// Seconds, from a call without effects to one at its deadline.
const BUCKETS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];

/// What is counted, of one process. Clones count together, so that a host that takes the place of another goes
/// on where that one was.
#[derive(Clone, Default)]
pub struct Telemetry(Arc<Counted>);

struct Counted {
    registry: Mutex<Registry>,
    calls: Family<CallLabels, Counter>,
    seconds: Family<ToolLabels, Histogram>,
    running: Gauge,
    undecided: Family<CodeLabels, Counter>,
    effects: Family<EffectLabels, Counter>,
    denied: Family<EffectLabels, Counter>,
    writes: Histogram,
    lost_writes: Counter,
    responses: Family<ResponseLabels, Counter>,
    connections: Gauge,
    loads: Family<LoadLabels, Counter>,
    lost_lines: Gauge,
    unused: Gauge,
    standing: standing::Gauges,
    process: process::Gauges,
}

impl Default for Counted {
    fn default() -> Self {
        let mut root = Registry::default();
        let registry = root.sub_registry_with_prefix("interlock");
        let histogram = || Histogram::new(BUCKETS);
        let all = Self {
            calls: Family::default(),
            seconds: Family::new_with_constructor(histogram),
            running: Gauge::default(),
            undecided: Family::default(),
            effects: Family::default(),
            denied: Family::default(),
            writes: histogram(),
            lost_writes: Counter::default(),
            responses: Family::default(),
            connections: Gauge::default(),
            loads: Family::default(),
            lost_lines: Gauge::default(),
            unused: Gauge::default(),
            standing: standing::Gauges::in_registry(registry),
            process: process::Gauges::default(),
            registry: Mutex::default(),
        };
        let version: Family<VersionLabels, Gauge> = Family::default();
        version.get_or_create(&VersionLabels { version: env!("CARGO_PKG_VERSION") }).set(1);
        registry.register("build", "The version of the host", version);
        registry.register("calls", "Calls of tools that ended, by how", all.calls.clone());
        registry.register_with_unit(
            "call_duration",
            "How long a call took, waiting for people not included",
            Unit::Seconds,
            all.seconds.clone(),
        );
        registry.register("calls_running", "Calls under way", all.running.clone());
        registry.register(
            "calls_undecided",
            "Calls that could not even be decided",
            all.undecided.clone(),
        );
        registry.register("effects", "Effects that were started, by how", all.effects.clone());
        registry.register("denied", "Capability calls that were denied", all.denied.clone());
        registry.register_with_unit(
            "journal_write_duration",
            "How long an entry took to be on disk",
            Unit::Seconds,
            all.writes.clone(),
        );
        registry.register(
            "journal_write_failures",
            "Entries that could not be written; what they announced did not happen",
            all.lost_writes.clone(),
        );
        registry.register(
            "http_responses",
            "Answers of the agents' listener",
            all.responses.clone(),
        );
        registry.register("http_connections", "Open connections", all.connections.clone());
        registry.register(
            "configuration_loads",
            "Changed configurations, and whether they are used",
            all.loads.clone(),
        );
        registry.register(
            "configuration_unused",
            "1 while the configuration on disk means nothing and the one before is used",
            all.unused.clone(),
        );
        registry.register(
            "log_lines_lost",
            "Lines of the log that nobody took in time",
            all.lost_lines.clone(),
        );
        // Without our prefix: what every process is watched by has names of its own.
        all.process.register(&mut root);
        *all.registry.lock().unwrap_or_else(PoisonError::into_inner) = root;
        all
    }
}

/// Counts one call, or one connection, for as long as it lives.
pub struct UnderWay(Gauge);

impl UnderWay {
    fn of(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Telemetry {
    /// Follows a call to its end.
    pub(crate) async fn call(
        &self,
        call: &Call<'_>,
        work: impl Future<Output = Result<Response, HostError>>,
    ) -> Result<Response, HostError> {
        let request = call.request;
        let span = tracing::info_span!(
            "call",
            invocation = %call.invocation,
            principal = %request.principal,
            tool = %format_args!("{}.{}", request.plugin, request.tool),
        );
        let (started, under_way) = (Instant::now(), UnderWay::of(&self.0.running));
        let answer = work.instrument(span.clone()).await;
        drop(under_way);
        let took = started.elapsed();
        let code = match &answer {
            Ok(response) => response.outcome.code(),
            Err(error) => error.code(),
        };
        let tool = ToolLabels { plugin: request.plugin.clone(), tool: request.tool.clone() };
        self.0.seconds.get_or_create(&tool).observe(took.as_secs_f64());
        let labels = CallLabels {
            principal: labels::principal(&request.principal),
            plugin: tool.plugin,
            tool: tool.tool,
            outcome: code.to_owned(),
        };
        self.0.calls.get_or_create(&labels).inc();
        let mut effects = 0;
        if let Ok(response) = &answer {
            effects = response.happened.len();
            self.happened(response);
        }
        span.in_scope(|| {
            let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            match &answer {
                Ok(_) => tracing::info!(outcome = code, effects, ms, "call ended"),
                Err(error) => tracing::error!(outcome = code, ms, %error, "call failed"),
            }
        });
        answer
    }

    /// A call of which not even a decision could be written.
    pub(crate) fn undecided(&self, error: &HostError) {
        // Whoever asks for what is not there has made a mistake of its own.
        if !matches!(error, HostError::NoPlugin { .. } | HostError::NoTool { .. }) {
            self.0.undecided.get_or_create(&CodeLabels { code: error.code() }).inc();
        }
    }

    fn happened(&self, response: &Response) {
        for effect in &response.happened {
            let labels = EffectLabels {
                interface: effect.interface.to_string(),
                function: effect.function.clone(),
                status: effect.status.as_str().to_owned(),
            };
            self.0.effects.get_or_create(&labels).inc();
        }
        for denied in &response.denied {
            let labels = EffectLabels {
                interface: denied.interface.to_string(),
                function: denied.function.clone(),
                status: denied.code.clone(),
            };
            self.0.denied.get_or_create(&labels).inc_by(denied.count);
        }
    }

    /// An answer of the agents' listener.
    pub fn answered(&self, route: &'static str, status: u16) {
        self.0.responses.get_or_create(&ResponseLabels { route, status }).inc();
    }

    /// A connection of the agents' listener, while it lives.
    pub fn connection(&self) -> UnderWay {
        UnderWay::of(&self.0.connections)
    }

    /// A changed configuration, and whether it is used.
    pub(crate) fn loaded(&self, used: bool) {
        let result = if used { "used" } else { "refused" };
        self.0.loads.get_or_create(&LoadLabels { result }).inc();
        self.0.unused.set(i64::from(!used));
    }

    /// The configuration on disk is the one that is used, whatever was there meanwhile.
    pub(crate) fn same(&self) {
        self.0.unused.set(0);
    }

    /// How many lines of the log were lost so far.
    pub fn lost_lines(&self, count: u64) {
        self.0.lost_lines.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// All numbers, as OpenMetrics 1.0 text.
    ///
    /// # Errors
    /// Never in practice: text is written to memory.
    pub fn text(&self, standing: &Standing) -> Result<String, std::fmt::Error> {
        self.0.standing.set(standing);
        self.0.process.look();
        let mut text = String::new();
        let registry = self.0.registry.lock().unwrap_or_else(PoisonError::into_inner);
        prometheus_client::encoding::text::encode(&mut text, &registry)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_guide_names_every_number_and_no_other() {
        let telemetry = Telemetry::default();
        let all = &telemetry.0;
        let name = || "x".to_owned();
        let tool = ToolLabels { plugin: name(), tool: name() };
        all.seconds.get_or_create(&tool).observe(1.0);
        let call = CallLabels { principal: name(), plugin: name(), tool: name(), outcome: name() };
        all.calls.get_or_create(&call).inc();
        let effect = EffectLabels { interface: name(), function: name(), status: name() };
        all.effects.get_or_create(&effect).inc();
        all.denied.get_or_create(&effect).inc();
        all.undecided.get_or_create(&CodeLabels { code: "x" }).inc();
        telemetry.answered("/mcp", 200);
        telemetry.loaded(true);
        let text = telemetry.text(&Standing::default()).unwrap();
        let name = |line: &'_ str| line.split(' ').next().unwrap_or_default().to_owned();
        let there: BTreeSet<String> =
            text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).map(name).collect();
        let guide = include_str!("../../../docs/guides/deploy.md");
        let rows = guide.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        let numbers = |name: &&str| name.starts_with("interlock_") || name.starts_with("process_");
        let named: BTreeSet<String> = rows.filter(numbers).map(str::to_owned).collect();
        assert_eq!(there, named);
        // What nobody could read is said to be so, and not to be nothing.
        assert!(text.contains("interlock_journal_readable 0"), "{text}");
        assert!(text.ends_with("# EOF\n"));
    }
}
