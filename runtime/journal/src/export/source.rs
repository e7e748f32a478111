//! Reads an export file by file, and knows at each byte where it is.

use std::io::Read;

use super::archive::{BLOCK, claimed_size, header, padding};
use crate::error::JournalError;

/// What is wrong with a file that is cut off.
const ENDS: &str = "the export ends here";

/// An export that is being read. Each method reads what must come next, or says what is wrong with it.
pub(super) struct Source<R> {
    read: R,
    offset: u64,
    /// A header that was read to see which file it begins.
    ahead: Option<[u8; BLOCK]>,
    /// The name of the file that is open, and how much of it is left.
    name: String,
    left: u64,
    size: u64,
}

impl<R: Read> Source<R> {
    pub(super) fn new(read: R) -> Self {
        Self { read, offset: 0, ahead: None, name: String::new(), left: 0, size: 0 }
    }

    /// The next byte's place.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// An error in the open file, from `offset` on.
    pub(super) fn fault(&self, offset: u64, fault: impl Into<String>) -> JournalError {
        let place = format!("`{}`", self.name);
        JournalError::Export { offset, place, fault: fault.into() }
    }

    fn exact(&mut self, bytes: &mut [u8]) -> Result<(), JournalError> {
        let offset = self.offset;
        self.read.read_exact(bytes).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => self.fault(offset, ENDS),
            _ => self.fault(offset, format!("could not be read: {error}")),
        })?;
        self.offset += bytes.len() as u64;
        Ok(())
    }

    /// The next block: a header, or the end.
    fn block(&mut self) -> Result<[u8; BLOCK], JournalError> {
        if let Some(block) = self.ahead.take() {
            return Ok(block);
        }
        let mut block = [0; BLOCK];
        self.exact(&mut block)?;
        Ok(block)
    }

    /// Opens the file that must come next. Its size must be one of `sizes`.
    pub(super) fn open(
        &mut self,
        name: &str,
        sizes: std::ops::RangeInclusive<u64>,
    ) -> Result<u64, JournalError> {
        if self.try_open(name, sizes)? {
            Ok(self.size)
        } else {
            let offset = self.offset - BLOCK as u64;
            Err(self.fault(offset, "this file must come here, and another header does"))
        }
    }

    /// Opens a file that may come next; `false` where another one does.
    pub(super) fn try_open(
        &mut self,
        name: &str,
        sizes: std::ops::RangeInclusive<u64>,
    ) -> Result<bool, JournalError> {
        name.clone_into(&mut self.name);
        let found = self.block()?;
        let size = claimed_size(&found).filter(|size| header(name, *size) == found);
        let Some(size) = size else {
            self.ahead = Some(found);
            return Ok(false);
        };
        if !sizes.contains(&size) {
            let offset = self.offset - BLOCK as u64;
            return Err(self.fault(offset, format!("the file cannot have {size} bytes")));
        }
        (self.left, self.size) = (size, size);
        Ok(true)
    }

    /// Reads the next bytes of the open file.
    pub(super) fn bytes(&mut self, bytes: &mut [u8]) -> Result<(), JournalError> {
        match self.left.checked_sub(bytes.len() as u64) {
            Some(left) => self.left = left,
            None => return Err(self.fault(self.offset, "the file is too short")),
        }
        self.exact(bytes)
    }

    /// The next `count` bytes of the open file. Memory is taken as they come, not as they are promised.
    pub(super) fn take(&mut self, count: u64) -> Result<Vec<u8>, JournalError> {
        let offset = self.offset;
        match self.left.checked_sub(count) {
            Some(left) => self.left = left,
            None => return Err(self.fault(offset, "the file is too short")),
        }
        let mut bytes = Vec::new();
        let read = self.read.by_ref().take(count).read_to_end(&mut bytes);
        read.map_err(|error| self.fault(offset, format!("could not be read: {error}")))?;
        self.offset += bytes.len() as u64;
        if bytes.len() as u64 == count { Ok(bytes) } else { Err(self.fault(self.offset, ENDS)) }
    }

    /// Closes the open file: nothing may be left of it, and zeroes fill its last block.
    pub(super) fn close(&mut self) -> Result<(), JournalError> {
        if self.left > 0 {
            return Err(self.fault(self.offset, "the file is too long"));
        }
        self.zeroes(padding(self.size), "zeroes must fill the last block of the file")
    }

    /// The end of the archive: two blocks of zeroes, and nothing after them.
    pub(super) fn end(mut self) -> Result<(), JournalError> {
        "the end".clone_into(&mut self.name);
        let first = self.block()?;
        if let Some(at) = first.iter().position(|byte| *byte != 0) {
            let offset = self.offset - (BLOCK - at) as u64;
            return Err(self.fault(offset, "the log is complete, and something follows it"));
        }
        self.zeroes(BLOCK, "two blocks of zeroes must end the export")?;
        let (mut more, offset) = ([0], self.offset);
        match self.exact(&mut more) {
            Ok(()) => Err(self.fault(offset, "bytes follow the end")),
            Err(JournalError::Export { fault, .. }) if fault == ENDS => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn zeroes(&mut self, count: usize, fault: &str) -> Result<(), JournalError> {
        let mut block = [0; BLOCK];
        let start = self.offset;
        let block = block.get_mut(..count).unwrap_or_default();
        self.exact(block)?;
        match block.iter().position(|byte| *byte != 0) {
            None => Ok(()),
            Some(at) => Err(self.fault(start + at as u64, fault)),
        }
    }
}
