//! Reads QR codes that are drawn without a fault, as ISO/IEC 18004 has them: what corrects errors is left out.

use std::io::Cursor;

/// Blocks that the codewords of the data are dealt out to, and codewords in the shortest of them, of each version from 7 on,
/// at the level M of error correction.
const BLOCKS: [(usize, usize); 4] = [(4, 31), (4, 38), (5, 36), (5, 43)];
const VERSION_MIN: usize = 7;

/// Codewords of the data of each of these versions.
const CODEWORDS: [usize; 4] = [124, 154, 182, 216];

const LETTERS: &[u8; 45] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

/// A grid of dark and light modules.
struct Grid {
    size: usize,
    dark: Vec<bool>,
}

/// Bits, one after the other.
struct Bits(std::vec::IntoIter<bool>);

/// What is written in a picture.
pub(super) fn written(png: &[u8]) -> String {
    let grid = Grid::in_picture(png);
    let version = (grid.size - 17) / 4;
    let codewords = dealt_back(&grid.codewords(), version);
    let bits = codewords.iter().flat_map(|word| (0..8).rev().map(move |bit| (word >> bit) & 1 == 1));
    let mut bits = Bits(bits.collect::<Vec<bool>>().into_iter());
    let is_small = version < 10;
    match bits.number(4) {
        0b0010 => {
            let count = bits.number(if is_small { 9 } else { 11 });
            let pairs = (0..count / 2).flat_map(|_| {
                let pair = bits.number(11);
                [LETTERS[pair / 45], LETTERS[pair % 45]]
            });
            let mut text: Vec<u8> = pairs.collect();
            if count % 2 == 1 {
                text.push(LETTERS[bits.number(6)]);
            }
            String::from_utf8(text).unwrap()
        }
        0b0100 => {
            let count = bits.number(if is_small { 8 } else { 16 });
            let text = (0..count).map(|_| u8::try_from(bits.number(8)).unwrap());
            String::from_utf8(text.collect()).unwrap()
        }
        mode => panic!("a code of mode {mode:04b}"),
    }
}

impl Bits {
    fn number(&mut self, bits: usize) -> usize {
        self.0.by_ref().take(bits).fold(0, |number, bit| 2 * number + usize::from(bit))
    }
}

impl Grid {
    fn in_picture(png: &[u8]) -> Self {
        let mut reader = png::Decoder::new(Cursor::new(png)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((frame.width, frame.bit_depth), (frame.height, png::BitDepth::One));
        let side = frame.width as usize;
        let is_dark = |x: usize, y: usize| pixels[y * frame.line_size + x / 8] & (0x80 >> (x % 8)) == 0;
        let quiet = (0..side).find(|at| is_dark(*at, *at)).unwrap();
        let module = ((quiet..side).find(|x| !is_dark(*x, quiet)).unwrap() - quiet) / 7;
        let size = (side - 2 * quiet) / module;
        let middle = |at: usize| quiet + at * module + module / 2;
        let modules = (0..size * size).map(|at| is_dark(middle(at % size), middle(at / size)));
        Self { size, dark: modules.collect() }
    }

    fn is_dark(&self, row: usize, column: usize) -> bool {
        self.dark[row * self.size + column]
    }

    /// The level of error correction, and which modules of the data are turned over.
    fn format(&self) -> (usize, usize) {
        let along = (0..6).chain([7, 8]).map(|column| (8, column));
        let up = [7, 5, 4, 3, 2, 1, 0].map(|row| (row, 8));
        let bits = along.chain(up).map(|(row, column)| usize::from(self.is_dark(row, column)));
        let format = bits.fold(0, |format, bit| 2 * format + bit) ^ 0x5412;
        (format >> 13, (format >> 10) & 7)
    }

    /// Whether a module helps scanners, rather than bearing data.
    fn is_fixed(&self, row: usize, column: usize) -> bool {
        let (size, version) = (self.size, (self.size - 17) / 4);
        let far = size - 8;
        let is_corner = (row < 9 && (column < 9 || column >= far)) || (row >= far && column < 9);
        let is_version =
            (row < 6 && (far - 3..far).contains(&column)) || (column < 6 && (far - 3..far).contains(&row));
        // In these versions there are three rows of them, and three columns.
        let middles = [6, 8 + 2 * version, size - 7];
        let near = |at: usize| middles.iter().position(|middle| at.abs_diff(*middle) <= 2);
        let is_alignment = match (near(row), near(column)) {
            (Some(0), Some(0 | 2)) | (Some(2), Some(0)) | (None, _) | (_, None) => false,
            (Some(_), Some(_)) => true,
        };
        row == 6 || column == 6 || is_corner || is_version || is_alignment
    }

    /// All codewords, as they lie: two columns up, two columns down.
    fn codewords(&self) -> Vec<u8> {
        let (level, mask) = self.format();
        assert_eq!(level, 0, "level M");
        let is_turned = |row: usize, column: usize| match mask {
            0 => (row + column).is_multiple_of(2),
            1 => row.is_multiple_of(2),
            2 => column.is_multiple_of(3),
            3 => (row + column).is_multiple_of(3),
            4 => (row / 2 + column / 3).is_multiple_of(2),
            5 => row * column % 2 + row * column % 3 == 0,
            6 => (row * column % 2 + row * column % 3).is_multiple_of(2),
            _ => ((row + column) % 2 + row * column % 3).is_multiple_of(2),
        };
        // The column of the timing pattern belongs to no pair.
        let rights = (0..self.size).rev().filter(|column| *column != 6).step_by(2);
        let mut bits = Vec::new();
        for (pair, right) in rights.enumerate() {
            for step in 0..self.size {
                let row = if pair % 2 == 0 { self.size - 1 - step } else { step };
                for column in [right, right - 1].into_iter().filter(|column| !self.is_fixed(row, *column)) {
                    bits.push(self.is_dark(row, column) ^ is_turned(row, column));
                }
            }
        }
        let byte = |bits: &[bool]| bits.iter().fold(0, |byte, bit| (byte << 1) | u8::from(*bit));
        bits.as_chunks::<8>().0.iter().map(|bits| byte(bits)).collect()
    }
}

/// The codewords of the data in their order: they were dealt out to blocks, the last of which have one more.
fn dealt_back(codewords: &[u8], version: usize) -> Vec<u8> {
    let at = version.checked_sub(VERSION_MIN).filter(|at| *at < BLOCKS.len());
    let Some(at) = at else { panic!("a code of version {version}") };
    let ((blocks, shortest), all) = (BLOCKS[at], CODEWORDS[at]);
    let long_from = blocks - (all - blocks * shortest);
    let block = |block: usize| {
        let short = (0..shortest).map(move |at| at * blocks + block);
        short.chain((block >= long_from).then(|| blocks * shortest + block - long_from))
    };
    (0..blocks).flat_map(block).map(|at| codewords[at]).collect()
}
