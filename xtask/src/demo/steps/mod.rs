//! The story, as a list. A later chapter is an entry here and a file beside this one.

mod agent;
mod environment;
mod heal;
mod overreach;
mod people;
mod proof;
mod signing;
mod teardown;

use super::Step;

/// Who calls the tools in the story: an agent that `interlock init` configures.
const AGENT: &str = "Agent::oncall-bot";
/// The same, as `token create` takes it.
const TOKEN_OF: &str = "oncall-bot";
/// The sample environment.
const ENVIRONMENT: &str = "prod";
/// The service that breaks and is healed.
const SERVICE: &str = "api";

const OBSERVE: &str = "interlock:environment/observe@0.1.0=environment/prod";
const REMEDIATE: &str = "interlock:environment/remediate@0.1.0#restart-service,rollback-config\
                         =environment/prod/service/api";
const TEARDOWN: &str = "interlock:environment/teardown@0.1.0#recreate-environment=environment/prod";

/// In order; each part builds on the ones before it.
pub(super) const STORY: &[Step] = &[
    Step { title: "An environment worth protecting", run: environment::begin },
    Step { title: "A host, and an agent that has a token", run: agent::connect },
    Step { title: "A plugin for the small fix, with a grant no larger", run: heal::install },
    Step { title: "Something breaks", run: heal::break_it },
    Step { title: "An agent heals it, and nothing else", run: heal::heal },
    Step { title: "A plugin that reaches further is refused", run: overreach::refused },
    Step { title: "An agent that reaches further is refused", run: overreach::agent },
    Step { title: "Proof that none of it ran", run: overreach::nothing_ran },
    Step { title: "A plugin that rebuilds environments, planned", run: teardown::planned },
    Step { title: "People who may approve", run: signing::roster },
    Step { title: "Called: nothing happens, people are asked", run: people::asked },
    Step {
        title: "One signature is not enough, and none is the agent's",
        run: people::one_is_not_enough,
    },
    Step { title: "Two are, once", run: people::two_are },
    Step { title: "A world that moved", run: people::stale },
    Step { title: "Proof", run: proof::proof },
    Step { title: "The host ends", run: agent::leave },
    Step { title: "The end", run: environment::end },
];
