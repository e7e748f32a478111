//! Looks for folders of the machine in what was built on it.
//!
//! The mistake it stops: a home folder, and with it a name, in a file that strangers download; and a binary that is
//! another one wherever it is built.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use memchr::memmem;

/// Of what was found, so much is shown.
const SHOWN: usize = 5;

/// Fails where one of the folders is named in the bytes, and shows where.
pub(crate) fn check(bytes: &[u8], folders: &[PathBuf]) -> Result<()> {
    let mut found = BTreeSet::new();
    for folder in folders {
        // Something below it: `/root` alone may be a word of a program, and `/` is everywhere.
        let mut needle = folder.as_os_str().as_bytes().to_vec();
        if needle.len() < 2 {
            continue;
        }
        needle.push(b'/');
        found.extend(memmem::find_iter(bytes, &needle).map(|at| word(bytes, at)));
    }
    let shown: Vec<&str> = found.iter().map(String::as_str).take(SHOWN).collect();
    ensure!(
        found.is_empty(),
        "folders of this machine are in the binary, {} times; for example:\n  {}",
        found.len(),
        shown.join("\n  ")
    );
    Ok(())
}

/// The printable characters from there on.
fn word(bytes: &[u8], at: usize) -> String {
    let rest = bytes.get(at..).unwrap_or_default().iter().take(160);
    rest.take_while(|byte| byte.is_ascii_graphic() || **byte == b' ')
        .map(|b| char::from(*b))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_found_with_what_is_below_it() {
        let folders = ["/home/ada", "/", "/home/ada/.cargo"].map(PathBuf::from);
        let told = |text: &str| check(text.as_bytes(), &folders).map_err(|error| error.to_string());
        assert!(told("/rustc/59807616e/library/core \0 /cargo/registry/src/a.rs").is_ok());
        assert!(told("/home/adam/x.rs and /home/ada").is_ok());
        let told = told("at \0/home/ada/src/it.rs\0and on").unwrap_err();
        assert!(told.contains("1 times") && told.ends_with("  /home/ada/src/it.rs"), "{told}");
    }
}
