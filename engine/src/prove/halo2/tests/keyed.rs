//! Keys: pinned, and different where anything differs.

use super::*;
use crate::prove::halo2::keys::verifying_key;
use expect_test::expect;

#[test]
fn keys_are_pinned() {
    let case = tiny(1);
    let digests = WIDTHS.map(|width| {
        let steps = steps(&case.program, &case.slice).unwrap();
        let shape = shape_of(&case.program, &case.slice, &steps, width);
        let params = parameters(shape.k, None).unwrap();
        let vk = verifying_key(&case.program, &case.slice, &shape, &steps, &params).unwrap();
        let digest = blake3::hash(format!("{:#?}", vk.pinned()).as_bytes());
        format!("{width} k={} {} bytes {}\n", shape.k, shape.proof_bytes, digest.to_hex())
    });
    expect![[r#"
        4x4 k=8 6240 bytes dad1a0120638d11533365e400b676eb0c3ee6e25aaeda44ee5a8447cb504ffd6
        8x6 k=8 8160 bytes 07dbdcd50063030961f4d56723492667060a04dc35b87c3282f2419b3e5bbe0c
        8x8 k=8 8928 bytes ac33eb5687d5a7d2b9d9013ca8adbe3384fbe0b7520232490636af5d339d4431
    "#]]
    .assert_eq(&digests.concat());
}

#[test]
fn another_system_circuit_or_slice_has_another_key() {
    let case = tiny(1);
    let key = |program: &Program, width: Width| {
        let slice = program.slice(0..program.ops.len());
        let steps = steps(program, &slice).unwrap();
        let shape = shape_of(program, &slice, &steps, width);
        let params = parameters(shape.k, None).unwrap();
        let vk = verifying_key(program, &slice, &shape, &steps, &params).unwrap();
        format!("{:?}", vk.pinned())
    };
    let base = key(&case.program, Width::NARROWEST);
    let changed = |change: &dyn Fn(&mut crate::program::Linear)| {
        let mut program = case.program.clone();
        if let crate::program::Kind::Linear(linear) = &mut program.ops[0].kind {
            change(std::sync::Arc::make_mut(linear));
        }
        key(&program, Width::NARROWEST)
    };
    let mut keys = vec![
        base.clone(),
        key(&case.program, WIDTHS[2]),
        changed(&|linear| linear.weights[0] += 1),
        changed(&|linear| linear.bias[1] -= 1),
        changed(&|linear| linear.shift += 1),
    ];
    let mut renumbered = case.program.clone();
    renumbered.tensors[0].shape = vec![16];
    keys.push(key(&renumbered, Width::NARROWEST));
    let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
    assert_eq!(distinct.len(), keys.len());
    assert_eq!(base, key(&case.program, Width::NARROWEST));
}
