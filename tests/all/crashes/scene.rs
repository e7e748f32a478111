//! What is under way when the host dies: four scenarios, each prepared once for each worker and put back as
//! it was before every point. Put back in place, because a revision knows its folder from a copy of it.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::look::look_at_world;
use crate::desk::{CHANGES_NEED_TWO, Desk, SET_CONFIG, STOP_SERVICE};

/// Approvals end; a place that is older is made anew.
const FRESH: Duration = Duration::from_secs(15 * 60);

/// What the killed process was doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scenario {
    /// Applies three approved changes.
    Changes,
    /// Applies three approved effects of class `destroy`, with a checkpoint outside before each.
    Destroys,
    /// Makes up to three changes that nobody need approve, under a budget of four.
    Budget,
    /// Writes down the second of two signatures.
    Signs,
}

impl Scenario {
    pub(super) const ALL: [Self; 4] = [Self::Changes, Self::Destroys, Self::Budget, Self::Signs];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Changes => "changes",
            Self::Destroys => "destroys",
            Self::Budget => "budget",
            Self::Signs => "signs",
        }
    }

    /// How many effects were approved, or fit into the budget, however often anything is run.
    pub(super) const fn allowed(self) -> usize {
        if matches!(self, Self::Budget) { 4 } else { 3 }
    }
}

/// A deployment in which one scenario is about to happen.
pub(super) struct Place {
    pub(super) desk: Desk,
    pub(super) scenario: Scenario,
    /// The request that was asked for, and its digest; none where nobody is asked.
    pub(super) asked: Option<(String, String)>,
    before: BTreeMap<PathBuf, Vec<u8>>,
    /// The provider's counter of effects.
    begun: u64,
    made: Instant,
}

impl Place {
    pub(super) fn make(scenario: Scenario) -> Result<Self> {
        let desk = match scenario {
            Scenario::Destroys => Desk::counted("stop", STOP_SERVICE)?,
            _ => Desk::counted("configure", SET_CONFIG)?,
        };
        match scenario {
            Scenario::Destroys => {
                fs::create_dir(desk.deployment.path().join("outside"))?;
                desk.deployment
                    .configure("[cli]", "[journal]\npublish = [\"outside\"]\n\n[cli]")?;
            }
            Scenario::Budget => {
                let budget = "budget = { effects = 4, per = \"20h\" }\nresources = [";
                desk.deployment.configure("resources = [", budget)?;
            }
            Scenario::Changes | Scenario::Signs => desk.policy(CHANGES_NEED_TWO)?,
        }
        let asked = match scenario {
            Scenario::Budget => None,
            _ => Some(desk.ask()?),
        };
        if let Some(asked) = &asked {
            desk.approve(asked, "amira")?.exit(0)?;
            if scenario != Scenario::Signs {
                desk.approve(asked, "li")?.exit(0)?;
            }
        }
        let before = desk.deployment.files()?;
        if before.keys().any(|file| file.to_string_lossy().ends_with("-wal")) {
            bail!("a command has ended and left a write-ahead log");
        }
        let begun = look_at_world(desk.deployment.path())?.begun;
        Ok(Self { desk, scenario, asked, before, begun, made: Instant::now() })
    }

    pub(super) fn is_fresh(&self) -> bool {
        self.made.elapsed() < FRESH
    }

    pub(super) fn path(&self) -> &Path {
        self.desk.deployment.path()
    }

    /// What is run, and dies.
    pub(super) fn words(&self) -> Vec<String> {
        match (&self.asked, self.scenario) {
            (Some(asked), Scenario::Signs) => self.desk.signing(asked, "li"),
            _ => self.again(),
        }
    }

    /// What is run after that.
    pub(super) fn again(&self) -> Vec<String> {
        let more = self.asked.as_ref().map(|(id, _)| ["--request", id.as_str()]);
        let more = more.as_ref().map_or(&[][..], |more| &more[..]);
        self.desk.words(more).into_iter().map(str::to_owned).collect()
    }

    /// The provider's counter of effects before anything happened.
    pub(super) const fn begun_before(&self) -> u64 {
        self.begun
    }

    /// The bytes of a file before anything happened.
    pub(super) fn before(&self, file: &str) -> &[u8] {
        self.before.get(Path::new(file)).map_or(&[], Vec::as_slice)
    }

    /// Puts every file back, in the folders that are there.
    pub(super) fn restore(&self) -> Result<()> {
        let now = self.desk.deployment.files()?;
        for file in now.keys().filter(|file| !self.before.contains_key(*file)) {
            fs::remove_file(self.path().join(file))?;
        }
        for (file, bytes) in &self.before {
            if now.get(file) != Some(bytes) {
                let mut open = OpenOptions::new();
                open.write(true).create(true).truncate(true).mode(0o600);
                open.open(self.path().join(file))?.write_all(bytes)?;
            }
        }
        Ok(())
    }
}
