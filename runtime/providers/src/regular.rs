//! Files that are files: a pipe or a device in their place keeps nobody waiting.

use rustix::fs::OFlags;
use std::{
    fs::{File, OpenOptions},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

/// Opens a regular file, and nothing else, without waiting.
///
/// # Errors
/// What the system says, and what is no regular file.
pub fn open_regular(options: &mut OpenOptions, file: &Path) -> std::io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = options.custom_flags(flags.bits().cast_signed()).open(file)?;
    if opened.metadata()?.is_file() {
        Ok(opened)
    } else {
        Err(std::io::Error::other("it is not a regular file"))
    }
}
