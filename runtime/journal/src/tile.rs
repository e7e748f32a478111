//! Tiles: 256 neighbouring hashes of one height, and the path that names them (<https://c2sp.org/tlog-tiles>).
//!
//! The mistake it stops: two names for one tile, or a path that leads out of the layout. Parsing is the exact
//! inverse of writing.

use crate::{error::JournalError, frontier::MAX_SIZE, hash::Hash};

/// Hashes in a full tile, and entries in a full bundle.
pub const TILE_WIDTH: u16 = 256;

/// The longest leaf in bytes: what the two length bytes before a leaf in an entry bundle can say.
pub const MAX_LEAF_BYTES: usize = u16::MAX as usize;

/// One tile: `width` hashes of level `level` (trees of height 8 × `level`), starting at `index` × 256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tile {
    level: u8,
    index: u64,
    width: u16,
}

impl Tile {
    /// A tile. The width is 1 to 256.
    ///
    /// # Errors
    /// [`JournalError::NoSuchTile`] where no tree of at most [`MAX_SIZE`] leaves has it.
    pub fn new(level: u8, index: u64, width: u16) -> Result<Self, JournalError> {
        let tile = Self { level, index, width };
        // The last hash must be in the largest tree. An index that somebody else wrote may be any number.
        let end = index
            .checked_mul(u64::from(TILE_WIDTH))
            .and_then(|first| first.checked_add(u64::from(width)));
        let fits = level <= 7
            && (1..=TILE_WIDTH).contains(&width)
            && end.is_some_and(|end| end <= MAX_SIZE >> (8 * level));
        if fits { Ok(tile) } else { Err(JournalError::NoSuchTile { level, index, width }) }
    }

    /// The level: 0 holds leaf hashes, each further one hashes of full tiles below.
    pub const fn level(&self) -> u8 {
        self.level
    }

    /// The index within the level.
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The number of hashes: 256, or fewer in a partial tile.
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// The position of its first hash in its level.
    pub const fn first(&self) -> u64 {
        self.index << 8
    }

    /// The tile `index` of `level` as it is in a tree of `size` leaves, partial or full; `None` where that
    /// tree has no hash in it.
    pub fn in_tree(level: u8, index: u64, size: u64) -> Option<Self> {
        let hashes = size.checked_shr(8 * u32::from(level))?;
        let width = hashes.checked_sub(index.checked_mul(256)?)?.min(u64::from(TILE_WIDTH));
        Self::new(level, index, u16::try_from(width).ok()?).ok()
    }

    /// The partial tiles of a tree, highest level first. Their hashes are roots of neighbouring subtrees, in
    /// the order of the leaves, and cover the whole tree: its root follows from them.
    pub fn edge(size: u64) -> impl Iterator<Item = Self> {
        (0..=7).rev().filter_map(move |level| {
            let hashes = size >> (8 * level);
            Self::new(level, hashes >> 8, (hashes & 0xff) as u16).ok()
        })
    }
}

/// What the layout keeps under a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resource {
    /// The signed head of the log.
    Checkpoint,
    /// `tile/<L>/<N>[.p/<W>]`: the hashes of a tile.
    Hashes(Tile),
    /// `tile/entries/<N>[.p/<W>]`: the leaves below a tile of level 0.
    Entries(Tile),
    /// `payloads/<N>[.p/<W>]`: what is kept beside the leaves below a tile of level 0. Ours: the public layout
    /// has no such thing, and readers of it pass over the folder.
    Payloads(Tile),
}

impl Resource {
    /// Its path, relative, with `/` between the elements.
    pub fn path(&self) -> String {
        match self {
            Self::Checkpoint => "checkpoint".to_owned(),
            Self::Hashes(tile) => format!("tile/{}/{}", tile.level, position(tile)),
            Self::Entries(tile) => format!("tile/entries/{}", position(tile)),
            Self::Payloads(tile) => format!("payloads/{}", position(tile)),
        }
    }

    /// The resource of a path.
    ///
    /// # Errors
    /// [`JournalError::BadPath`] for anything but what [`Self::path`] writes.
    pub fn parse(path: &str) -> Result<Self, JournalError> {
        Self::read(path)
            .filter(|resource| resource.path() == path)
            .ok_or_else(|| JournalError::BadPath(shortened(path)))
    }

    fn read(path: &str) -> Option<Self> {
        if path == "checkpoint" {
            return Some(Self::Checkpoint);
        }
        if let Some(rest) = path.strip_prefix("payloads/") {
            return Some(Self::Payloads(tile_at(0, rest)?));
        }
        let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        match level {
            "entries" => Some(Self::Entries(tile_at(0, rest)?)),
            _ => Some(Self::Hashes(tile_at(level.parse().ok()?, rest)?)),
        }
    }
}

/// `1234067` and width 8 as `x001/x234/067.p/8`.
fn position(tile: &Tile) -> String {
    let mut text = format!("{:03}", tile.index % 1000);
    let mut rest = tile.index / 1000;
    while rest > 0 {
        text = format!("x{:03}/{text}", rest % 1000);
        rest /= 1000;
    }
    if tile.width < TILE_WIDTH { format!("{text}.p/{}", tile.width) } else { text }
}

/// The tile of a position; whether it is spelled canonically is for the caller to see.
fn tile_at(level: u8, position: &str) -> Option<Tile> {
    let (index, width) = match position.split_once(".p/") {
        Some((index, width)) => (index, width.parse().ok()?),
        None => (position, TILE_WIDTH),
    };
    let index = index.split('/').try_fold(0_u64, |index, element| {
        let digits: u64 = element.strip_prefix('x').unwrap_or(element).parse().ok()?;
        index.checked_mul(1000)?.checked_add(digits)
    })?;
    Tile::new(level, index, width).ok()
}

/// The beginning of something that a message should not repeat in full, without control characters.
pub(crate) fn shortened(text: &str) -> String {
    let mut start: String = text.chars().take(80).flat_map(char::escape_default).collect();
    if text.chars().nth(80).is_some() {
        start.push('…');
    }
    start
}

/// The hashes of a tile as they are kept in a file: 32 bytes each, nothing between.
pub(crate) fn hashes_to_bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

/// The inverse of [`hashes_to_bytes`]; `None` where a hash is cut off.
pub(crate) fn hashes_from_bytes(bytes: &[u8]) -> Option<Vec<Hash>> {
    let hashes = bytes.chunks_exact(Hash::BYTES);
    hashes.remainder().is_empty().then(|| hashes.filter_map(Hash::from_slice).collect())
}
