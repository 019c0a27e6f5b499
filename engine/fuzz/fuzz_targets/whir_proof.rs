//! Bytes as a proof of a fixed statement.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use microtome_fuzz::Fixture;

static FIXTURE: LazyLock<Fixture> = LazyLock::new(Fixture::default);

fuzz_target!(|bytes: &[u8]| {
    let _ = FIXTURE.verify(bytes);
});
