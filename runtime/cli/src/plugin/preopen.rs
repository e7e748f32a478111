//! The option `--preopen HOST=/GUEST`: read where it was typed, written where it will be read. It stops a
//! folder that somebody named in one directory from meaning another one beside the configuration.

use super::super::problem::Problem;
use std::path::{Component, Path, PathBuf};

/// Reads the options as they will stand in the configuration `config`: relative to its folder where the
/// host folder lies inside it, absolute otherwise.
pub(super) fn read(texts: &[String], config: &Path) -> Result<Vec<(String, String)>, Problem> {
    let mut preopens: Vec<(String, String)> = Vec::new();
    for text in texts {
        let wrong = |problem: &str| Problem::usage(format!("`--preopen {text}`: {problem}"));
        let Some((host, guest)) = text.split_once('=').filter(|(host, _)| !host.is_empty()) else {
            return Err(wrong(
                "write the host folder, `=`, and where the plugin sees it, such as `notes=/notes`",
            ));
        };
        let is_plain = Path::new(guest)
            .components()
            .all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
        if !guest.starts_with('/') || guest.contains("..") || !is_plain {
            return Err(wrong(
                "where the plugin sees the folder is an absolute path without `..`, such as `/notes`",
            ));
        }
        if preopens.iter().any(|(_, other)| other == guest) {
            return Err(wrong("another folder has this place already; give each its own"));
        }
        let cannot = |e: std::io::Error| wrong(&format!("the host folder cannot be read: {e}"));
        if !std::fs::metadata(host).map_err(cannot)?.is_dir() {
            return Err(wrong("the host path is not a folder"));
        }
        let parent = match config.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let (host, base) = (place(Path::new(host)), place(parent));
        let host = stored(host.map_err(cannot)?, &base.map_err(cannot)?);
        let host = host.into_os_string().into_string();
        preopens.push((host.map_err(|_| wrong("its path is not UTF-8"))?, guest.to_owned()));
    }
    Ok(preopens)
}

/// A path from the root. Names stay as they were typed, so that a link may be moved later; `..` goes by
/// what is on the disk.
fn place(path: &Path) -> std::io::Result<PathBuf> {
    if path.components().any(|part| part == Component::ParentDir) {
        path.canonicalize()
    } else {
        std::path::absolute(path)
    }
}

fn stored(host: PathBuf, base: &Path) -> PathBuf {
    match host.strip_prefix(base) {
        Ok(inside) if inside.as_os_str().is_empty() => PathBuf::from("."),
        Ok(inside) => inside.to_owned(),
        Err(_) => host,
    }
}

#[cfg(test)]
mod tests {
    use super::stored;
    use std::path::{Path, PathBuf};

    #[test]
    fn a_folder_is_kept_relative_where_it_moves_with_the_configuration() {
        let stored = |host: &str| stored(PathBuf::from(host), Path::new("/a/b"));
        assert_eq!(stored("/a/b/c/d"), Path::new("c/d"));
        assert_eq!(stored("/a/b"), Path::new("."));
        assert_eq!(stored("/a/bc"), Path::new("/a/bc"));
        assert_eq!(stored("/a"), Path::new("/a"));
    }
}
