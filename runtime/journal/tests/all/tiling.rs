//! Tiles, paths and bundles as the public layout has them.

use interlock_journal::{Bundle, JournalError, MAX_LEAF_BYTES, MAX_SIZE, Resource, Tile};

/// The two examples of the specification.
#[test]
fn the_tiles_of_70000_and_256_leaves() {
    let shape = |size: u64| -> Vec<(u8, u64, u16)> {
        Tile::edge(size).map(|tile| (tile.level(), tile.index(), tile.width())).collect()
    };
    assert_eq!(shape(70_000), [(2, 0, 1), (1, 1, 17), (0, 273, 112)]);
    assert_eq!(shape(256), [(1, 0, 1)]);
    assert_eq!(shape(0), []);
    assert_eq!(Tile::in_tree(0, 273, 70_000), Tile::new(0, 273, 112).ok());
    assert_eq!(Tile::in_tree(0, 272, 70_000), Tile::new(0, 272, 256).ok());
    assert_eq!(Tile::in_tree(0, 274, 70_000), None);
    assert_eq!(Tile::in_tree(1, 0, 70_000), Tile::new(1, 0, 256).ok());
    assert_eq!(Tile::in_tree(0, u64::MAX, 70_000), None);
    assert_eq!(Tile::in_tree(255, 0, 70_000), None);
}

#[test]
fn paths_are_those_of_the_specification() {
    let hashes = |level, index, width| Resource::Hashes(Tile::new(level, index, width).unwrap());
    for (resource, path) in [
        (Resource::Checkpoint, "checkpoint"),
        (hashes(0, 0, 256), "tile/0/000"),
        (hashes(0, 1_234_067, 256), "tile/0/x001/x234/067"),
        (hashes(2, 1_234_067, 8), "tile/2/x001/x234/067.p/8"),
        (hashes(1, 999, 255), "tile/1/999.p/255"),
        (hashes(1, 1000, 1), "tile/1/x001/000.p/1"),
        (hashes(7, 0, 1), "tile/7/000.p/1"),
        (Resource::Entries(Tile::new(0, 273, 112).unwrap()), "tile/entries/273.p/112"),
        (Resource::Payloads(Tile::new(0, 5, 256).unwrap()), "payloads/005"),
    ] {
        assert_eq!(resource.path(), path);
        assert_eq!(Resource::parse(path).unwrap(), resource);
    }
}

#[test]
fn any_other_spelling_of_a_path_is_refused() {
    for path in [
        "",
        "/checkpoint",
        "checkpoint/",
        "Checkpoint",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/00/000",
        "tile/+0/000",
        "tile/-1/000",
        "tile/8/000",
        "tile/64/000",
        "tile/256/000",
        "tile/0/x000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/0/xx01/000",
        "tile/0/x1000/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/000.p/1/",
        "tile/0/000.p/1.p/1",
        "tile/0/000/",
        "tile/0//000",
        "tile/0/ 000",
        "tile/7/000",
        "tile/7/000.p/2",
        "tile/7/001.p/1",
        "tile/entries/000/../001",
        "tile/entries/../000",
        "tile/entries/",
        "tile/data/000",
        "tile/8/0/000",
        "payloads/",
        "payloads/x000/000",
        "../checkpoint",
        "tile/0/\u{0661}\u{0661}\u{0661}",
        "tile/0/000\n",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
    ] {
        let refused = Resource::parse(path);
        assert!(matches!(refused, Err(JournalError::BadPath(_))), "{path}: {refused:?}");
    }
}

#[test]
fn a_message_repeats_little_of_a_bad_path_and_no_control_characters() {
    let path = format!("tile/\u{1b}[2J{}", "x".repeat(10_000));
    let message = Resource::parse(&path).unwrap_err().to_string();
    assert!(message.len() < 200 && !message.contains('\u{1b}'), "{message}");
}

#[test]
fn bundles_hold_up_to_256_leaves_and_have_one_form() {
    let mut bundle = Bundle::new();
    let leaves: Vec<Vec<u8>> = (0..256).map(|index| vec![index as u8; index]).collect();
    for leaf in &leaves {
        bundle.push(leaf).unwrap();
    }
    assert_eq!(Bundle::parse(bundle.as_bytes()).unwrap(), leaves);
    assert_eq!(bundle.leaves(), 256);
    assert!(matches!(bundle.push(b"one more"), Err(JournalError::BundleFull)));
    assert_eq!(&bundle.as_bytes()[..6], [0, 0, 0, 1, 1, 0]);
    for cut in [1, 3, bundle.as_bytes().len() - 1] {
        let cut = &bundle.as_bytes()[..cut];
        assert!(matches!(Bundle::parse(cut), Err(JournalError::BadBundle)));
    }
    let mut long = bundle.as_bytes().to_vec();
    long.extend([0, 0]);
    assert!(matches!(Bundle::parse(&long), Err(JournalError::BadBundle)));
    assert!(matches!(Bundle::parse(b""), Err(JournalError::BadBundle)));
    let mut bundle = Bundle::new();
    let refused = bundle.push(&vec![0; MAX_LEAF_BYTES + 1]);
    assert!(matches!(refused, Err(JournalError::LeafTooLong { .. })));
    assert_eq!(bundle.leaves(), 0);
    bundle.push(&vec![7; MAX_LEAF_BYTES]).unwrap();
    assert_eq!(Bundle::parse(bundle.as_bytes()).unwrap()[0].len(), MAX_LEAF_BYTES);
}

/// Somebody else's numbers: the product of an index and 256 need not fit.
#[test]
fn no_tile_lies_beyond_the_largest_tree() {
    for level in 0..=7_u8 {
        // The last full tile of the largest tree, where a level has one.
        let full = (MAX_SIZE >> (8 * level)) / 256;
        for (index, width, there) in [
            (full.wrapping_sub(1), 256, full > 0),
            (full, 1, level == 7),
            (full + 1, 1, false),
            ((1 << 56) - 1, 256, false),
            (1 << 56, 1, false),
            (u64::MAX >> 8, 256, false),
            (u64::MAX, 256, false),
        ] {
            let tile = Tile::new(level, index, width);
            assert_eq!(tile.is_ok(), there, "level {level}, index {index}, width {width}");
        }
    }
    assert!(Tile::new(8, 0, 1).is_err() && Tile::new(0, 0, 0).is_err());
    assert!(Tile::new(0, 0, 257).is_err());
    for path in ["tile/0/x072/x057/x594/x037/x927/935", "tile/0/x072/x057/x594/x037/x927/936"] {
        assert!(Resource::parse(path).is_err(), "{path}");
    }
}
