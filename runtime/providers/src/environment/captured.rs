//! What services wrote, kept within a bound: a service that floods its output fills neither the disk nor
//! an answer to a plugin.

use super::disk::Folder;
use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    time::{SystemTime, UNIX_EPOCH},
};

/// The file that grows, and the one before it.
pub(super) const NOW: &str = "log";
pub(super) const BEFORE: &str = "log.old";
/// Each of the two files is at most this long, in bytes (and one line).
const MAX_FILE: u64 = 256 * 1024;
/// A longer line is cut into several, in bytes.
const MAX_LINE: u64 = 4096;
/// The most bytes of an answer, as the WIT says.
const MAX_ANSWER: usize = 64 * 1024;

/// Copies what a service writes into `folder`, each line with the milliseconds since 1970 before it, until
/// every writer has closed the pipe. A disk that is full loses lines and never blocks the service.
pub(super) fn capture(pipe: impl std::io::Read, folder: &Folder) {
    let mut lines = BufReader::new(pipe);
    let mut file: Option<File> = folder.append(NOW).ok();
    let mut length = file.as_ref().and_then(|f| f.metadata().ok()).map_or(0, |m| m.len());
    let mut line = Vec::new();
    loop {
        line.clear();
        match lines.by_ref().take(MAX_LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        let millis =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let mut stored = format!("{millis} ").into_bytes();
        stored.append(&mut line);
        stored.push(b'\n');
        if length + stored.len() as u64 > MAX_FILE {
            let _older_is_lost = folder.rename(NOW, BEFORE);
            file = folder.append(NOW).ok();
            length = 0;
        }
        if let Some(open) = &mut file
            && open.write_all(&stored).is_ok()
        {
            length += stored.len() as u64;
        }
    }
}

/// The last `count` lines of several replicas by time, at most [`MAX_ANSWER`] bytes.
pub(super) fn tail(replicas: &[Folder], count: usize) -> Result<String, crate::ProviderFault> {
    let mut lines: Vec<(u64, String)> = Vec::new();
    for replica in replicas {
        for name in [BEFORE, NOW] {
            let bytes = replica.read(name)?.unwrap_or_default();
            lines.extend(String::from_utf8_lossy(&bytes).lines().map(|line| {
                let (millis, text) = line.split_once(' ').unwrap_or(("0", line));
                (millis.parse().unwrap_or(0), text.to_owned())
            }));
        }
    }
    // A stable sort keeps the order of lines of one replica within a millisecond.
    lines.sort_by_key(|(millis, _)| *millis);
    let mut kept = Vec::new();
    let mut length = 0;
    for (_, text) in lines.into_iter().rev().take(count) {
        length += text.len() + 1;
        if length > MAX_ANSWER {
            break;
        }
        kept.push(text);
    }
    kept.reverse();
    Ok(kept.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::{MAX_ANSWER, MAX_FILE, capture, tail};
    use crate::environment::disk::Folder;

    #[test]
    fn flood_is_bounded_and_the_last_lines_stay() {
        let place = tempfile::tempdir().unwrap();
        let flood: String =
            (0..200_000).map(|n| format!("line {n} {}\n", "x".repeat(n % 50))).collect();
        capture(flood.as_bytes(), &Folder::ambient(place.path()).unwrap());
        capture(&b"no newline at the end"[..], &Folder::ambient(place.path()).unwrap());
        let size: u64 = std::fs::read_dir(place.path())
            .unwrap()
            .map(|e| e.unwrap().metadata().unwrap().len())
            .sum();
        assert!(size <= 2 * MAX_FILE, "{size}");
        let folder = || vec![Folder::ambient(place.path()).unwrap()];
        assert_eq!(tail(&folder(), 1).unwrap(), "no newline at the end");
        let last = tail(&folder(), 3).unwrap();
        assert!(last.contains("line 199999") && last.lines().count() == 3, "{last}");
        assert!(tail(&folder(), 1000).unwrap().lines().count() == 1000);
        assert!(tail(&folder(), 1_000_000).unwrap().len() <= MAX_ANSWER);
    }

    #[test]
    fn endless_line_and_broken_text() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::ambient(place.path()).unwrap();
        let mut bytes = vec![b'a'; 10_000];
        bytes.extend(b"\n\xff\xfe\0 end\n");
        capture(&bytes[..], &folder);
        let text = tail(&[folder], 10).unwrap();
        assert_eq!(text.lines().count(), 4, "3 pieces and one line");
        assert!(text.ends_with(" end"));
    }
}
