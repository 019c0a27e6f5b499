//! Bytes as a proof bundle.
#![no_main]

use libfuzzer_sys::fuzz_target;
use microtome_engine::bundle::Bundle;

fuzz_target!(|bytes: &[u8]| {
    // There is one encoding only.
    if let Ok(bundle) = Bundle::decode(bytes) {
        assert_eq!(bundle.encode(), bytes);
    }
});
