//! One line of an `allowed_signers` file (ssh-keygen(1), ALLOWED SIGNERS): a name, options, a key. Only
//! what says clearly whose key it is, and when it holds, is read; everything else is refused.

use super::Entry;
use crate::signature::NAMESPACE;
use ssh_key::{Algorithm, EcdsaCurve, PublicKey};

pub(super) struct Line;

impl Line {
    /// Reads one line that is not empty and no comment.
    pub(super) fn parse(text: &str) -> Result<Entry, String> {
        let (principal, rest) = text
            .split_once([' ', '\t'])
            .ok_or("a line is `NAME [options] KEYTYPE KEY [comment]`")?;
        check_principal(principal)?;
        let rest = rest.trim_start();
        let (options, key) = if is_key_type(rest.split([' ', '\t']).next().unwrap_or_default()) {
            ("", rest)
        } else {
            split_options(rest)?
        };
        let key = PublicKey::from_openssh(key)
            .map_err(|e| format!("the key of `{principal}` cannot be read: {e}"))?;
        match key.algorithm() {
            Algorithm::Ed25519
            | Algorithm::SkEd25519
            | Algorithm::SkEcdsaSha2NistP256
            | Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 } => {}
            other => {
                return Err(format!(
                    "keys of type `{other}` cannot approve; use ssh-ed25519, sk-ssh-ed25519 or ecdsa-sha2-nistp256"
                ));
            }
        }
        let (mut valid_after, mut valid_before) = (None, None);
        for option in split_quoted(options)? {
            let (name, value) = option.split_once('=').unwrap_or((option.as_str(), ""));
            let value = value.trim_matches('"');
            match name.to_ascii_lowercase().as_str() {
                "namespaces" => {
                    if !value.split(',').any(|n| n == NAMESPACE) {
                        return Err(format!(
                            "the key of `{principal}` is not for `{NAMESPACE}`; name it under `namespaces`, or leave that out"
                        ));
                    }
                }
                "valid-after" => valid_after = Some(moment(value)?),
                "valid-before" => valid_before = Some(moment(value)?),
                "cert-authority" => {
                    return Err("a certificate authority names no person; list each key".to_owned());
                }
                other => return Err(format!("the option `{other}` is not known here")),
            }
        }
        let (principal, key) = (principal.to_owned(), key.key_data().clone());
        Ok(Entry { principal, key, valid_after, valid_before })
    }
}

fn check_principal(name: &str) -> Result<(), String> {
    if name.contains(',') {
        return Err("several names on a line: give each person a line of their own".to_owned());
    }
    if name.contains(['*', '?', '!']) {
        return Err("a name with a wildcard names no person".to_owned());
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "@._+-".contains(c);
    if name.len() > 128 || !name.chars().all(plain) {
        return Err(
            "a name has ASCII letters, digits, `@`, `.`, `_`, `+` and `-`, at most 128".into()
        );
    }
    Ok(())
}

fn is_key_type(word: &str) -> bool {
    ["ssh-", "ecdsa-", "sk-"].iter().any(|start| word.starts_with(start))
}

/// The options, and what comes after them. A quoted value may hold blanks.
fn split_options(rest: &str) -> Result<(&str, &str), String> {
    let mut quoted = false;
    let end = rest.char_indices().find(|(_, c)| {
        quoted ^= *c == '"';
        !quoted && c.is_ascii_whitespace()
    });
    let (at, _) = end.ok_or("the key is missing")?;
    rest.split_at_checked(at).map(|(o, k)| (o, k.trim_start())).ok_or_else(|| "unreadable".into())
}

/// The options one by one. A quoted value may hold commas.
fn split_quoted(options: &str) -> Result<Vec<String>, String> {
    let (mut all, mut one, mut quoted) = (Vec::new(), String::new(), false);
    for c in options.chars() {
        quoted ^= c == '"';
        if c == ',' && !quoted {
            all.push(std::mem::take(&mut one));
        } else {
            one.push(c);
        }
    }
    if quoted {
        return Err("a quote is not closed".to_owned());
    }
    if !one.is_empty() {
        all.push(one);
    }
    Ok(all)
}

/// `YYYYMMDDZ` or `YYYYMMDDHHMM[SS]Z`, as unix seconds. Without the `Z` it would be the time of whatever
/// machine reads it.
fn moment(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is not a moment in UTC, such as 20261231Z or 202612312359Z");
    let digits = text.strip_suffix('Z').ok_or_else(wrong)?;
    let format = match digits.len() {
        8 => "%Y%m%d",
        12 => "%Y%m%d%H%M",
        14 => "%Y%m%d%H%M%S",
        _ => return Err(wrong()),
    };
    let moment = if digits.len() == 8 {
        jiff::civil::Date::strptime(format, digits)
            .map(|d| d.to_datetime(jiff::civil::Time::midnight()))
    } else {
        jiff::civil::DateTime::strptime(format, digits)
    };
    let moment = moment.map_err(|_| wrong())?;
    let stamp = jiff::tz::Offset::UTC.to_timestamp(moment).map_err(|_| wrong())?;
    u64::try_from(stamp.as_second()).map_err(|_| wrong())
}
