//! A small mutator for the tests: the same inputs for the same seed, on every machine and without instrumentation. It
//! finds what lies near the corpora; what lies further away is libFuzzer's.

/// Random numbers that are the same in each run (SplitMix64).
#[derive(Debug)]
pub struct Seeded(pub u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap_or_default()
    }

    fn one<'t, T>(&mut self, of: &'t [T]) -> Option<&'t T> {
        of.get(self.below(of.len()))
    }

    /// An input near those of a corpus: one of them, changed in one to four places.
    pub fn near(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = self.one(corpus).cloned().unwrap_or_default();
        for _ in 0..=self.below(4) {
            let at = self.below(input.len() + 1);
            let to = (at + self.below(12)).min(input.len());
            match self.below(6) {
                0 => {
                    let bit = 1 << self.below(8);
                    if let Some(byte) = input.get_mut(at) {
                        *byte ^= bit;
                    }
                }
                1 => {
                    let byte = self.next() as u8;
                    input.insert(at, byte);
                }
                2 => drop(input.drain(at..to)),
                3 => {
                    let again: Vec<u8> = input.get(at..to).unwrap_or_default().to_vec();
                    input.splice(at..at, again);
                }
                4 => {
                    // A piece of another input of the corpus.
                    let other = self.one(corpus).map(Vec::as_slice).unwrap_or_default();
                    let from = self.below(other.len() + 1);
                    let end = (from + self.below(24)).min(other.len());
                    input.splice(at..to, other.get(from..end).unwrap_or_default().to_vec());
                }
                _ => {
                    let odd = self.one(ODD).copied().unwrap_or_default();
                    input.splice(at..to, odd.iter().copied());
                }
            }
        }
        input.truncate(16 << 10);
        input
    }
}

/// What readers stumble over.
const ODD: &[&[u8]] = &[
    b"\0",
    b"\n",
    b"\r\n",
    b"\n\n",
    b" ",
    b"/",
    b"//",
    b"..",
    b"/../",
    b"%",
    b"%2e",
    b"\\",
    b"@",
    b":",
    b"[",
    b"]",
    b"{",
    b"}",
    b"\"",
    b"=",
    b"-",
    b"--",
    b"+",
    b"0",
    b"-0",
    b"1.0",
    b"1e17",
    b"1e21",
    b"1e999",
    b"9007199254740993",
    b"18446744073709551616",
    b"null",
    b"true",
    b"[]",
    b"{}",
    b"\xff",
    "é".as_bytes(),
    "\u{202e}".as_bytes(),
    "\u{212a}".as_bytes(),
    "\u{2028}".as_bytes(),
    b"\\u0000",
    b"\\ud800",
    b".interlock",
];
