//! The rule over stories of a few entries: each line of them is what a journal would tell.

use super::{Entry, KINDS, Seen, Stays};
use crate::record::space;
use interlock_store::Mark;

/// The moment before which things are old, and one before and after it.
const BEFORE: u64 = 1_000;
const OLD: u64 = 500;
const YOUNG: u64 = 1_500;

/// A journal as it is told.
#[derive(Default)]
struct Story(Vec<Line>);

struct Line {
    time_ms: u64,
    kind: &'static str,
    marks: Vec<Mark>,
    there: bool,
    until_ms: Option<u64>,
}

fn mark(space: &str, key: &str) -> Mark {
    Mark { space: space.to_owned(), key: key.to_owned(), once: false }
}

impl Story {
    fn tell(mut self, time: u64, kind: &'static str, marks: &[(&str, &str)]) -> Self {
        let marks = marks.iter().map(|(space, key)| mark(space, key)).collect();
        self.0.push(Line { time_ms: time, kind, marks, there: true, until_ms: None });
        self
    }
    fn until(mut self, until: u64) -> Self {
        self.0.last_mut().unwrap().until_ms = Some(until);
        self
    }
    fn erased(mut self) -> Self {
        let last = self.0.last_mut().unwrap();
        (last.there, last.until_ms) = (false, None);
        self
    }
    /// An invocation: decided, with one effect, ended.
    fn run(self, id: &str, time: u64, about: &[(&str, &str)]) -> Self {
        let key = format!("{id}/1");
        let of = (space::INVOCATION, id);
        let intent: Vec<_> = [&[of, (space::INTENT, key.as_str())], about].concat();
        self.tell(time, "decision", &[of])
            .tell(time, "intent", &intent)
            .tell(time, "outcome", &[of, (space::OUTCOME, key.as_str())])
            .tell(time, "ended", &[of])
    }
    /// A request of invocation `ask`, which ended.
    fn asked(self, expires: u64) -> Self {
        let of = (space::INVOCATION, "ask");
        self.tell(OLD, "decision", &[of])
            .tell(OLD, "plan", &[of])
            .tell(OLD, "request", &[of, (space::REQUEST, "R"), (space::ABOUT, "R")])
            .until(expires)
            .tell(OLD, "ended", &[of])
            .tell(OLD, "approval", &[(space::ABOUT, "R")])
    }
    /// The numbers of those that may be erased.
    fn over(&self) -> Vec<u64> {
        self.seen().over(BEFORE).0.into_iter().map(|(leaf, _)| leaf).rev().collect()
    }
    fn seen(&self) -> Seen {
        let mut seen = Seen::default();
        for (line, leaf) in self.0.iter().zip(0..) {
            let Line { time_ms, kind, marks, there, until_ms } = line;
            let (time_ms, there, until_ms) = (*time_ms, *there, *until_ms);
            seen.see(&Entry { leaf, time_ms, kind, marks, there, until_ms });
        }
        seen
    }
    fn stays(&self) -> Vec<(Stays, u64)> {
        self.seen().over(BEFORE).1.into_iter().collect()
    }
    fn all(&self) -> Vec<u64> {
        (0..self.0.len() as u64).collect()
    }
}

const R: (&str, &str) = (space::ABOUT, "R");

#[test]
fn an_invocation_goes_whole_when_its_last_word_is_old() {
    let over = Story::default().run("a", OLD, &[]);
    assert_eq!(over.over(), over.all());
    // Exactly as old is not older.
    for time in [BEFORE, YOUNG] {
        let young = Story::default().run("a", OLD, &[]).tell(
            time,
            "transcript",
            &[(space::INVOCATION, "a")],
        );
        assert_eq!(young.over(), Vec::<u64>::new());
    }
    assert_eq!(Story::default().run("a", BEFORE - 1, &[]).over().len(), 4);
}

#[test]
fn fail_closed_what_has_no_end_stays() {
    let a = (space::INVOCATION, "a");
    let story = Story::default().tell(OLD, "decision", &[a]).tell(OLD, "transcript", &[a]);
    assert_eq!(story.over(), Vec::<u64>::new());
    assert_eq!(story.stays(), [(Stays::Invocation, 2)]);
    // An entry that belongs to nothing.
    assert!(Story::default().tell(OLD, "approval", &[]).over().is_empty());
    assert!(Story::default().tell(OLD, "approval", &[R]).over().is_empty());
    assert_eq!(Story::default().tell(OLD, "artifact-replaced", &[]).over(), [0]);
}

#[test]
fn at_most_once_an_effect_of_unknown_end_keeps_all_of_its_invocation() {
    let a = (space::INVOCATION, "a");
    let (intent, outcome) = ((space::INTENT, "a/2"), (space::OUTCOME, "a/2"));
    let open = || {
        Story::default()
            .run("a", OLD, &[])
            .tell(OLD, "intent", &[a, intent])
            // An outcome of `unknown` does not answer it.
            .tell(OLD, "outcome", &[a])
    };
    assert!(open().over().is_empty());
    assert_eq!(open().stays(), [(Stays::Unknown, 6)]);
    // Somebody looked: all goes but what they said.
    let resolved = open().tell(OLD, "resolution", &[a, outcome]);
    assert_eq!(resolved.over(), [0, 1, 2, 3, 4, 5]);
    assert_eq!(resolved.stays(), [(Stays::Kind, 1)]);
    assert!(open().tell(YOUNG, "resolution", &[a, outcome]).over().is_empty());
}

