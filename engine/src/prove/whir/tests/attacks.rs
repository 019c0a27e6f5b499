//! Statements that must not be proven, by forgers who need no luck.

use std::sync::Arc;

use super::*;
use crate::program::{Linear, Map, Op, Product, Read, Table, Value, Window};

/// A program of one operation.
fn program_of(kind: Kind, inputs: &[(&[usize], u32)], output: (&[usize], u32)) -> Program {
    let tensors: Vec<Value> = inputs
        .iter()
        .chain([&output])
        .enumerate()
        .map(|(id, &(shape, bits))| Value {
            name: format!("t{id}"),
            shape: shape.into(),
            scale: 1.0,
            bits,
        })
        .collect();
    let ids: Vec<ValueId> = (0..inputs.len() as u32).map(ValueId).collect();
    let output = ValueId(inputs.len() as u32);
    let (name, operator) = ("n".to_owned(), "Op".to_owned());
    let op = Op { node: 0, name, operator, kind, inputs: ids.clone(), output };
    Program { tensors, ops: vec![op], inputs: ids, outputs: vec![output] }
}

fn dense(inner: usize, outer: usize, weights: &[i32], shift: u32) -> Kind {
    Kind::Linear(Arc::new(Linear::new(
        Map::Dense { rows: 1, inner, outer },
        weights.into(),
        vec![0; outer],
        shift,
    )))
}

/// What the verifier says to a proof of these public tensors, by a forger who commits to limbs that
/// are all `limb` and goes on as the protocol asks; none where the program is refused before.
fn forged(program: &Program, public: &[&[i32]], limb: i64) -> Option<Result<(), VerifyError>> {
    let slice = program.slice(0..1);
    let cells = Cells::of(program, &slice, KnownWeights::All).ok()?;
    let mut committed = vec![0; cells.used];
    for lookup in &cells.lookups {
        let Place::Committed(offset) = lookup.x.plus.place else { continue };
        committed[offset..offset + lookup.len].fill(limb);
        let (table, rows) = &cells.tables[lookup.table];
        committed[rows + table.find(limb, 0).unwrap()] += lookup.len as i64;
    }
    let values = Values { committed, public };
    let (context, weights) = ([3; 32], Weights::Public);
    let digest = transcript::statement_digest(program, &slice, &context, public, weights).unwrap();
    let proof = prover::prove(program, &slice, &cells, &values, weights, &digest).unwrap();
    let boundary = Boundary::Public(public);
    let statement = Statement { program, slice: &slice, context, boundary, weights };
    Some(Whir.verify(&statement, &proof.encode().unwrap()))
}

#[test]
fn an_accumulator_cannot_wrap_around_the_field() {
    // 4 · 2^31 · 2^31 - 2^16 · 2^16 + 1 is the field's modulus: zero there, and not in integers.
    let (low, mid) = (i32::MIN, 1 << 16);
    let weights = [low, low, low, low, -mid, 1];
    let x = [low, low, low, low, mid, 1];
    let program = program_of(dense(6, 1, &weights, 1), &[(&[1, 6], 32)], (&[1, 1], 8));
    assert!(!matches!(forged(&program, &[&x, &[0]], 1), Some(Ok(()))));
}

#[test]
fn no_element_of_a_tensor_is_outside_its_map() {
    // The map computes one element, the tensor has two.
    let program = program_of(dense(2, 1, &[1, 1], 1), &[(&[1, 2], 8)], (&[2], 8));
    assert!(!matches!(forged(&program, &[&[3, 5], &[4, 77]], 1), Some(Ok(()))));
}

#[test]
fn missing_weights_are_no_zeros() {
    let program = program_of(dense(2, 1, &[], 1), &[(&[1, 2], 8)], (&[1, 1], 8));
    assert!(!matches!(forged(&program, &[&[3, 5], &[0]], 1), Some(Ok(()))));
}

fn window(planes: usize, kernel: [usize; 2], pads: [usize; 2]) -> Window {
    Window {
        planes,
        input: [1, 1],
        output: [1, 1],
        kernel,
        strides: [1, 1],
        pads,
        dilations: [1, 1],
        spreads: [1, 1],
    }
}

fn conv(window: Window, groups: usize) -> Kind {
    Kind::Linear(Arc::new(Linear::new(
        Map::Conv { window, channels_in: 1, channels_out: 1, groups },
        vec![1],
        vec![0],
        1,
    )))
}

