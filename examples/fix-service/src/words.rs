//! Facts about a service, in words that an agent or a person can act on.

use interlock_guest::environment::ServiceStatus;

/// What is wrong with the service, or that nothing is.
pub(crate) fn problem(status: &ServiceStatus) -> String {
    let ServiceStatus { environment, service, wanted, config_version, .. } = status;
    let who = format!("`{service}` in `{environment}`");
    if status.healthy {
        return format!("{who} is healthy under configuration version {config_version}");
    }
    let running = status.replicas.iter().filter(|replica| replica.pid.is_some()).count();
    let mut sentence = format!(
        "{who} is unhealthy under configuration version {config_version}: {running} of {wanted} \
         replicas run"
    );
    for replica in &status.replicas {
        sentence.push_str(&format!("; replica {} ", replica.index));
        match (replica.pid, replica.last_exit) {
            (Some(_), _) => sentence.push_str(&format!("is {}", replica.health)),
            (None, Some(exit)) => sentence.push_str(&format!("ended with {exit}")),
            (None, None) => sentence.push_str("does not run"),
        }
        if !replica.detail.is_empty() {
            sentence.push_str(&format!(" ({})", replica.detail));
        }
    }
    sentence
}

/// What `heal` would do, in order.
pub(crate) fn proposal(status: &ServiceStatus) -> Vec<String> {
    let rollback = status.last_healthy_version.map(|good| {
        format!("roll the configuration back from version {} to {good}", status.config_version)
    });
    rollback.into_iter().chain(["restart the service".to_owned()]).collect()
}

/// The lines that two configurations do not share: `- was` and `+ is`.
pub(crate) fn difference(before: &str, now: &str) -> Vec<String> {
    let gone = before.lines().filter(|line| !now.lines().any(|other| other == *line));
    let new = now.lines().filter(|line| !before.lines().any(|other| other == *line));
    gone.map(|line| format!("- {line}")).chain(new.map(|line| format!("+ {line}"))).collect()
}
