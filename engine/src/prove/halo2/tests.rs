//! The circuit against the integer reference, honest and forged.

use std::collections::BTreeMap;

use expect_test::expect;
use ff::Field;
use halo2_proofs::dev::{MockProver, VerifyFailure};
use halo2_proofs::pasta::Fp;
use halo2_proofs::plonk::{keygen_pk, keygen_vk};

use super::circuit::SliceCircuit;
use super::keys::{prove_circuit, verifying_key, with_menu};
use super::place::{Kind, Tamper};
use super::shape::shape_of;
use super::steps::steps;
use super::testing::{Model, plain, pool};
use super::*;
use crate::program::{Trace, ValueId};
use crate::prove::Event;

/// A slice with everything that its proof needs.
struct Case {
    program: Program,
    slice: ProgramSlice,
    trace: Trace,
    salts: BTreeMap<ValueId, Salt>,
    boundary: Vec<Commitment>,
}

impl Case {
    fn new(program: Program, trace: Trace, ops: std::ops::Range<usize>) -> Self {
        let slice = program.slice(ops);
        let ids = || slice.inputs.iter().chain(&slice.outputs).copied();
        let salts: BTreeMap<_, _> = ids().map(|id| (id, random_salt())).collect();
        let boundary = ids().map(|id| commit(&program, id, &trace[&id], &salts[&id])).collect();
        Self { program, slice, trace, salts, boundary }
    }

    fn whole((program, trace): (Program, Trace)) -> Self {
        let ops = 0..program.ops.len();
        Self::new(program, trace, ops)
    }

    fn statement(&self) -> Statement<'_> {
        let context = std::array::from_fn(|i| i as u8);
        Statement { program: &self.program, slice: &self.slice, context, boundary: &self.boundary }
    }

    fn witness(&self) -> Witness {
        Witness { trace: self.trace.clone(), salts: self.salts.clone() }
    }

    fn instance(&self) -> Vec<Fp> {
        instance(&self.statement()).unwrap()
    }

    /// What MockProver says to the circuit of this menu entry.
    fn mock(&self, menu: Menu, tamper: Option<Tamper>, instance: Vec<Fp>) -> Result<(), Vec<VerifyFailure>> {
        with_menu!(menu, mock(self, menu, tamper, instance))
    }

    fn accepted(&self, what: &str) {
        for menu in Menu::ALL {
            let verdict = self.mock(menu, None, self.instance());
            assert_eq!(verdict, Ok(()), "{what} {menu}");
        }
    }
}

fn mock<const M: usize, const C: usize>(
    case: &Case,
    menu: Menu,
    tamper: Option<Tamper>,
    instance: Vec<Fp>,
) -> Result<(), Vec<VerifyFailure>> {
    let steps = steps(&case.program, &case.slice).unwrap();
    let shape = shape_of(&case.program, &case.slice, &steps, menu);
    let circuit = SliceCircuit::<M, C> {
        program: &case.program,
        slice: &case.slice,
        steps: &steps,
        shape: &shape,
        witness: Some((&case.trace, &case.salts)),
        tamper,
    };
    MockProver::run(shape.k, &circuit, vec![instance]).unwrap().verify()
}

/// Every gadget at once, small: strided, padded convolution with a fused ReLU and pairwise
/// maximum, a residual sum of three with broadcast, a general maximum, an average, a dense layer.
fn small(bits: u32) -> Case {
    let mut model = Model::new(11, bits);
    model.least_shift = 2;
    let x = model.input(&[1, 2, 6, 6]);
    let a = model.conv(x, 3, 1, [[3; 2], [1; 2], [1; 2], [1; 2]]);
    let b = model.relu(a);
    let c = model.max_pool(b, pool(2));
    let d = model.max_pool(c, [[2; 2], [1; 2], [1; 2], [1; 2]]);
    let e = model.average(d, plain(2), true);
    let f = model.sum(&[c, e, c], &[1, 3, 3, 3], &[&[27, 9, 3, 1], &[27, 9, 3, 1], &[27, 9, 0, 0]]);
    let g = model.relu(f);
    let h = model.dense(g, 1, 3);
    // The ReLU's output is a boundary tensor too, as where a residual connection leaves a slice.
    Case::whole(model.finish(&[g, h]))
}


