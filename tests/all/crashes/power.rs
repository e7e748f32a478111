//! The journal as a disk could have it after the power went: what was not synced is lost, whole or in part.
//!
//! Only the journal forgets. The provider's files stay as they are, which is the strict direction: an effect
//! that is there, and whose intent the journal has lost, is what must never be.

use std::fs;

use anyhow::Result;

use super::point::Dice;
use super::scene::Place;
use super::trace::Call;

/// What a run wrote to one file and did not sync, and whether the file's name was synced.
#[derive(Debug, Default)]
struct Unsynced {
    /// Offset and length, in the order they were written.
    writes: Vec<(u64, u64)>,
    /// Where the last byte that was synced ends.
    synced_end: u64,
    /// Made in this run, and its folder not synced since.
    nameless: bool,
    /// Something that is not understood was done to it.
    strange: bool,
}

fn unsynced(calls: &[Call], file: &str) -> Unsynced {
    let mut state = Unsynced::default();
    // Every connection opens the log in a way that would make it; the first one does.
    let mut made = false;
    let path = format!("/{file}");
    for call in calls {
        let on_file = call.file().is_some_and(|name| name.ends_with(&path));
        // A call that never returned may have been done: nobody waited for it, so it may be lost.
        let done = call.result.is_none_or(|result| result >= 0);
        match call.name.as_str() {
            "openat" if call.creates() && call.named().is_some_and(|n| n.ends_with(&path)) => {
                state.nameless |= !made;
                made = true;
            }
            "pwrite64" if on_file && done => match (call.last_number(), call.result) {
                (Some(offset), Some(length)) => {
                    state.writes.push((offset, u64::try_from(length).unwrap_or(0)));
                }
                // It never returned: it was not done, for it was never let through.
                (Some(_), None) => {}
                (None, _) => state.strange = true,
            },
            "fsync" | "fdatasync" if on_file && call.result == Some(0) => {
                let ends = state.writes.drain(..).map(|(offset, length)| offset + length);
                state.synced_end = ends.fold(state.synced_end, u64::max);
            }
            "fsync" if call.file().is_some_and(|n| n.ends_with("/.interlock")) => {
                state.nameless &= call.result != Some(0);
            }
            // A length that is cut to what it is, as SQLite does: either is what a disk may have.
            "ftruncate" => {}
            "fallocate" | "write" | "writev" | "pwritev" | "pwritev2" if on_file && done => {
                state.strange = true;
            }
            _ => {}
        }
    }
    state
}

/// Makes the journal what is left of it. Says whether there was anything to lose; none where the run did
/// something to the files that this does not model.
pub(super) fn lose(place: &Place, calls: &[Call], dice: &mut Dice) -> Result<Option<bool>> {
    let state = place.path().join(".interlock");
    // Two of three disks lose all of it; the third keeps some pages, in no order.
    let keeps_some = dice.below(3) == 0;
    let mut lost_any = false;
    for file in ["journal.db", "journal.db-wal"] {
        let unsynced = unsynced(calls, file);
        if unsynced.strange {
            return Ok(None);
        }
        let path = state.join(file);
        let Ok(mut bytes) = fs::read(&path) else { continue };
        let existed = !place.before(&format!(".interlock/{file}")).is_empty();
        if unsynced.nameless && !existed && !keeps_some {
            fs::remove_file(&path)?;
            lost_any = true;
            continue;
        }
        let before = place.before(&format!(".interlock/{file}"));
        // Where the file ends on a disk that has only what is kept.
        let mut end = usize::try_from(unsynced.synced_end)?.max(before.len());
        for (offset, length) in unsynced.writes {
            let (from, to) = (usize::try_from(offset)?, usize::try_from(offset + length)?);
            if keeps_some && dice.below(2) == 0 {
                end = end.max(to);
                continue;
            }
            // As it was before this run; where there was nothing, nothing. To the byte: a write harms
            // nothing beside it (SQLite's «powersafe overwrite»).
            for (index, byte) in bytes.iter_mut().enumerate().take(to).skip(from) {
                *byte = before.get(index).copied().unwrap_or(0);
            }
            lost_any = true;
        }
        bytes.truncate(end);
        fs::write(&path, bytes)?;
    }
    // Shared memory does not outlive the power.
    let _ = fs::remove_file(state.join("journal.db-shm"));
    Ok(Some(lost_any))
}
