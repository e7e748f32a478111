//! How much a plugin may keep. It counts before anything is kept: a plugin that never stops noting costs its bound
//! and no more.

/// The bounds of each plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// The longest value, in bytes.
    pub value: u64,
    /// The most keys.
    pub keys: u64,
    /// The most bytes of keys and values together.
    pub bytes: u64,
}

impl Default for Quota {
    fn default() -> Self {
        Self { value: 64 << 10, keys: 1000, bytes: 4 << 20 }
    }
}

/// What a plugin keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Used {
    pub(super) keys: u64,
    pub(super) bytes: u64,
}

impl Used {
    /// The same after the value of a key, of these many bytes, became another, or none.
    pub(super) fn after(self, key: &str, before: Option<u64>, now: Option<u64>) -> Self {
        let size = |value: u64| (key.len() as u64).saturating_add(value);
        Self {
            keys: self
                .keys
                .saturating_sub(u64::from(before.is_some()))
                .saturating_add(u64::from(now.is_some())),
            bytes: self
                .bytes
                .saturating_sub(before.map_or(0, size))
                .saturating_add(now.map_or(0, size)),
        }
    }
}

impl Quota {
    /// Whether a value may be kept after which this much is used. The error is one sentence with its code.
    pub(super) fn allows(&self, before: Used, after: Used, value: u64) -> Result<(), String> {
        if value > self.value {
            return Err(format!("value-too-long: a value has at most {} bytes", self.value));
        }
        // Where bounds were lowered, what is there may become less.
        if after.keys > self.keys && after.keys > before.keys {
            return Err(format!(
                "too-many-keys: a plugin keeps at most {} keys; delete some",
                self.keys
            ));
        }
        if after.bytes > self.bytes && after.bytes > before.bytes {
            return Err(format!(
                "too-many-bytes: a plugin keeps at most {} bytes; delete some",
                self.bytes
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Quota, Used};

    #[test]
    fn every_bound_holds_at_its_edge_and_less_is_always_allowed() {
        let quota = Quota { value: 10, keys: 2, bytes: 20 };
        let none = Used::default();
        let one = none.after("aaaa", None, Some(6));
        assert_eq!(one, Used { keys: 1, bytes: 10 });
        let two = one.after("bbbb", None, Some(6));
        assert_eq!(quota.allows(one, two, 6), Ok(()));
        let code = |before, after, value| {
            quota.allows(before, after, value).map_err(|e| e.split(':').next().unwrap().to_owned())
        };
        assert_eq!(code(none, one, 11), Err("value-too-long".into()));
        assert_eq!(code(two, two.after("c", None, Some(0)), 0), Err("too-many-keys".into()));
        assert_eq!(code(two, two.after("bbbb", Some(6), Some(7)), 7), Err("too-many-bytes".into()));
        let over = Used { keys: 5, bytes: 100 };
        assert_eq!(code(over, over.after("bbbb", Some(9), Some(8)), 8), Ok(()));
        assert_eq!(two.after("bbbb", Some(6), None), one);
    }
}