#[test]
fn every_gadget_agrees_with_the_integer_reference() {
    for bits in [1, 2, 4, 5, 8] {
        small(bits).accepted(&format!("{bits} bits"));
    }
}

#[test]
fn random_chains_agree_with_the_integer_reference() {
    for seed in 0..24 {
        let case = Case::whole(random_chain(seed));
        case.accepted(&format!("seed {seed}"));
    }
}

/// A chain of random operations.
fn random_chain(seed: u64) -> (Program, Trace) {
    let mut model = Model::new(seed, 4);
    model.least_shift = 1 + model.random.below(3) as u32;
    let groups = 1 + model.random.below(3);
    let mut shape = [1, 2 * groups, 5 + model.random.below(4), 5 + model.random.below(4)];
    let mut x = model.input(&shape);
    for _ in 0..4 {
        let window = [
            [1 + model.random.below(3), 1 + model.random.below(3)],
            [1 + model.random.below(2), 1 + model.random.below(2)],
            [model.random.below(2), model.random.below(2)],
            [1 + model.random.below(2), 1 + model.random.below(2)],
        ];
        let spans = |axis: usize| shape[axis + 2] > 2 * window[0][axis];
        let pads = [0, 1].map(|axis| window[2][axis].min(window[0][axis] - 1));
        let window = [window[0], window[1], pads, window[3]];
        x = match model.random.below(6) {
            0 if spans(0) && spans(1) => model.conv(x, 2 * groups, groups, window),
            1 if spans(0) && spans(1) => model.average(x, window, seed % 2 == 0),
            2 if spans(0) && spans(1) => model.max_pool(x, [window[0], window[1], [0; 2], [1; 2]]),
            3 if shape[2] > 2 && shape[3] > 2 => {
                let conv = model.conv(x, 2 * groups, 1, plain(1));
                model.max_pool(conv, pool(2))
            }
            4 => {
                let strides: Vec<usize> =
                    (0..4).map(|axis| shape[axis + 1..].iter().product()).collect();
                model.sum(&[x, x], &shape, &[&strides, &strides])
            }
            _ => model.relu(x),
        };
        shape.copy_from_slice(&model.program.value(x).shape);
    }
    model.finish(&[x])
}

#[test]
fn a_tensor_that_crosses_slices_has_one_commitment() {
    let whole = small(4);
    for cut in 1..whole.program.ops.len() {
        for ops in [0..cut, cut..whole.program.ops.len()] {
            Case::new(whole.program.clone(), whole.trace.clone(), ops).accepted(&cut.to_string());
        }
    }
}

#[test]
fn shifts_of_up_to_24_bits_agree_with_the_integer_reference() {
    for shift in [7, 8, 9, 15, 16, 17, 23, 24] {
        let mut model = Model::new(shift.into(), 6);
        model.least_shift = shift;
        let x = model.input(&[1, 9]);
        // Weights and biases large enough for quotients and remainders of every size.
        let random = &mut model.random;
        let linear = crate::program::Linear {
            map: crate::program::Map::Dense { rows: 1, inner: 9, outer: 12 },
            weights: (0..108).map(|_| random.signed(1 << shift >> 2) as i32).collect(),
            bias: (0..12).map(|_| random.signed(1 << shift)).collect(),
            shift,
        };
        let y = model.linear(linear, &[x], &[1, 12]);
        let case = Case::whole(model.finish(&[y]));
        case.accepted(&format!("shift {shift}"));
        for tamper in forgeries() {
            assert!(case.mock(Menu::Dot4x4, Some(tamper), case.instance()).is_err(), "{tamper:?}");
        }
    }
}

