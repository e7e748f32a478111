//! What waits for the writer. A batch that nobody waits for wakes nobody but a writer that has nothing else to do: it
//! is written with the next one that somebody waits for, or a moment later.
//!
//! The mistake it stops: a thread that is woken for each line of a journal, to find that it should wait for company.

use crate::writer::Job;
use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The most jobs that are taken at once.
pub(crate) const MOST: usize = 512;

/// The most jobs that wait for a disk that takes nothing.
const MOST_UNWRITTEN: usize = 1 << 14;

/// How many entries are made or written between two moments in which others may have the core.
const STEP: usize = 4;

/// How fast jobs are written: in one go where somebody waits for one, else with moments in between in which others may have
/// the core. A machine with one core would answer nobody meanwhile.
pub(crate) struct Pace<'a> {
    /// Whose jobs they are, and until when there is time; `None` where there is none.
    leisure: Option<(&'a Queue, Instant)>,
}

impl<'a> Pace<'a> {
    /// That of jobs just taken. They take no longer than `most` for it: other processes wait for the same file.
    pub(crate) fn of(queue: &'a Queue, jobs: &[Job], most: Duration) -> Self {
        let waited = jobs.iter().any(|job| job.reply.is_some());
        Self { leisure: (!waited).then(|| (queue, Instant::now() + most)) }
    }

    /// Before each entry, which is the `count`th: lets others have the core, every few entries. Says whether it did.
    pub(crate) fn step(&self, count: usize) -> bool {
        let Some((queue, until)) = self.leisure else { return false };
        if !count.is_multiple_of(STEP) || Instant::now() >= until {
            return false;
        }
        let waiting = queue.lock();
        let leisure = waiting.urgent == 0 && waiting.jobs.len() < MOST;
        drop(waiting);
        if leisure {
            std::thread::yield_now();
        }
        leisure
    }
}

/// Jobs in the order in which they came.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    something: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    /// How many of them somebody waits for.
    urgent: usize,
    closed: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // A list is whole between any two statements that could panic.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands over a job; gives it back where nobody takes any more.
    pub(crate) fn push(&self, job: Job) -> Result<(), Job> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(job);
        }
        let urgent = job.reply.is_some();
        waiting.urgent += usize::from(urgent);
        waiting.jobs.push_back(job);
        let count = waiting.jobs.len();
        drop(waiting);
        // The first starts the time that it may wait; one that is waited for, or one too many, ends it.
        if urgent || count == 1 || count >= MOST {
            self.something.notify_one();
        }
        Ok(())
    }

    /// Takes what is there: at once where somebody waits for one of them, else after `linger`. Nothing once the queue
    /// is closed and empty.
    pub(crate) fn take(&self, linger: Duration) -> Option<Vec<Job>> {
        let mut waiting = self.lock();
        while waiting.jobs.is_empty() {
            if waiting.closed {
                return None;
            }
            waiting = self.something.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        let until = Instant::now() + linger;
        while waiting.urgent == 0 && waiting.jobs.len() < MOST && !waiting.closed {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.something.wait_timeout(waiting, left);
            waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let count = waiting.jobs.len().min(MOST);
        let jobs: Vec<Job> = waiting.jobs.drain(..count).collect();
        waiting.urgent -= jobs.iter().filter(|job| job.reply.is_some()).count();
        Some(jobs)
    }

    /// Takes back jobs that could not be written, before all others. Where nothing comes any more, or too much waits already,
    /// they are lost, and so is what comes after them.
    pub(crate) fn put_back(&self, jobs: Vec<Job>) {
        let mut waiting = self.lock();
        if waiting.closed || waiting.jobs.len() + jobs.len() > MOST_UNWRITTEN {
            drop(waiting);
            self.abandon();
            return;
        }
        for job in jobs.into_iter().rev() {
            waiting.jobs.push_front(job);
        }
    }

    /// No job comes after those that are there.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.something.notify_all();
    }

    /// Nobody takes what is there: whoever waits for it hears that the writer has stopped.
    pub(crate) fn abandon(&self) {
        let mut waiting = self.lock();
        waiting.closed = true;
        waiting.urgent = 0;
        waiting.jobs.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, Pace, Queue, STEP};
    use crate::{Batch, writer::Job};
    use std::{sync::Arc, thread, time::Duration};
    use tokio::sync::oneshot;

    const LONG: Duration = Duration::from_secs(3600);

    fn buffered() -> Job {
        Job { batch: Batch::default(), later: None, reply: None }
    }

    #[test]
    fn what_is_waited_for_is_taken_at_once_with_all_before_it() {
        let queue = Arc::new(Queue::default());
        let taker = thread::spawn({
            let queue = queue.clone();
            move || queue.take(LONG).map(|jobs| jobs.len())
        });
        for _ in 0..3 {
            assert!(queue.push(buffered()).is_ok());
        }
        let (reply, _answer) = oneshot::channel();
        assert!(queue.push(Job { reply: Some(reply), ..buffered() }).is_ok());
        assert_eq!(taker.join().unwrap(), Some(4));
    }

    #[test]
    fn others_have_the_core_while_nobody_waits() {
        let queue = Queue::default();
        let (reply, _answer) = oneshot::channel();
        let waited = Job { reply: Some(reply), ..buffered() };
        assert!(
            !Pace::of(&queue, std::slice::from_ref(&waited), LONG).step(0),
            "one is waited for"
        );
        assert!(!Pace::of(&queue, &[buffered()], Duration::ZERO).step(0), "there is no time");
        let pace = Pace::of(&queue, &[buffered()], LONG);
        let gave_way = (0..2 * STEP).filter(|count| pace.step(*count)).count();
        assert_eq!(gave_way, 2, "every few");
        for _ in 0..MOST - 1 {
            assert!(queue.push(buffered()).is_ok());
        }
        assert!(pace.step(0), "what came can be taken at once");
        assert!(queue.push(buffered()).is_ok());
        assert!(!pace.step(0), "too much came");
        assert_eq!(queue.take(LONG).unwrap().len(), MOST);
        assert!(pace.step(0));
        assert!(queue.push(waited).is_ok());
        assert!(!pace.step(0), "somebody came who waits");
    }

    #[test]
    fn what_nobody_waits_for_is_taken_after_its_time_or_when_there_is_much_of_it() {
        let queue = Queue::default();
        assert!(queue.push(buffered()).is_ok());
        assert_eq!(queue.take(Duration::from_millis(5)).unwrap().len(), 1);
        for _ in 0..MOST + 3 {
            assert!(queue.push(buffered()).is_ok());
        }
        assert_eq!(queue.take(LONG).unwrap().len(), MOST);
        queue.close();
        assert_eq!(queue.take(LONG).unwrap().len(), 3, "closed, and not lost");
        assert!(queue.take(LONG).is_none());
        assert!(queue.push(buffered()).is_err());
    }
}
