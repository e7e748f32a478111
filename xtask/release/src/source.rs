//! What is built: which commit, whether it is that commit, and its moment, which stands for every time in a release.
//!
//! The mistake it stops: a release of what somebody had not committed.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The sources of a release.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// The commit; `None` where the sources are no checkout.
    pub(crate) commit: Option<String>,
    /// Whether tracked files differ from it.
    pub(crate) changed: bool,
    /// Seconds since 1970 (<https://reproducible-builds.org/specs/source-date-epoch/>).
    pub(crate) epoch: u64,
}

impl Source {
    /// Asks git, and `SOURCE_DATE_EPOCH` before it.
    pub(crate) fn of(root: &Path) -> Result<Self> {
        let commit = git(root, &["rev-parse", "--verify", "HEAD"]);
        let changed = git(root, &["status", "--porcelain", "--untracked-files=no"]);
        let set = std::env::var("SOURCE_DATE_EPOCH").ok();
        let epoch = set.or_else(|| git(root, &["log", "-1", "--format=%ct"]));
        let Some(epoch) = epoch else {
            bail!("this is no git checkout: say the moment of its sources in SOURCE_DATE_EPOCH");
        };
        let epoch = epoch.parse().with_context(|| format!("`{epoch}` is no SOURCE_DATE_EPOCH"))?;
        Ok(Self { changed: commit.is_some() && changed.as_deref() != Some(""), commit, epoch })
    }

    /// The moment as RFC 3339 in UTC.
    pub(crate) fn time(&self) -> Result<String> {
        let mut date = Command::new("date");
        date.args(["-u", "-d", &format!("@{}", self.epoch), "+%Y-%m-%dT%H:%M:%SZ"]);
        said(&mut date).context("`date -u -d @SECONDS` does not work here")
    }
}

/// What git says, where it says something and there is something to ask about.
pub(crate) fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    said(Command::new("git").current_dir(root).args(arguments))
}

/// What a program prints, where it succeeds.
pub(crate) fn said(command: &mut Command) -> Option<String> {
    let ran = command.output().ok().filter(|ran| ran.status.success())?;
    Some(String::from_utf8_lossy(&ran.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_the_formats_want_it() {
        let source = Source { commit: None, changed: false, epoch: 1_782_000_001 };
        assert_eq!(source.time().unwrap(), "2026-06-21T00:00:01Z");
    }
}
