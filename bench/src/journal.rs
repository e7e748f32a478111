//! The journal as it grows: what a leaf costs to append, and a proof that it is there, from 1,000 leaves to a million.
//! The disk is left out of the appending: what is asked is whether it costs more in a large log.

use crate::{
    Run,
    row::{Bound, Row, Unit},
    stats::{Times, timed},
};
use anyhow::{Context, Result, ensure};
use interlock::{
    journal::LogSigner,
    store::{Batch, Clock, Durability, Entry, Mark, Store},
};
use std::sync::Arc;

const WHAT: &str = "journal of 1,000,000 leaves";
/// Leaves of one transaction while it is filled.
const FILL: u64 = 1000;

/// One leaf in so many is about a request.
const REQUESTS: u64 = 100;
/// Leaves of one request.
const OF_A_REQUEST: u64 = 4;

/// The request that a leaf is about, where it is about one.
fn request(number: u64) -> String {
    format!("{:016x}", number / (REQUESTS * OF_A_REQUEST))
}

fn entry(number: u64) -> Entry {
    let mark = |space: &str, key| Mark { space: space.into(), key, once: false };
    let mut marks = vec![mark("invocation", format!("{:016x}", number / 4))];
    if number.is_multiple_of(REQUESTS) {
        marks.push(mark("about", request(number)));
    }
    Entry { kind: "bench".into(), marks, charges: Vec::new(), payload: vec![b'x'; 300] }
}

/// One step of the growth.
pub(crate) struct Point {
    pub(crate) leaves: u64,
    /// A leaf in a transaction of its own.
    pub(crate) append: Times,
    pub(crate) proof: Times,
    /// All leaves with a name, each asked after one more leaf was written.
    pub(crate) asked: Times,
    /// The first such question, which reads what was written since the step before, µs for each of those leaves.
    pub(crate) reading: f64,
}

pub(crate) fn points(run: &Run) -> Result<Vec<Point>> {
    let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(&run.root)?;
    let clock: Clock = Arc::new(|| 1);
    let signer = LogSigner::from_seed("interlock/bench", &[7; 32])?;
    let store = Store::open(&folder.path().join("journal.db"), signer, Durability::Off, clock)?;
    let sizes: &[u64] = if run.smoke { &[1_000] } else { &[1_000, 10_000, 100_000, 1_000_000] };
    let (mut leaves, mut read, mut points) = (0u64, 0u64, Vec::new());
    for size in sizes {
        while leaves < *size {
            let more = FILL.min(size - leaves);
            let entries = (leaves..leaves + more).map(entry).collect();
            store.commit_blocking(Batch { entries, ..Batch::default() })?;
            leaves += more;
        }
        let about = |leaf: u64| {
            let found = store.proven("about", &request(leaf), 0)?;
            ensure!(!found.is_empty(), "nothing is about the request of leaf {leaf}");
            Ok(())
        };
        let reading = timed(|| about(0))? / 1e3 / (leaves - read) as f64;
        read = leaves;
        let mut append = Vec::new();
        let mut proof = Vec::new();
        let mut asked = Vec::new();
        for turn in 0..(if run.smoke { 20 } else { 400 }) {
            let batch = Batch { entries: vec![entry(leaves)], ..Batch::default() };
            append.push(timed(|| Ok(store.commit_blocking(batch)?))?);
            leaves += 1;
            // Spread over the whole log, without a pattern that pages could follow.
            let wanted = (turn * 2_654_435_761) % size;
            proof.push(timed(|| {
                let proven =
                    store.prove(u64::MAX, &[wanted], |_| false)?.context("nothing is proven")?;
                ensure!(!proven.leaves.is_empty(), "no leaf in the proof");
                Ok(())
            })?);
            asked.push(timed(|| about(wanted))?);
        }
        points.push(Point {
            leaves: *size,
            append: Times::of(append),
            proof: Times::of(proof),
            asked: Times::of(asked),
            reading,
        });
    }
    Ok(points)
}

pub(crate) fn rows(run: &Run, points: &[Point]) -> Result<Vec<Row>> {
    let (first, last) = (points.first().context("no point")?, points.last().context("no point")?);
    let each = |pick: fn(&Point) -> f64| {
        let all = points.iter().map(|p| format!("{} leaves {:.0} µs", p.leaves, pick(p)));
        all.collect::<Vec<_>>().join(", ")
    };
    let append = Row::new("journal-append", WHAT, Unit::Micros, Bound::Ratio(1.25));
    let proof = Row::new("journal-proof", WHAT, Unit::Micros, Bound::AtMost(1000.0));
    let asked = Row::new("journal-asked", WHAT, Unit::Micros, Bound::Told);
    if run.smoke {
        let why = "a smoke test";
        return Ok([append, proof, asked].map(|row| row.not_measured(why)).into());
    }
    Ok(vec![
        append.times(&last.append).floor("the same at 1,000 leaves", first.append.p50_us()).note(
            format!("one leaf in a transaction, without the disk: {}", each(|p| p.append.p50_us())),
        ),
        proof.times(&last.proof).note(format!(
            "an inclusion proof against the signed head, verified: {}",
            each(|p| p.proof.p50_us())
        )),
        asked.times(&last.asked).note(format!(
            "all leaves of a request, proven, with one more leaf since the question before: {}; the first question of a \
             process takes {:.1} µs for each leaf since the request",
            each(|p| p.asked.p50_us()),
            last.reading
        )),
    ])
}
