use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::program::Source;
use crate::prove::halo2;

fn bundle() -> Bundle {
    let salt = Salt::from_bytes([3; 32]).unwrap();
    let card = Card { source: Source::Nominal, weight_bits: 8, values: Vec::new() };
    Bundle {
        header: Header {
            model: Digest([0xab; 32]),
            splits: vec![("conv".to_owned(), "rows:2".parse().unwrap())],
            program: Digest([2; 32]),
            cuts: vec![4],
            systems: vec![System::Halo2; 2],
            weights: Custody::Public,
            card,
            nonce: [5; 32],
            context: "context".to_owned(),
            boundaries: vec![Boundary {
                value: ValueId(7),
                binding: Binding::Salted(Commitment::from_bytes([6; 32]).unwrap()),
            }],
            openings: vec![Opening { value: ValueId(7), salt: Some(salt), elements: vec![-1, 2] }],
        },
        slices: vec![
            SliceRecord { index: 0, backing: Backing::Proof(vec![8; 10]) },
            SliceRecord { index: 1, backing: Backing::Executed },
        ],
    }
}

#[test]
fn a_bundle_survives_its_bytes() {
    let bundle = bundle();
    assert_eq!(Bundle::decode(&bundle.encode()).unwrap(), bundle);
    assert_eq!(bundle.proof_bytes(), 10);
}

#[test]
fn every_part_but_the_openings_is_in_the_context_of_each_slice() {
    let honest = bundle();
    let context = |bundle: &Bundle| bundle.header.slice_context(0);
    type Change = fn(&mut Header);
    let changes: [Change; 10] = [
        |h| h.model.0[0] ^= 1,
        |h| h.splits.clear(),
        |h| h.splits[0].1.parts += 1,
        |h| h.program.0[0] ^= 1,
        |h| h.cuts[0] += 1,
        |h| h.systems.truncate(1),
        |h| h.card.weight_bits += 1,
        |h| h.nonce[0] ^= 1,
        |h| h.context.push('x'),
        |h| h.boundaries[0].value.0 += 1,
    ];
    for change in changes {
        let mut other = honest.clone();
        change(&mut other.header);
        assert_ne!(context(&other), context(&honest), "{other:?}");
        assert_ne!(other.root(), honest.root());
    }
    assert_ne!(honest.header.slice_context(1), context(&honest));
    let mut closed = honest.clone();
    closed.header.openings.clear();
    assert_eq!(context(&closed), context(&honest));
    assert_ne!(closed.root(), honest.root());
}

#[test]
fn a_second_spelling_is_refused() {
    let bytes = bundle().encode();
    // The first digest's text starts after the mark, the version and its length.
    let mut upper = bytes.clone();
    let place = upper.iter().position(|b| (b'a'..=b'f').contains(b)).unwrap();
    upper[place].make_ascii_uppercase();
    assert!(Bundle::decode(&upper).is_err());
    // A length of one byte more that says the same.
    let mut longer = bytes.clone();
    assert_eq!(longer[10], 64);
    longer.splice(10..11, [0xc0, 0x00]);
    assert!(Bundle::decode(&longer).is_err());
}

#[test]
fn other_formats_are_named() {
    let mut bytes = bundle().encode();
    bytes[8] = 1;
    let error = Bundle::decode(&bytes).unwrap_err();
    assert!(error.to_string().contains("format 1"), "{error}");
    assert!(matches!(Bundle::decode(b"PK"), Err(BundleError::Mark { .. })));
}

#[test]
fn a_salt_is_never_printed() {
    let salt = halo2::random_salt();
    let text = String::from(salt);
    let opening = Opening { value: ValueId(0), salt: Some(salt), elements: Vec::new() };
    assert!(!format!("{opening:?}").contains(&text));
}

proptest! {
    #[test]
    fn hostile_bytes_neither_panic_nor_allocate_more_than_they_are(body in vec(any::<u8>(), 0..400)) {
        let mut bytes = b"MTBUNDLE\x01\x00".to_vec();
        bytes.extend(body);
        let _ = Bundle::decode(&bytes);
    }

    #[test]
    fn hostile_changes_are_seen(place in 0usize..1000, value in any::<u8>()) {
        let bundle = bundle();
        let mut bytes = bundle.encode();
        let place = place % bytes.len();
        bytes[place] = value;
        if let Ok(decoded) = Bundle::decode(&bytes) {
            prop_assert_eq!(decoded.root() == bundle.root(), bytes == bundle.encode());
        }
    }
}
