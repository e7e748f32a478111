//! libFuzzer's way to the target `mcp_frames`; what it does is in `tests/fuzzing`.
#![no_main]

libfuzzer_sys::fuzz_target!(
    // The plugin of the target is compiled by this program.
    init: interlock::helper::run_if_asked(),
    |data: &[u8]| {
        interlock_fuzzing::run("mcp_frames", data).expect("the table has this target");
    }
);
