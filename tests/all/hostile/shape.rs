//! Shapes of grants: with how much authority the same component is tried. Each grants more than the one before,
//! and none has an approver in it.
//!
//! The mistake it stops: a host that holds as long as nothing is granted.

/// What a component is installed with.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    grants: &'static [(&'static str, &'static str)],
    /// Effects of one plugin in a day, where they are counted.
    pub(crate) budget: Option<u64>,
    /// A folder that it sees, read-only.
    pub(crate) preopen: bool,
}

const OBSERVE: (&str, &str) = ("environment/observe", "environment/prod");
const REMEDIATE: (&str, &str) = ("environment/remediate", "environment/prod/service/worker");

pub(crate) const SHAPES: [Shape; 5] = [
    Shape { name: "none", what: "nothing", grants: &[], budget: None, preopen: false },
    Shape {
        name: "observe",
        what: "looking at one environment",
        grants: &[OBSERVE],
        budget: None,
        preopen: false,
    },
    Shape {
        name: "budget",
        what: "mending one service, once a day",
        grants: &[OBSERVE, REMEDIATE],
        budget: Some(1),
        preopen: false,
    },
    Shape {
        name: "remediate",
        what: "mending one service",
        grants: &[OBSERVE, REMEDIATE],
        budget: None,
        preopen: false,
    },
    Shape {
        name: "everything",
        what: "every function of every capability, each in its place, and nobody who approves",
        grants: &[
            OBSERVE,
            REMEDIATE,
            ("environment/teardown", "environment/prod"),
            ("files/read", "files/notes/granted"),
            ("files/write", "files/notes/granted"),
            ("files/remove", "files/notes"),
            ("http/fetch", "http/status/incidents"),
            ("http/send", "http/status/incidents"),
            ("http/remove", "http/status/incidents"),
            ("kv/read", "kv"),
            ("kv/write", "kv"),
            ("kv/remove", "kv"),
        ],
        budget: None,
        preopen: true,
    },
];

impl Shape {
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        SHAPES.iter().find(|shape| shape.name == name)
    }

    pub(crate) fn grants(&self, capability: &str) -> bool {
        self.grants.iter().any(|(name, _)| *name == capability)
    }

    /// The grants as they are typed.
    pub(crate) fn typed(&self) -> Vec<String> {
        self.grants.iter().map(|(name, at)| format!("interlock:{name}@0.1.0={at}")).collect()
    }

    /// The places where it may have effects: paths of the deployment that may change then.
    pub(crate) fn may_change(&self, path: &std::path::Path) -> bool {
        let within = |places: &[&str]| places.iter().any(|place| path.starts_with(place));
        (self.grants(REMEDIATE.0)
            && (within(&["environments/prod/services/worker"])
                || path == std::path::Path::new("environments/prod/state.json")))
            || (self.grants("files/write") && within(&["notes/granted"]))
    }
}
