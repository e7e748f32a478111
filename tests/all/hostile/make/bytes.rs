//! Bytes that are no component, or not quite one.

use anyhow::{Context, Result};

use super::super::attack::{Attack, Content};
use super::text::run;

const WHOLE: &str = "(func (export \"run\") (result i32) (i32.const 1))";
const REFUSED: &str = "is refused before anything is compiled";

pub(super) fn all() -> Result<Vec<Attack>> {
    let whole = wat::parse_str(run(WHOLE))?;
    let half = whole.get(..whole.len() / 2).context("half a component")?.to_vec();
    let mut all = Vec::new();
    let mut add = |name: &str, what: &str, bytes: Vec<u8>| {
        all.push(Attack::new(name, "C7", what, Content::Bytes(bytes)).refused(2, REFUSED));
    };
    add("empty", "an empty file", Vec::new());
    add("words", "a shell script", b"#!/bin/sh\nrm -rf /\n".to_vec());
    add(
        "elf",
        "a program of the machine itself",
        b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec(),
    );
    add("header-half", "the first four bytes of a component", b"\0asm".to_vec());
    add("header-other", "a version that no component has", b"\0asm\x2a\0\x01\0".to_vec());
    add("truncated", "half a component", half);
    add("core-binary", "a core module in binary form", b"\0asm\x01\0\0\0".to_vec());
    // id 0 is a custom section; its size is written in the five bytes after it.
    let header = b"\0asm\x0d\0\x01\0";
    let with = |more: &[u8]| [&header[..], more].concat();
    add("section-4gib", "a section that says it has 4 GiB", with(b"\0\xff\xff\xff\xff\x0f"));
    add(
        "section-overlong",
        "a size in more bytes than a number has",
        with(b"\0\x80\x80\x80\x80\x80\x80\x01"),
    );
    add("section-unknown", "a section of a kind that there is not", with(b"\x7f\x01\0"));
    add(
        "name-not-utf8",
        "a custom section whose name is not UTF-8",
        with(b"\0\x04\x03\xff\xfe\xfd"),
    );
    add(
        "count-4gi",
        "a section with 4,294,967,295 types in four bytes",
        with(b"\x07\x05\xff\xff\xff\xff\x0f"),
    );
    for (number, at, what) in [
        (1, 8, "a component whose first section is changed into another kind"),
        (2, whole.len() / 2, "a component with one byte changed in its middle"),
    ] {
        let mut flipped = whole.clone();
        if let Some(byte) = flipped.get_mut(at) {
            *byte ^= 0x55;
        }
        add(&format!("flipped-{number}"), what, flipped);
    }
    add("trailing", "a component with garbage behind it", [&whole[..], &[0xa5; 64]].concat());
    add("too-large", "65 MiB", vec![0xa5; 65 << 20]);
    let long = [&whole[..], &custom(&vec![0; 8 << 20])].concat();
    all.push(
        Attack::new(
            "custom-8mib",
            "C7",
            "a custom section of 8 MiB, which nobody reads",
            Content::Bytes(long),
        )
        .ends(0, "is a plugin of its size, and costs the host no more"),
    );
    Ok(all)
}

/// A custom section named `x`.
fn custom(data: &[u8]) -> Vec<u8> {
    let mut section = vec![0];
    let mut size = data.len() + 2;
    while size >= 0x80 {
        section.push((size & 0x7f) as u8 | 0x80);
        size >>= 7;
    }
    section.push(size as u8);
    section.extend([1, b'x']);
    section.extend_from_slice(data);
    section
}
