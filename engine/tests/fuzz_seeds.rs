//! The seeds of the fuzzer, replayed: bytes that nobody vouches for never panic, and only the
//! honest ones are taken.

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

use std::panic::catch_unwind;
use std::path::PathBuf;

use fuzz::Fixture;
use microtome_engine::bundle::Bundle;

/// Replays each seed of a target. With `UPDATE_SEEDS` in the environment, writes `written` first.
fn replay(target: &str, written: Vec<(&str, Vec<u8>)>, is_taken: fn(&[u8]) -> bool) {
    let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "fuzz", "seeds", target].iter().collect();
    if std::env::var_os("UPDATE_SEEDS").is_some() {
        std::fs::create_dir_all(&folder).unwrap();
        for (name, bytes) in &written {
            std::fs::write(folder.join(name), bytes).unwrap();
        }
    }
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for (name, _) in &written {
        assert!(files.contains(&folder.join(name)), "{name} is missing");
    }
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&file).unwrap();
        let verdict = catch_unwind(|| is_taken(&bytes));
        let verdict = verdict.unwrap_or_else(|_| panic!("{target}/{name} makes a verifier panic"));
        assert_eq!(
            verdict,
            name.starts_with("honest"),
            "{target}/{name}: if the format has changed, write the seeds again with UPDATE_SEEDS=1"
        );
    }
}

/// An honest proof, and what can happen to one.
fn proofs() -> Vec<(&'static str, Vec<u8>)> {
    let fixture = Fixture::default();
    let honest = fixture.prove([0; 32]).unwrap();
    let len = honest.len();
    // In the look-up argument, in the opening's first messages, in opened rows, in its last ones.
    let flips = [("flip_lookups", 3000), ("flip_opening", 7000), ("flip_row", len / 2)];
    let mut seeds: Vec<_> = flips
        .into_iter()
        .chain([("flip_end", len - 100)])
        .map(|(name, at)| {
            let mut bytes = honest.clone();
            bytes[at] ^= 1;
            (name, bytes)
        })
        .collect();
    seeds.push(("cut_off", honest[..len / 3].to_vec()));
    seeds.push(("lengthened", [honest.as_slice(), &[0]].concat()));
    seeds.push(("other_context", fixture.prove([1; 32]).unwrap()));
    seeds.push(("zeros", vec![0; 4096]));
    seeds.push(("ones", vec![0xff; 64]));
    seeds.push(("honest", honest));
    seeds
}

fn bundles() -> Vec<(&'static str, Vec<u8>)> {
    let honest = fuzz::bundle().encode();
    let cut_off = honest[..honest.len() / 2].to_vec();
    vec![("honest", honest), ("cut_off", cut_off)]
}

#[test]
fn no_proof_makes_the_verifier_panic() {
    replay("whir_proof", proofs(), |bytes| Fixture::default().verify(bytes).is_ok());
}

#[test]
fn no_bundle_makes_the_decoder_panic() {
    replay("bundle", bundles(), |bytes| Bundle::decode(bytes).is_ok());
}