#[test]
fn fail_closed_a_request_that_can_still_be_used_keeps_all_that_belongs_to_it() {
    for expires in [BEFORE, YOUNG] {
        let open = Story::default().asked(expires);
        assert_eq!(open.over(), Vec::<u64>::new(), "expires at {expires}");
        assert_eq!(open.stays(), [(Stays::Request, 5)]);
    }
    // What cannot be read is not over.
    let mut unreadable = Story::default().asked(OLD);
    unreadable.0[2].until_ms = None;
    assert!(unreadable.over().is_empty());
    let expired = Story::default().asked(BEFORE - 1);
    assert_eq!(expired.over(), expired.all());
    // A young word about it.
    assert!(Story::default().asked(OLD).tell(YOUNG, "revocation", &[R]).over().is_empty());
}

#[test]
fn a_request_is_over_when_it_was_ended_or_its_run_was() {
    for kind in ["denial", "revocation"] {
        let ended = Story::default().asked(YOUNG).tell(OLD, kind, &[R]);
        assert_eq!(ended.over(), ended.all(), "{kind}");
    }
    let claimed =
        || Story::default().asked(YOUNG).tell(OLD, "claim", &[(space::INVOCATION, "b"), R]);
    assert!(claimed().over().is_empty());
    let applied = claimed().run("b", OLD, &[R]);
    assert_eq!(applied.over(), applied.all());
    assert!(claimed().run("b", YOUNG, &[]).over().is_empty());
    // A revocation stops what is left of a run, and not the effect that it is at.
    let b = (space::INVOCATION, "b");
    let at_work = claimed()
        .tell(OLD, "intent", &[b, (space::INTENT, "b/1"), R])
        .tell(OLD, "revocation", &[R])
        .tell(OLD, "ended", &[b]);
    assert!(at_work.over().is_empty());
    // A claim of no run.
    assert!(Story::default().asked(OLD).tell(OLD, "claim", &[R]).over().is_empty());
}

#[test]
fn rules_and_grants_stay_and_an_elevation_is_over_when_its_time_is() {
    let rules = Story::default().asked(OLD).tell(OLD, "epoch-accepted", &[R]);
    assert!(rules.over().is_empty());
    let granted = |until| {
        let grant = [(space::INVOCATION, "g"), R];
        Story::default().asked(OLD).tell(OLD, "grant", &grant).until(until)
    };
    for until in [BEFORE, YOUNG] {
        assert!(granted(until).run("b", OLD, &[R]).over().is_empty());
    }
    let over = granted(OLD).run("b", OLD, &[R]);
    assert_eq!(over.over(), [0, 1, 2, 3, 4, 6, 7, 8, 9]);
    // Each call of its asker looks at one that was revoked, until its time would have been over.
    let revoked = granted(YOUNG).tell(OLD, "revocation", &[R]);
    assert!(revoked.over().is_empty());
    let revoked = granted(OLD).tell(OLD, "revocation", &[R]);
    assert_eq!(revoked.over(), [0, 1, 2, 3, 4, 6]);
}

#[test]
fn a_run_that_was_ended_in_the_middle_is_finished_by_the_next() {
    // Newest first: whatever was left, what tells that it is over goes last.
    let whole = Story::default().asked(BEFORE - 1);
    let newest_first: Vec<u64> =
        whole.seen().over(BEFORE).0.iter().map(|(leaf, _)| *leaf).collect();
    assert_eq!(newest_first, [4, 3, 2, 1, 0]);
    for erased in 0..=newest_first.len() {
        let mut story = Story::default().asked(BEFORE - 1);
        for leaf in &newest_first[..erased] {
            let entry = &mut story.0[usize::try_from(*leaf).unwrap()];
            (entry.there, entry.until_ms) = (false, None);
        }
        let left: Vec<u64> = newest_first[erased..].iter().rev().copied().collect();
        assert_eq!(story.over(), left, "after {erased}");
    }
    // Words that somebody took away behind the host's back: nobody can sign the rest any more.
    let a = (space::INVOCATION, "a");
    let story = Story::default()
        .tell(OLD, "request", &[(space::REQUEST, "R"), R])
        .erased()
        .tell(OLD, "approval", &[R])
        .tell(OLD, "ended", &[a]);
    assert_eq!(story.over(), [1, 2]);
}

#[test]
fn fail_closed_no_kind_is_erased_that_was_not_thought_about() {
    for kind in [
        "epoch",
        "epoch-accepted",
        "admission",
        "removal",
        "grant",
        "resolution",
        "statement-key",
        "freeze",
        "thaw",
        "acknowledgement",
        "erasure",
        "something-new",
    ] {
        assert!(!KINDS.contains(&kind));
        let story =
            Story::default().run("a", OLD, &[]).tell(OLD, kind, &[(space::INVOCATION, "a")]);
        assert_eq!(story.over(), [0, 1, 2, 3], "{kind}");
        assert_eq!(story.stays(), [(Stays::Kind, 1)], "{kind}");
    }
}
