//! The seeds of the fuzzer, replayed: bytes that nobody vouches for never panic.

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

use fuzz::Fixture;

#[test]
fn size() {
    let f = Fixture::default();
    let p = f.prove([0; 32]).unwrap();
    let t = std::time::Instant::now();
    for _ in 0..20 {
        f.verify(&p).unwrap();
    }
    println!("{} bytes, {:?}", p.len(), t.elapsed() / 20);
}
