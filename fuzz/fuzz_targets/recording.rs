//! libFuzzer's way to the target `recording`; what it does is in `tests/fuzzing`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    interlock_fuzzing::run("recording", data).expect("the table has this target");
});
