//! libFuzzer's way to the target `bridge_url`; what it does is in `tests/fuzzing`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    interlock_fuzzing::run("bridge_url", data).expect("the table has this target");
});
