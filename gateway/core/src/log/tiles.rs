//! C2SP tlog-tiles: the names and contents of the files of an export, made leaf by leaf.
//!
//! Tile `L/N` holds the hashes of 256 complete sub-trees of `256^L` leaves; the last one of a level may be partial.

use super::Hash;
use super::tree::{leaf_hash, root_of};

/// Hashes in a full tile, entries in a full bundle.
pub const TILE_WIDTH: usize = 256;

/// The path of a hash tile inside an export: `tile/<level>/<number>`, and `.p/<width>` for one that is not full.
#[must_use]
pub fn tile_path(level: u8, number: u64, width: usize) -> String {
    format!("tile/{level}/{}", suffix(number, width))
}

/// The path of an entry bundle: `tile/entries/<number>`, and `.p/<width>` for one that is not full.
#[must_use]
pub fn entries_path(number: u64, width: usize) -> String {
    format!("tile/entries/{}", suffix(number, width))
}

/// A number in groups of three digits, all but the last with an `x`: `x001/x234/067`.
fn suffix(number: u64, width: usize) -> String {
    let mut path = format!("{:03}", number % 1000);
    let mut rest = number / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    if width < TILE_WIDTH {
        path.push_str(&format!(".p/{width}"));
    }
    path
}

/// Entries one after the other, each behind its length: two bytes, big end first.
///
/// Leaves and items are far below the 65,535 bytes that this form can hold.
#[must_use]
pub fn encode_entries<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for text in texts {
        let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend(text.bytes().take(usize::from(length)));
    }
    bytes
}

/// Reads entries; `None` when a length leads beyond the end or a text is not UTF-8.
#[must_use]
pub fn decode_entries(bytes: &[u8]) -> Option<Vec<String>> {
    Some(read_entries(bytes)?.into_iter().map(str::to_owned).collect())
}

/// The same without copies.
#[must_use]
pub fn read_entries(bytes: &[u8]) -> Option<Vec<&str>> {
    let (mut rest, mut texts) = (bytes, Vec::with_capacity(TILE_WIDTH));
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let (text, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        texts.push(std::str::from_utf8(text).ok()?);
        rest = after;
    }
    Some(texts)
}

/// One file of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileFile {
    /// Its path inside the export.
    pub path: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

#[derive(Debug, Default)]
struct OpenTile {
    number: u64,
    hashes: Vec<Hash>,
}

impl OpenTile {
    fn file(&self, level: u8) -> TileFile {
        TileFile { path: tile_path(level, self.number, self.hashes.len()), bytes: self.hashes.concat() }
    }
}

/// Makes the hash tiles of an export from leaf hashes in order; holds one open tile per level.
#[derive(Debug, Default)]
pub struct HashTiler {
    levels: Vec<OpenTile>,
}

impl HashTiler {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the hash of one leaf; gives the files that became full.
    pub fn push(&mut self, leaf: Hash) -> Vec<TileFile> {
        let (mut files, mut hash) = (Vec::new(), leaf);
        for level in 0..=u8::MAX {
            let at = usize::from(level);
            if self.levels.len() == at {
                self.levels.push(OpenTile::default());
            }
            let Some(tile) = self.levels.get_mut(at) else { break };
            tile.hashes.push(hash);
            if tile.hashes.len() < TILE_WIDTH {
                break;
            }
            files.push(tile.file(level));
            hash = root_of(&tile.hashes);
            tile.hashes.clear();
            tile.number += 1;
        }
        files
    }

    /// The partial files at the right edge.
    #[must_use]
    pub fn finish(&self) -> Vec<TileFile> {
        let open = (0..=u8::MAX).zip(&self.levels).filter(|(_, tile)| !tile.hashes.is_empty());
        open.map(|(level, tile)| tile.file(level)).collect()
    }
}

/// Makes the hash tiles and entry bundles of an export from leaves in order.
#[derive(Debug, Default)]
pub struct Tiler {
    hashes: HashTiler,
    bundle: Vec<String>,
    bundles: u64,
}

impl Tiler {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one leaf; gives the files that became full.
    pub fn push(&mut self, text: &str) -> Vec<TileFile> {
        let mut files = Vec::new();
        self.bundle.push(text.to_owned());
        if self.bundle.len() == TILE_WIDTH {
            files.push(self.bundle_file());
            self.bundle.clear();
            self.bundles += 1;
        }
        files.extend(self.hashes.push(leaf_hash(text.as_bytes())));
        files
    }

    /// The partial files at the right edge.
    #[must_use]
    pub fn finish(&self) -> Vec<TileFile> {
        let mut files = self.hashes.finish();
        if !self.bundle.is_empty() {
            files.push(self.bundle_file());
        }
        files
    }

    fn bundle_file(&self) -> TileFile {
        let bytes = encode_entries(self.bundle.iter().map(String::as_str));
        TileFile { path: entries_path(self.bundles, self.bundle.len()), bytes }
    }
}