/// Quotient and remainder, and the limbs of the remainder, changed so that their sum is kept.
fn forgeries() -> Vec<Tamper> {
    let places = [(0, 1), (0, -1), (3, 1), (11, -1)];
    let quotients = places.map(|(index, amount)| Tamper::Quotient { index, amount });
    let limbs = places.map(|(index, amount)| Tamper::Limbs { index, amount });
    quotients.into_iter().chain(limbs).collect()
}

#[test]
fn every_changed_cell_is_rejected() {
    use Kind::*;
    let case = small(4);
    for menu in Menu::ALL {
        for kind in [
            Activation, Accumulator, Sum, Shifted, Value, Low, High, Maximum, Excess, Boundary,
            Packed, State, Square, Absorbed,
        ] {
            for index in [0, 1, 5] {
                for amount in [1, -1, 16] {
                    let tamper = Tamper::Cell { kind, index, amount };
                    let verdict = case.mock(menu, Some(tamper), case.instance());
                    assert!(verdict.is_err(), "{menu} {tamper:?}");
                }
            }
        }
        for tamper in forgeries() {
            assert!(case.mock(menu, Some(tamper), case.instance()).is_err(), "{menu} {tamper:?}");
        }
    }
}

#[test]
fn another_digest_or_salt_is_rejected() {
    let mut case = small(4);
    for at in CONTEXT..CONTEXT + case.boundary.len() {
        let mut instance = case.instance();
        instance[at] += Fp::ONE;
        assert!(case.mock(Menu::Dot4x4, None, instance).is_err(), "digest {at}");
    }
    let ids: Vec<ValueId> = case.salts.keys().copied().collect();
    for id in ids {
        let salt = case.salts.insert(id, random_salt()).unwrap();
        assert!(case.mock(Menu::Dot4x4, None, case.instance()).is_err(), "salt {id:?}");
        case.salts.insert(id, salt);
    }
}

const CONTEXT: usize = super::circuit::CONTEXT_CELLS;

/// A circuit as small as can be, for the real prover.
fn tiny(seed: u64) -> Case {
    let mut model = Model::new(seed, 3);
    let x = model.input(&[1, 1, 4, 4]);
    let a = model.conv(x, 2, 1, plain(1));
    let b = model.max_pool(a, pool(2));
    let c = model.dense(b, 1, 2);
    let d = model.relu(c);
    Case::whole(model.finish(&[d]))
}

#[test]
fn the_verifier_accepts_the_proof_and_nothing_else() {
    for menu in Menu::ALL {
        let (system, case) = (Halo2 { menu: Some(menu) }, tiny(1));
        let mut events = Vec::new();
        let proof =
            system.prove(&case.statement(), &case.witness(), &mut |event| events.push(event)).unwrap();
        let phases: Vec<Phase> = events
            .iter()
            .filter_map(|event| match event {
                Event::Finished(phase, _) => Some(*phase),
                Event::Started(_) => None,
            })
            .collect();
        use Phase::*;
        assert_eq!(phases, [Witness, Parameters, Keys, Prove, Verify]);
        let shape = system.circuit_shape(&case.program, &case.slice).unwrap();
        assert_eq!(proof.len(), shape.proof_bytes, "{menu}");
        system.verify(&case.statement(), &proof).unwrap();

        let rejected = |statement: &Statement<'_>, proof: &[u8], what: &str| {
            let verdict = system.verify(statement, proof);
            assert!(matches!(verdict, Err(VerifyError::Rejected)), "{menu} {what}: {verdict:?}");
        };
        for at in (0..proof.len()).step_by(97) {
            let mut bytes = proof.clone();
            bytes[at] ^= 1;
            rejected(&case.statement(), &bytes, &format!("byte {at}"));
        }
        rejected(&case.statement(), &vec![0; proof.len()], "zeros");
        rejected(&case.statement(), &vec![255; proof.len()], "ones");
        for at in [0, 15, 16, 31] {
            let mut statement = case.statement();
            statement.context[at] ^= 1;
            rejected(&statement, &proof, &format!("context {at}"));
        }
        let swapped: Vec<Commitment> = case.boundary.iter().rev().copied().collect();
        rejected(&Statement { boundary: &swapped, ..case.statement() }, &proof, "boundary");
        let other = tiny(2);
        let boundary = &case.boundary;
        rejected(&Statement { boundary, ..other.statement() }, &proof, "other weights");

        for len in [0, 1, proof.len() - 1, proof.len() + 1] {
            let mut bytes = proof.clone();
            bytes.resize(len, 0);
            let verdict = system.verify(&case.statement(), &bytes);
            assert!(matches!(verdict, Err(VerifyError::ProofLength { got, .. }) if got == len));
        }
        let short = Statement { boundary: &case.boundary[1..], ..case.statement() };
        let verdict = system.verify(&short, &proof);
        assert!(matches!(verdict, Err(VerifyError::BoundaryCount { expected: 2, got: 1 })));
    }
}

