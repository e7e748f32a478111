//! Random sequences of what may happen to a deployment, done to a real host on a real store and to a small reference
//! beside it: after each step both say the same, and at the end the journal has exactly what the reference counted.
//! A sequence in which they differ is made shorter until nothing can be left out of it.
//!
//! `cargo xtask model` runs 10,000 of them; every run of the tests has 100. The mistake it stops: a rule that holds
//! in each test that somebody thought of, and not in the order of events that nobody did.

mod capability;
mod op;
mod plugins;
mod reference;
mod world;

use self::{
    op::{Op, Rules, sequence},
    reference::Reference,
    world::{BEGIN, Deployment},
};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use std::{
    cell::RefCell,
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Instant,
};

/// Kinds of leaves of which the reference counts each.
const COUNTED: [&str; 7] =
    ["request", "approval", "denial", "revocation", "claim", "intent", "outcome"];

/// How often something was told, over all sequences: what was never told was never tried.
type Met = BTreeMap<String, u64>;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().unwrap())
}

/// One sequence on both.
async fn follow(rules: Rules, ops: &[Op], met: &mut Met) -> Result<(), String> {
    let mut real = Deployment::new(rules).await;
    let mut reference = Reference::new(rules, BEGIN);
    for (at, op) in ops.iter().enumerate() {
        let (expected, found) = (reference.step(*op), real.step(*op).await);
        for word in found.split(" | ").filter(|word| !word.is_empty()) {
            let word = word.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end();
            *met.entry(word.to_owned()).or_default() += 1;
        }
        let differ = |what: &str, expected: &dyn std::fmt::Debug, found: &dyn std::fmt::Debug| {
            Err(format!("step {} ({op:?}): {what} {expected:?} ought to be, {found:?} is", at + 1))
        };
        if expected != found {
            return differ("what is told:", &expected, &found);
        }
        if reference.performed != real.world.performed() {
            return differ("effects:", &reference.performed, &real.world.performed());
        }
        let states = real.states();
        if reference.states() != states {
            return differ("states:", &reference.states(), &states);
        }
    }
    let told = real.told();
    for kind in COUNTED {
        let of = |all: Option<&u64>| all.copied().unwrap_or_default();
        let (expected, found) = (of(reference.told.get(kind)), of(told.get(kind)));
        if expected != found {
            return Err(format!("the journal has {found} leaves `{kind}`, {expected} ought to be"));
        }
    }
    let unknown = real.journal().open_intents().map_err(|e| e.to_string())?.len() as u64;
    // Effects that were started, and of which nobody wrote down the end.
    let count = |kind| reference.told.get(kind).copied().unwrap_or_default();
    let expected = count("intent") - count("outcome");
    if unknown != expected {
        return Err(format!("{unknown} effects have no end, {expected} ought to be"));
    }
    real.receipt().await;
    Ok(())
}

/// What one worker did.
#[derive(Default)]
struct Done {
    sequences: u64,
    steps: u64,
    met: Met,
    /// The first difference, with the shortest sequence that has it.
    differs: Option<String>,
}

/// So many sequences, one after the other.
fn work(sequences: u64, seed: u64, worker: u64) -> Done {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let config = Config {
        cases: u32::try_from(sequences).unwrap(),
        failure_persistence: None,
        max_shrink_iters: 4096,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&[seed.to_le_bytes(), worker.to_le_bytes()].concat());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let (begin, done) = (Instant::now(), RefCell::new(Done::default()));
    let result = TestRunner::new_with_rng(config, rng).run(&sequence(), |(rules, ops)| {
        let mut done = done.borrow_mut();
        let follow = || runtime.block_on(follow(rules, &ops, &mut done.met));
        // What a check in the world found is a difference too, and made shorter.
        let followed = catch_unwind(AssertUnwindSafe(follow))
            .unwrap_or_else(|_| Err("a check failed; its words are above".to_owned()));
        followed.map_err(TestCaseError::fail)?;
        done.sequences += 1;
        done.steps += ops.len() as u64;
        if done.sequences.is_multiple_of(500) {
            println!(
                "{worker}: {} sequences, {:.0} s",
                done.sequences,
                begin.elapsed().as_secs_f64()
            );
        }
        Ok(())
    });
    let mut done = done.into_inner();
    if let Err(error) = result {
        done.differs = Some(match error {
            TestError::Fail(why, (rules, ops)) => {
                let lines: String = ops.iter().map(|op| format!("\n  {op:?}")).collect();
                format!("{why}\n  {rules:?}{lines}\n({} steps, seed {seed})", ops.len())
            }
            other => other.to_string(),
        });
    }
    done
}

#[test]
fn at_most_once_and_every_other_rule_hold_in_random_sequences_as_in_the_reference() {
    let sequences = number("INTERLOCK_MODEL_SEQUENCES", 100);
    let seed = number("INTERLOCK_MODEL_SEED", 1);
    // A campaign takes the machine; among other tests one core is enough.
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let workers = if sequences < 1000 { 1 } else { cores };
    let begin = Instant::now();
    let done: Vec<Done> = std::thread::scope(|scope| {
        let each = |worker| {
            let more = u64::from(worker < sequences % workers);
            scope.spawn(move || work(sequences / workers + more, seed, worker))
        };
        let all: Vec<_> = (0..workers).map(each).collect();
        all.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    world::tidy();
    let mut all = Done::default();
    for done in done {
        all.sequences += done.sequences;
        all.steps += done.steps;
        done.met.into_iter().for_each(|(word, times)| *all.met.entry(word).or_default() += times);
        all.differs = all.differs.or(done.differs);
    }
    let Done { sequences, steps, met, differs } = all;
    let took = begin.elapsed().as_secs_f64();
    if let Some(differs) = differs {
        panic!("after {sequences} sequences and {took:.0} s: {differs}");
    }
    println!("{sequences} sequences, {steps} steps, {took:.0} s, seed {seed}: no difference");
    met.iter().for_each(|(word, times)| println!("  {times:7} {word}"));
}
