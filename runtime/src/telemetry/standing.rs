//! How a deployment stands at the moment it is looked at: what waits for people, what nobody knows the end of,
//! what is stopped. Read from the journal's index: it is for alarms, and decides nothing.

use crate::{Host, HostError, record::space};
use prometheus_client::{metrics::gauge::Gauge, registry::Registry};

/// The most requests that are looked at.
const MOST: u64 = 1_000;

/// How a deployment stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether the journal can be read; where not, what is read from it is as it was.
    pub readable: bool,
    /// Entries of the journal.
    pub leaves: u64,
    /// Requests that wait for people.
    pub waiting: u64,
    /// How long the oldest of them has waited, in seconds.
    pub oldest_seconds: u64,
    /// Effects that were started and have no outcome, those that are under way included.
    pub open_effects: u64,
    /// Effects that are under way.
    pub under_way: u64,
    /// Whether effects are frozen.
    pub frozen: bool,
    /// Whether the rules of this host are not those that people sealed.
    pub seal_broken: bool,
    /// Whether the journal is not what was published outside, or that cannot be read.
    pub behind: bool,
    /// Installed plugins.
    pub plugins: u64,
}

impl Standing {
    /// Looks at a host.
    pub fn of(host: &Host) -> Self {
        let mut standing = Self {
            frozen: host.freeze().reason().is_some(),
            seal_broken: host.seal().broken().is_some(),
            under_way: host.effects_under_way() as u64,
            plugins: host.config().plugins.len() as u64,
            ..Self::default()
        };
        match standing.read(host) {
            Ok(()) => standing.readable = true,
            Err(error) => tracing::error!(%error, "the journal cannot be read"),
        }
        standing
    }

    fn read(&mut self, host: &Host) -> Result<(), HostError> {
        let (journal, refused) = (host.journal(), crate::record::refused);
        self.leaves = journal.store().size().map_err(refused)?;
        self.open_effects = journal.open_intents()?.len() as u64;
        // INVARIANT FAIL-CLOSED: a place that cannot be read stops elevated work like one that is ahead.
        self.behind = match journal.store().behind(journal.places()) {
            Ok(behind) => behind.is_some(),
            Err(error) => {
                tracing::error!(%error, "what was published cannot be compared");
                true
            }
        };
        let now = journal.now_ms();
        for (id, leaf) in journal.keys(space::REQUEST, MOST)? {
            let over = [space::CLAIM, space::DENIED, space::REVOKED, space::GRANT];
            let over =
                over.iter().any(|space| journal.find(space, &id).is_ok_and(|l| !l.is_empty()));
            let Some(told) = journal.told(leaf)?.filter(|_| !over) else { continue };
            let body = told.text("canonical").map(serde_json::from_str::<serde_json::Value>);
            let expires = body.and_then(Result::ok).and_then(|body| body.get("expires")?.as_u64());
            // Whatever cannot be read is not counted as waiting: nobody could approve it.
            if expires.is_some_and(|second| second.saturating_mul(1_000) > now) {
                self.waiting += 1;
                let waited = now.saturating_sub(told.time_ms) / 1_000;
                self.oldest_seconds = self.oldest_seconds.max(waited);
            }
        }
        Ok(())
    }
}

#[derive(Default)]
pub(super) struct Gauges {
    readable: Gauge,
    leaves: Gauge,
    waiting: Gauge,
    oldest: Gauge,
    open_effects: Gauge,
    under_way: Gauge,
    frozen: Gauge,
    seal_broken: Gauge,
    behind: Gauge,
    plugins: Gauge,
}

impl Gauges {
    pub(super) fn in_registry(registry: &mut Registry) -> Self {
        let all = Self::default();
        let mut put = |name: &str, help: &str, gauge: &Gauge| {
            registry.register(name, help, gauge.clone());
        };
        put("journal_readable", "0 where the journal cannot be read", &all.readable);
        put("journal_leaves", "Entries of the journal", &all.leaves);
        put("requests_waiting", "Requests that wait for people", &all.waiting);
        put("requests_oldest_seconds", "How long the oldest of them has waited", &all.oldest);
        put(
            "effects_open",
            "Effects that were started and have no outcome: where none is under way, a person must look",
            &all.open_effects,
        );
        put("effects_under_way", "Effects under way in this process", &all.under_way);
        put("frozen", "1 while all effects are stopped", &all.frozen);
        put(
            "seal_broken",
            "1 while the rules are not those that people sealed, and all effects are stopped",
            &all.seal_broken,
        );
        put(
            "journal_behind",
            "1 where the journal is not what was published outside, or that cannot be read: elevated work is refused",
            &all.behind,
        );
        put("plugins", "Installed plugins", &all.plugins);
        all
    }

    pub(super) fn set(&self, standing: &Standing) {
        let count = |gauge: &Gauge, value: u64| {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        };
        count(&self.readable, u64::from(standing.readable));
        if standing.readable {
            count(&self.leaves, standing.leaves);
            count(&self.waiting, standing.waiting);
            count(&self.oldest, standing.oldest_seconds);
            count(&self.open_effects, standing.open_effects);
            count(&self.behind, u64::from(standing.behind));
        }
        count(&self.under_way, standing.under_way);
        count(&self.frozen, u64::from(standing.frozen));
        count(&self.seal_broken, u64::from(standing.seal_broken));
        count(&self.plugins, standing.plugins);
    }
}