#[test]
fn a_forger_with_the_keys_finds_no_proof() {
    use Kind::*;
    let (case, menu) = (tiny(1), Menu::Dot4x4);
    let cells = [
        Activation, Accumulator, Sum, Shifted, Value, Low, High, Maximum, Excess, Boundary, Packed,
        State, Square, Absorbed,
    ];
    let changes = cells.map(|kind| Tamper::Cell { kind, index: 1, amount: 1 });
    let forgeries = [Tamper::Quotient { index: 0, amount: 1 }, Tamper::Limbs { index: 0, amount: 1 }];

    let steps = steps(&case.program, &case.slice).unwrap();
    let shape = shape_of(&case.program, &case.slice, &steps, menu);
    let params = parameters(shape.k, None).unwrap();
    let circuit = |tamper| SliceCircuit::<4, 4> {
        program: &case.program,
        slice: &case.slice,
        steps: &steps,
        shape: &shape,
        witness: Some((&case.trace, &case.salts)),
        tamper,
    };
    let vk = keygen_vk(&params, &circuit(None)).unwrap();
    let pk = keygen_pk(&params, vk, &circuit(None)).unwrap();
    let (system, instance) = (Halo2 { menu: Some(menu) }, case.instance());
    for tamper in changes.into_iter().chain(forgeries) {
        if let Ok(proof) = prove_circuit(&params, &pk, circuit(Some(tamper)), &instance) {
            let verdict = system.verify(&case.statement(), &proof);
            assert!(matches!(verdict, Err(VerifyError::Rejected)), "{tamper:?}: {verdict:?}");
        }
    }
    // Keys of a circuit with one changed weight make proofs that only those keys accept.
    let changed = circuit(Some(Tamper::Weight { index: 3, amount: 1 }));
    let vk = keygen_vk(&params, &changed).unwrap();
    let pk = keygen_pk(&params, vk, &changed).unwrap();
    let proof = prove_circuit(&params, &pk, changed, &instance);
    let verdict = proof.map(|proof| system.verify(&case.statement(), &proof));
    assert!(!matches!(verdict, Ok(Ok(()))));
}