/// A gather of one element by one read.
fn gather(axes: Vec<Vec<Option<u32>>>, sums: Vec<Vec<u32>>, weights: &[i32]) -> Program {
    let map = Map::Gather { shape: vec![1], reads: vec![Read { axes, sums }] };
    let linear = Linear::new(map, weights.into(), vec![], 1);
    program_of(Kind::Linear(Arc::new(linear)), &[(&[1], 16)], (&[1], 16))
}

/// A product of two single elements, changed.
fn product(change: impl FnOnce(&mut Product)) -> Program {
    let read = Read { axes: vec![vec![Some(0)]], sums: vec![vec![0]] };
    let (left, right) = (read.clone(), read);
    let mut product = Product { shape: vec![1], left, right, weight: 1, shift: 1 };
    change(&mut product);
    program_of(Kind::Product(Arc::new(product)), &[(&[1], 8), (&[1], 8)], (&[1], 8))
}

fn function(outputs: &[Option<i32>], inputs: &[(&[usize], u32)]) -> Program {
    let table = Table { outputs: outputs.into() };
    program_of(Kind::Table(Arc::new(table)), inputs, (&[1, 1], 8))
}

#[test]
fn a_program_that_is_none_is_refused_and_never_panics() {
    let one: (&[usize], u32) = (&[1, 1], 8);
    let honest = program_of(dense(1, 1, &[1], 1), &[one], one);
    let with = |change: &dyn Fn(&mut Program)| {
        let mut program = honest.clone();
        change(&mut program);
        program
    };
    let pool = |window| program_of(Kind::MaxPool(Arc::new(window)), &[one], one);
    let mut programs = vec![
        ("shift 0", program_of(dense(1, 1, &[1], 0), &[one], one)),
        ("shift 64", program_of(dense(1, 1, &[1], 64), &[one], one)),
        ("wide input", program_of(dense(2, 1, &[1, 1], 1), &[one], one)),
        ("narrow weights", program_of(dense(1, 2, &[1], 1), &[one], (&[1, 2], 8))),
        ("no input", with(&|p| p.ops[0].inputs.clear())),
        ("unknown input", with(&|p| p.ops[0].inputs[0] = ValueId(7))),
        ("unknown output", with(&|p| p.ops[0].output = ValueId(7))),
        ("its own input", with(&|p| p.ops[0].inputs[0] = ValueId(1))),
        ("empty kernel", program_of(conv(window(1, [0, 1], [0, 0]), 1), &[one], one)),
        ("no groups", program_of(conv(window(1, [1, 1], [0, 0]), 0), &[one], one)),
        ("conv planes", program_of(conv(window(9, [1, 1], [0, 0]), 1), &[one], one)),
        ("pool planes", pool(window(9, [1, 1], [0, 0]))),
        ("pool in the padding", pool(window(1, [1, 1], [5, 5]))),
        ("relu of another length", program_of(Kind::Relu, &[one], (&[9], 8))),
        ("endless shape", program_of(Kind::Relu, &[(&[1 << 40, 1 << 40], 8)], one)),
        ("strange average", {
            let window = window(1, [1, 1], [0, 0]);
            let map = Map::Average { window, count_include_pad: false };
            let linear = Linear::new(map, vec![], vec![], 1);
            program_of(Kind::Linear(Arc::new(linear)), &[one], one)
        }),
        ("spread 0", {
            let spread = Window { spreads: [0, 1], ..window(1, [1, 1], [0, 0]) };
            program_of(conv(spread, 1), &[one], one)
        }),
        ("gather beyond its operand", gather(vec![vec![Some(1)]], vec![], &[1])),
        ("gather with other axes", gather(vec![vec![Some(0); 2]], vec![], &[1])),
        ("gather without axes", gather(vec![], vec![], &[1])),
        ("gather of too many axes", gather(vec![vec![Some(0)]; 40], vec![], &[1])),
        ("gather that sums beyond its operand", gather(vec![vec![Some(0)]], vec![vec![1]], &[1])),
        ("gather that sums nothing", gather(vec![vec![Some(0)]], vec![vec![]], &[1])),
        ("gather of endless sums", gather(vec![vec![Some(0)]], vec![vec![0; 1 << 12]; 3], &[1])),
        ("gather without weights", gather(vec![vec![Some(0)]], vec![], &[])),
        ("product beyond its factor", product(|p| p.left.axes[0][0] = Some(1))),
        ("product with a gap", product(|p| p.right.axes[0][0] = None)),
        ("product of other sums", product(|p| p.right.sums[0].push(0))),
        (
            "product of nothing",
            product(|p| (p.left.sums, p.right.sums) = (vec![vec![]], vec![vec![]])),
        ),
        ("product that shifts by nothing", product(|p| p.shift = 0)),
        (
            "product that overflows",
            product(|p| {
                let sums = vec![vec![0; 1 << 12]; 2];
                (p.left.sums, p.right.sums, p.weight) = (sums.clone(), sums, i32::MIN);
            }),
        ),
        ("product of one", {
            let mut program = product(|_| {});
            program.ops[0].inputs.pop();
            program
        }),
        ("short table", function(&[Some(0); 255], &[one])),
        ("table beyond its range", function(&[Some(128); 256], &[one])),
        ("table of nothing", function(&[None; 256], &[one])),
        ("table of two", function(&[Some(0); 256], &[one, one])),
        ("strange sum", {
            let operands = vec![crate::program::Operand { strides: vec![5, 5] }];
            let map = Map::Sum { shape: vec![2, 2], operands };
            let linear = Linear::new(map, vec![1], vec![], 1);
            program_of(Kind::Linear(Arc::new(linear)), &[(&[2, 2], 8)], (&[2, 2], 8))
        }),
    ];
    for bits in [0, 33, 64] {
        let what = "bits";
        programs.push((what, with(&|p| p.tensors.iter_mut().for_each(|t| t.bits = bits))));
    }
    let proof = tiny(1).prove();
    let mut faults = Vec::new();
    for (what, program) in &programs {
        let slice = ProgramSlice { ops: 0..1, inputs: vec![ValueId(0)], outputs: vec![ValueId(1)] };
        let lengths = program
            .tensors
            .iter()
            .map(|t| t.shape.iter().fold(1usize, |a, &b| a.saturating_mul(b)));
        let tensors: Vec<Vec<i32>> = lengths.map(|len| vec![0; len.min(9)]).collect();
        let public: Vec<&[i32]> = tensors.iter().map(Vec::as_slice).collect();
        let (context, weights) = ([3; 32], Weights::Public);
        let boundary = Boundary::Public(&public);
        let statement = Statement { program, slice: &slice, context, boundary, weights };
        let answer = std::panic::catch_unwind(|| {
            let shape = Whir.shape(program, &slice);
            let _ = Whir.verify(&statement, &proof);
            shape.is_err()
        });
        match answer {
            Ok(true) => {}
            Ok(false) => faults.push(format!("{what}: taken")),
            Err(_) => faults.push(format!("{what}: panics")),
        }
    }
    let far = ProgramSlice { ops: 0..9, inputs: vec![], outputs: vec![] };
    if !std::panic::catch_unwind(|| Whir.shape(&honest, &far).is_err()).unwrap_or(false) {
        faults.push("a slice beyond the program".to_owned());
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_gather_cannot_wrap_around_the_field() {
    let program = gather(vec![vec![Some(0)]], vec![vec![0; 1 << 11]; 2], &[i32::MIN]);
    assert!(program.check(KnownWeights::Unbounded).is_ok());
    let error = program.check(KnownWeights::All).unwrap_err();
    assert!(error.contains("its accumulator could leave 62 bits"), "{error}");
}

#[test]
fn a_slice_is_provable_only_where_its_bits_suffice() {
    for log in 18..=25 {
        let shape: &[usize] = &[1 << log];
        let program = program_of(Kind::Relu, &[(shape, 8)], (shape, 8));
        let slice = program.slice(0..1);
        let Ok(security) = Whir.security(&program, &slice, Weights::Public) else { continue };
        assert!(security.bits() >= 102.0, "2^{log} look-ups: {security:?}");
    }
}

#[test]
fn taps_in_the_padding_cost_nothing() {
    let kind = Kind::MaxPool(Arc::new(window(1, [64, 64], [63, 63])));
    let program = program_of(kind, &[(&[1, 1, 1, 1], 4)], (&[1, 1, 1, 1], 4));
    let shape = Cells::shape(&program, &program.slice(0..1)).unwrap();
    assert!(shape.lookups <= 2 + (1 << 5), "{shape:?}");
}
