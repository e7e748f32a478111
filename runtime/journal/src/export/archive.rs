//! Tar headers (POSIX ustar, <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html>) in one form.
//!
//! The attack it stops: two archives with the same content, one of which another tool unpacks differently. A
//! header is never interpreted: only its size is read, and the header that we would have written must equal it.

/// Everything in a tar is a multiple of this many bytes.
pub(super) const BLOCK: usize = 512;

/// Names longer than this do not fit; those of the layout have at most 40 bytes.
const NAME: usize = 100;

/// The header of a plain file. The name is one of the layout, and the size below 8 GiB.
pub(super) fn header(name: &str, size: u64) -> [u8; BLOCK] {
    let mut block = Vec::with_capacity(BLOCK);
    let mut field = |value: &[u8], width: usize| {
        let end = block.len() + width;
        block.extend(value.iter().take(width));
        block.resize(end, 0);
    };
    field(name.as_bytes(), NAME);
    field(b"0000644\0", 8); // mode
    field(b"0000000\0", 8); // owner
    field(b"0000000\0", 8); // group
    field(format!("{size:011o}\0").as_bytes(), 12);
    field(b"00000000000\0", 12); // time: the log has its own
    field(b"        ", 8); // the checksum is computed with spaces in its place
    field(b"0", 1); // a plain file
    field(b"", 100);
    field(b"ustar\x0000", 8);
    field(b"", BLOCK - 265);
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    let sum = format!("{sum:06o}\0 ");
    let mut header = [0; BLOCK];
    let (before, after) = (block.iter().take(148), block.iter().skip(156));
    let bytes = before.copied().chain(sum.bytes()).chain(after.copied());
    header.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    header
}

/// The size that a header claims, to be compared as part of the whole header.
pub(super) fn claimed_size(header: &[u8; BLOCK]) -> Option<u64> {
    let digits = std::str::from_utf8(header.get(124..135)?).ok()?;
    u64::from_str_radix(digits, 8).ok()
}

/// Zeroes after a file of this size, up to the next block.
pub(super) const fn padding(size: u64) -> usize {
    (size.wrapping_neg() % BLOCK as u64) as usize
}