#[test]
fn a_bad_witness_is_an_error_and_no_panic() {
    let case = tiny(1);
    let prove = |statement: &Statement<'_>, witness: &Witness| {
        Halo2::AUTO.prove(statement, witness, &mut |_| ()).unwrap_err()
    };
    let id = case.slice.inputs[0];
    let changed = |change: &dyn Fn(&mut Witness)| {
        let mut witness = case.witness();
        change(&mut witness);
        prove(&case.statement(), &witness)
    };
    let outside = changed(&|w| w.trace.get_mut(&id).unwrap()[0] = 99);
    assert!(matches!(outside, ProveError::Run(crate::program::RunError::OutOfRange { .. })));
    let missing = changed(&|w| w.trace.clear());
    assert!(matches!(missing, ProveError::Run(crate::program::RunError::MissingInput { .. })));
    let short = changed(&|w| w.trace.get_mut(&id).unwrap().truncate(3));
    assert!(matches!(short, ProveError::Run(crate::program::RunError::InputLength { .. })));
    let unsalted = changed(&|w| w.salts.clear());
    assert!(matches!(unsalted, ProveError::MissingSalt { .. }));
    let resalted = changed(&|w| *w.salts.get_mut(&id).unwrap() = random_salt());
    assert!(matches!(resalted, ProveError::WrongCommitment { .. }));
    let uncommitted = prove(&Statement { boundary: &[], ..case.statement() }, &case.witness());
    assert!(matches!(uncommitted, ProveError::BoundaryCount { expected: 2, got: 0 }));
}

#[test]
fn keys_are_pinned() {
    let case = tiny(1);
    let digests = Menu::ALL.map(|menu| {
        let steps = steps(&case.program, &case.slice).unwrap();
        let shape = shape_of(&case.program, &case.slice, &steps, menu);
        let params = parameters(shape.k, None).unwrap();
        let vk = verifying_key(&case.program, &case.slice, &shape, &steps, &params).unwrap();
        let digest = blake3::hash(format!("{:#?}", vk.pinned()).as_bytes());
        format!("{menu} k={} {} bytes {}\n", shape.k, shape.proof_bytes, digest.to_hex())
    });
    expect![[r#"
        4x4 k=8 6208 bytes ac353865ebcf8ea36303ee1306dd0616814778a5a98ff0ebc1e03061578e6bd9
        8x8 k=8 8896 bytes ee0b3f90e7b09efc811310539a7c5795acfe53386bd38a55bdec13fd803e8921
    "#]].assert_eq(&digests.concat());
}

#[test]
fn what_cannot_be_proven_says_why() {
    let check = |(program, _): (Program, Trace), expected: expect_test::Expect| {
        let slice = program.slice(0..program.ops.len());
        expected.assert_eq(&circuit_shape(&program, &slice).unwrap_err().to_string());
    };
    let mut model = Model::new(0, 4);
    let x = model.input(&[1, 64, 64, 64]);
    let y = model.conv(x, 64, 1, plain(3));
    check(model.finish(&[y]), expect![[r#"node "n0" (Linear): needs k=22, over the limit of 17: one operation cannot be cut, so it stays unproven"#]]);

    let mut model = Model::new(0, 4);
    let x = model.input(&[1, 64, 64, 64]);
    let y = model.relu(x);
    let z = model.relu(y);
    check(model.finish(&[z]), expect![[r#"the slice from node "n0" to "n1": needs k=20, over the limit of 17: cut it smaller"#]]);

    let mut model = Model::new(0, 4);
    let x = model.input(&[1, 2]);
    let y = model.relu(x);
    model.program.tensors[1].bits = 5;
    check(model.finish(&[y]), expect![[r#"node "n0" (Relu): its input has 4 bits and its output 5, which must be the same"#]]);

    let mut model = Model::new(0, 17);
    let x = model.input(&[1, 2]);
    let y = model.relu(x);
    check(model.finish(&[y]), expect![[r#"tensor "t0": its values have 17 bits, and the table of the circuit holds 1 to 16: use fewer"#]]);

    let (program, _) = Model::new(0, 4).finish(&[]);
    let slice = program.slice(0..0);
    expect!["the slice: it holds no operation"].assert_eq(&circuit_shape(&program, &slice).unwrap_err().to_string());
    let forged = ProgramSlice { ops: 0..3, ..slice };
    expect!["the slice: it is not a piece of this program: cut the program anew"].assert_eq(&circuit_shape(&program, &forged).unwrap_err().to_string());
}
