//! Random numbers from the run's seed: the same run gets the same numbers, and no plugin reads the
//! host's entropy. SHA-256 in counter mode, one stream for each interface.

use sha2::{Digest as _, Sha256};
use wasmtime::component::HasData;
use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};

/// The most bytes that one call may ask for.
const MAX_BYTES: u64 = 1 << 20;

/// The generators of one run.
pub(crate) struct SeededRandom {
    seed: [u8; 32],
    secure: Stream,
    insecure: Stream,
}

impl HasData for SeededRandom {
    type Data<'a> = &'a mut SeededRandom;
}

impl SeededRandom {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self { seed, secure: Stream::new(seed, b'r'), insecure: Stream::new(seed, b'i') }
    }
}

/// One stream of bytes.
struct Stream {
    seed: [u8; 32],
    label: u8,
    counter: u64,
    block: [u8; 32],
    used: usize,
}

impl Stream {
    fn new(seed: [u8; 32], label: u8) -> Self {
        Self { seed, label, counter: 0, block: [0; 32], used: 32 }
    }

    fn byte(&mut self) -> u8 {
        if let Some(byte) = self.block.get(self.used) {
            self.used += 1;
            return *byte;
        }
        let mut hash = Sha256::new_with_prefix(b"interlock-random-v1");
        hash.update([self.label]);
        hash.update(self.counter.to_le_bytes());
        hash.update(self.seed);
        self.block = hash.finalize().into();
        self.counter = self.counter.wrapping_add(1);
        self.used = 1;
        let [first, ..] = self.block;
        first
    }

    fn bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        if len > MAX_BYTES {
            wasmtime::bail!("a plugin may ask for at most {MAX_BYTES} random bytes in one call");
        }
        Ok((0..len).map(|_| self.byte()).collect())
    }

    fn number(&mut self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|_| self.byte()))
    }
}

impl random::Host for SeededRandom {
    fn get_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.secure.bytes(len)
    }
    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.secure.number())
    }
}

impl insecure::Host for SeededRandom {
    fn get_insecure_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.insecure.bytes(len)
    }
    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.insecure.number())
    }
}

impl insecure_seed::Host for SeededRandom {
    /// The same at each call: the interface says that it is meant to be called once.
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        let mut stream = Stream::new(self.seed, b's');
        Ok((stream.number(), stream.number()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_same_numbers_and_streams_differ() {
        let draw = |seed| {
            let mut random = SeededRandom::new([seed; 32]);
            let mut bytes = random.secure.bytes(100).unwrap();
            bytes.extend(random.insecure.bytes(100).unwrap());
            (bytes, insecure_seed::Host::insecure_seed(&mut random).unwrap())
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        let (bytes, _) = draw(1);
        assert_ne!(bytes[..100], bytes[100..]);
        assert_ne!(bytes[..32], bytes[32..64]);
        assert!(SeededRandom::new([0; 32]).secure.bytes(MAX_BYTES + 1).is_err());
    }
}
