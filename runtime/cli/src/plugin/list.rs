//! `interlock plugin list`: what is installed, with its tools and grants.

use super::super::{
    Ending,
    output::{BOLD, DIM, Output, RED, plain, styled},
};
use interlock::{Config, host::read_plugin};
use interlock_authority::{Digest, Grant};
use serde::Serialize;
use std::path::{Path, PathBuf};

#[derive(Debug, Serialize)]
struct Line {
    name: String,
    digest: Digest,
    file: PathBuf,
    /// Whether the file still has the pinned digest.
    intact: bool,
    grants: Vec<Grant>,
    /// Host folders that it may read, and where it sees them.
    preopens: Vec<(PathBuf, String)>,
}

pub(super) async fn run(config: &Path, output: &Output) -> Ending {
    let config = Config::load(config)?;
    let lines: Vec<Line> = config
        .plugins
        .values()
        .map(|plugin| Line {
            name: plugin.name.clone(),
            digest: plugin.digest,
            file: plugin.file.clone(),
            intact: read_plugin(&plugin.file).is_ok_and(|bytes| bytes.digest() == plugin.digest),
            grants: plugin.grants.clone(),
            preopens: plugin.preopens.clone(),
        })
        .collect();
    let broken = lines.iter().any(|line| !line.intact);
    output.result(&lines, || text(&lines));
    Ok(if broken { 6 } else { 0 })
}

fn text(lines: &[Line]) -> String {
    if lines.is_empty() {
        return "No plugin is installed. Install one with `interlock plugin install FILE --name NAME`."
            .to_owned();
    }
    let mut out = String::new();
    for line in lines {
        let state = if line.intact {
            String::new()
        } else {
            format!("  {}", styled(RED, "missing, or not the bytes that were installed"))
        };
        out.push_str(&format!(
            "{}  sha256:{}{state}\n",
            styled(BOLD, format!("{:<24}", line.name)),
            line.digest.short()
        ));
        for (host, guest) in &line.preopens {
            let host = plain(&host.display().to_string());
            out.push_str(&format!("  reads the folder {host} as {}\n", plain(guest)));
        }
        if line.grants.is_empty() {
            out.push_str(&format!("  {}\n", styled(DIM, "no capability")));
        }
        for grant in &line.grants {
            let functions = match &grant.functions {
                None => "all functions".to_owned(),
                Some(names) if names.is_empty() => "no function".to_owned(),
                Some(names) => names.iter().cloned().collect::<Vec<_>>().join(", "),
            };
            let resources: Vec<String> = grant.resources.iter().map(ToString::to_string).collect();
            out.push_str(&format!(
                "  {:<44} {}  on {}\n",
                grant.interface.as_str(),
                plain(&functions),
                if resources.is_empty() { "nothing".to_owned() } else { resources.join(", ") }
            ));
        }
    }
    out
}
