//! Keys: pinned, and different where anything differs.

use super::*;
use crate::prove::halo2::keys::{KeptKeys, verifying_key};
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
        4x1x1 k=8 5344 bytes 32c94efb6be676157839d6f7cc4574f1762253ffd2036035ff2381b922adf6e0
        4x3x1 k=8 5856 bytes 7f47f3e1205e918f92a045897e710fa171f0f8c077d6670857952066f6c2b6d8
        8x2x2 k=8 8064 bytes 555784087c1e5b1ceb8647ba86ebad3975bb652808c980abe55ddc5510722104
        6x4x3 k=8 10080 bytes 11708c5346a309b620cff4ec2a582450e6305f3facb30d826e793a3b78a6dcfa
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

#[test]
fn the_keys_used_last_are_kept_by_the_name_of_their_circuit() {
    let case = tiny(1);
    let of = |width: Width| {
        let steps = steps(&case.program, &case.slice).unwrap();
        let shape = shape_of(&case.program, &case.slice, &steps, width);
        let name = key_name(&case.program, &case.slice, &shape).unwrap();
        (name, std::sync::Arc::new(keys(&case.program, &case.slice, &shape).unwrap()))
    };
    let [(a, keys_a), (b, keys_b), (c, keys_c), _] = WIDTHS.map(of);
    let mut kept = KeptKeys::keeping(2);
    kept.put(a, &keys_a);
    kept.put(b, &keys_b);
    assert_eq!(kept.get(a).unwrap().shape(), keys_a.shape());
    kept.put(c, &keys_c);
    assert!(kept.get(b).is_none(), "it was used longest ago");
    assert_eq!(kept.get(a).unwrap().shape(), keys_a.shape());
    kept.make_room();
    assert!(kept.get(c).is_none() && kept.get(a).is_some());
    let mut none = KeptKeys::keeping(0);
    none.put(a, &keys_a);
    assert!(none.get(a).is_none());
    assert_eq!(std::sync::Arc::strong_count(&keys_c), 1, "what is given up is gone");
}

#[test]
fn tiles_between_the_first_and_the_last_share_a_key() {
    use crate::graph::Splits;
    use crate::onnx::testing::{Dim, Draft, noise};
    use crate::program::{Card, Settings, Skeleton, Source};
    use crate::prove::halo2::keys::slice_digest;

    let model = Draft::new()
        .input("x", &[Dim::Is(1), Dim::Is(1), Dim::Is(8), Dim::Is(3)])
        .floats("w", &[2, 1, 3, 3], noise(18, 1))
        .node("Conv", &["x", "w"], &["c"], &[("pads", &[1, 1, 1, 1])])
        .node("Relu", &["c"], &["y"], &[])
        .output("y")
        .open()
        .unwrap();
    let splits = Splits([("C".to_owned(), "rows:4".parse().unwrap())].into());
    let tiles = crate::split::split(&model, &splits).unwrap();
    let (skeleton, input) = (Skeleton::of(&tiles.graph), noise(24, 2));
    let settings = Settings { act_bits: 4, headroom: 1.3, ..Settings::DEFAULT };
    let source = Source::ProvenInput { headroom: settings.headroom };
    let cases = [vec![input.clone()]];
    let card = Card::calibrate(&tiles, &skeleton, &cases, settings, source).unwrap();
    let program = skeleton.lower(&tiles.graph, &card).unwrap();
    let trace = program.run(&program.quantise_inputs(&[input]).unwrap()).unwrap();
    let tiling = tiles.graph.tiling.clone().unwrap();
    let cases: Vec<Case> = (0..4)
        .map(|number| {
            let tile = tiling.tiles.iter().filter(|(_, tile)| tile.number == number);
            let nodes: Vec<usize> = tile.map(|(&node, _)| node).collect();
            let ops = program.op_at_node(nodes[0])..program.op_at_node(nodes[1] + 1);
            Case::new(program.clone(), trace.clone(), ops)
        })
        .collect();
    let digests: Vec<_> = cases.iter().map(|c| slice_digest(&c.program, &c.slice)).collect();
    assert!(digests.iter().all(Option::is_some));
    assert_eq!(digests[1], digests[2]);
    // Padding makes the first and the last tile circuits of their own.
    assert!(digests[0] != digests[1] && digests[3] != digests[1] && digests[0] != digests[3]);

    // A proof of one is a proof of what its commitments say, and of no other tile.
    let (system, case, other) = (Halo2::AUTO, &cases[1], &cases[2]);
    let proof = system.prove(&case.statement(), &case.witness(), &mut |_| ()).unwrap();
    system.verify(&case.statement(), &proof).unwrap();
    let verdict = system.verify(&other.statement(), &proof);
    assert!(matches!(verdict, Err(VerifyError::Rejected)), "{verdict:?}");
    // The context of a slice has its index, so the same commitments don't help either.
    let boundary = Boundary::Committed(&case.boundary);
    let moved = Statement { boundary, context: [7; 32], ..other.statement() };
    assert!(matches!(system.verify(&moved, &proof), Err(VerifyError::Rejected)));
}
