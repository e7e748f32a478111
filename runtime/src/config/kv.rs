//! The `[kv]` table: how much each plugin may keep in the store of keys and values. A bound that is none, or that one
//! value could not fit, is refused when it is read, not when a plugin meets it.

use super::Reader;
use crate::HostError;
use bytesize::ByteSize;
use interlock_providers::kv::Quota;
use serde::Deserialize;
use toml::Spanned;

/// The longest value that can be allowed: a value is shown to whoever approves it.
const MOST_VALUE: u64 = 1 << 20;
const MOST_BYTES: u64 = 1 << 30;
const MOST_KEYS: u64 = 1_000_000;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawKv {
    value: Option<Spanned<String>>,
    keys: Option<Spanned<u64>>,
    bytes: Option<Spanned<String>>,
}

/// Reads the table over the defaults.
pub(super) fn check(reader: &Reader<'_>, raw: &RawKv) -> Result<Quota, HostError> {
    let size = |at: &Option<Spanned<String>>, most: u64, otherwise: u64| match at {
        None => Ok(otherwise),
        Some(at) => match at.get_ref().parse::<ByteSize>() {
            Ok(size) if (1..=most).contains(&size.as_u64()) => Ok(size.as_u64()),
            Ok(_) => {
                Err(reader
                    .error(at, format!("must be at least 1 byte and at most {}", ByteSize(most))))
            }
            Err(_) => Err(reader
                .error(at, format!("`{}` is not a size; write one such as `64KiB`", at.get_ref()))),
        },
    };
    let default = Quota::default();
    let keys = match &raw.keys {
        None => default.keys,
        Some(at) if (1..=MOST_KEYS).contains(at.get_ref()) => *at.get_ref(),
        Some(at) => {
            return Err(reader.error(at, format!("must be at least 1 and at most {MOST_KEYS}")));
        }
    };
    let value = size(&raw.value, MOST_VALUE, default.value)?;
    let bytes = size(&raw.bytes, MOST_BYTES, default.bytes)?;
    if let Some(at) = raw.bytes.as_ref().or(raw.value.as_ref()).filter(|_| value > bytes) {
        return Err(reader.error(at, "one value can be longer than all together; raise `bytes`"));
    }
    Ok(Quota { value, keys, bytes })
}

#[cfg(test)]
mod tests {
    use crate::Config;
    use interlock_providers::kv::Quota;
    use std::path::Path;

    fn read(text: &str) -> Result<Quota, String> {
        let config = Config::parse(Path::new("/x/interlock.toml"), text);
        config.map(|c| c.kv).map_err(|e| e.to_string())
    }

    #[test]
    fn bounds_are_read_over_defaults_that_suit_small_things() {
        assert_eq!(read("").unwrap(), Quota { value: 64 << 10, keys: 1000, bytes: 4 << 20 });
        let all = "[kv]\nvalue = \"1KiB\"\nkeys = 5\nbytes = \"2KiB\"";
        assert_eq!(read(all).unwrap(), Quota { value: 1 << 10, keys: 5, bytes: 2 << 10 });
        for (text, part) in [
            ("[kv]\nvalue = \"2MiB\"", "at most"),
            ("[kv]\nvalue = \"much\"", "is not a size"),
            ("[kv]\nkeys = 0", "at least 1"),
            ("[kv]\nbytes = \"1KiB\"", "raise `bytes`"),
            ("[kv]\nsize = \"1KiB\"", "unknown field"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
