use std::io::Cursor;
use std::path::PathBuf;

use expect_test::{Expect, expect};
use npyz::WriterBuilder;

use super::*;
use crate::digest::Digest;
use crate::graph::{ElementType, Tensor, TensorId};

fn graph(inputs: &[(&str, &[usize])]) -> Graph {
    let tensors = inputs
        .iter()
        .map(|&(name, shape)| Tensor {
            name: name.to_owned(),
            element: ElementType::F32,
            shape: Some(shape.to_vec()),
            constant: None,
            producer: None,
            consumers: Vec::new(),
        })
        .collect();
    Graph {
        name: "test".to_owned(),
        opset: 13,
        digest: Digest([0; 32]),
        nodes: Vec::new(),
        tensors,
        inputs: (0..inputs.len() as u32).map(TensorId).collect(),
        outputs: Vec::new(),
        tiling: None,
    }
}

fn read_bytes(
    name: &str,
    bytes: &[u8],
    inputs: &[(&str, &[usize])],
) -> Result<Vec<Case>, InputError> {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    read(&path, &graph(inputs)).map(|inputs| inputs.cases)
}

/// The cases that a file holds, or what is wrong with it (without the folder's name).
fn check(name: &str, bytes: &[u8], inputs: &[(&str, &[usize])], expected: Expect) {
    let found = match read_bytes(name, bytes, inputs) {
        Ok(cases) => cases
            .iter()
            .map(|case| format!("{:?} {:?}", case.tensors, case.label))
            .collect::<Vec<_>>()
            .join("\n"),
        Err(error) => {
            let text = error.to_string();
            text.split_once(name).map_or(text.clone(), |(_, rest)| format!("{name}{rest}"))
        }
    };
    expected.assert_eq(&found);
}

fn npy<T: npyz::AutoSerialize>(shape: &[u64], order: npyz::Order, elements: &[T]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = npyz::WriteOptions::new()
        .default_dtype()
        .shape(shape)
        .order(order)
        .writer(&mut bytes)
        .begin_nd()
        .unwrap();
    writer.extend(elements).unwrap();
    writer.finish().unwrap();
    bytes
}

fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut writer = npyz::npz::NpzWriter::new(Cursor::new(Vec::new()));
    let zip = writer.zip_writer();
    for (name, bytes) in arrays {
        zip.start_file(format!("{name}.npy"), Default::default()).unwrap();
        std::io::Write::write_all(zip, bytes).unwrap();
    }
    let out = zip.finish().unwrap().into_inner();
    // The writer finishes itself when dropped, which it has done already.
    std::mem::forget(writer);
    out
}

#[test]
fn json() {
    let one: &[(&str, &[usize])] = &[("x", &[1, 2, 2])];
    let two: &[(&str, &[usize])] = &[("a", &[2]), ("b", &[1])];
    check(
        "i.json",
        br#"{"input_data": [[1, 2.5, -3, 4]]}"#,
        one,
        expect!["[[1.0, 2.5, -3.0, 4.0]] None"],
    );
    check(
        "i.json",
        br#"{"input_data": [[[1, 2], [3, 4]]], "label": 7, "output_data": [[0]]}"#,
        one,
        expect!["[[1.0, 2.0, 3.0, 4.0]] Some(7)"],
    );
    check("i.json", br#"{"input_data": [[1, 2], [3]]}"#, two, expect!["[[1.0, 2.0], [3.0]] None"]);
    check(
        "i.json",
        br#"{"input_data": [[1, 2, 3]]}"#,
        two,
        expect![[r#"i.json: "input_data" has 1 lists, but the model has 2 inputs: "a", "b""#]],
    );
    check(
        "i.json",
        br#"{"input_data": [[1, 2], [3, 4]]}"#,
        two,
        expect![[r#"i.json: input "b" has 2 elements, but its shape 1 needs 1"#]],
    );
    check(
        "i.json",
        br#"{"input_data": [[1, 2, 3]]}"#,
        one,
        expect![[r#"i.json: input "x" has 3 elements, but its shape 1×2×2 needs 4"#]],
    );
    check(
        "i.json",
        br#"{"input_data": [[1, 2, NaN, 4]]}"#,
        one,
        expect![
            "i.json: is no input in JSON: expected value at line 1 column 24 (numbers are finite: NaN and Infinity are none)"
        ],
    );
    check(
        "i.json",
        br#"{"input_data": [[1, 2, 1e39, 4]]}"#,
        one,
        expect![[
            r#"i.json: element 2 of input "x" (case 0) is inf, but inputs are finite numbers"#
        ]],
    );
    check(
        "i.json",
        br#"{"input_data": [[1, 2, null, 4]]}"#,
        one,
        expect![
            "i.json: is no input in JSON: invalid type: null, expected a number or a list of numbers at line 1 column 27 (numbers are finite: NaN and Infinity are none)"
        ],
    );
    check(
        "i.json",
        br#"{"inputs": [[1, 2, 3, 4]]}"#,
        one,
        expect![[r#"i.json: has no key "input_data" with a list for each input of the model"#]],
    );
    check(
        "i.txt",
        b"",
        one,
        expect![
            "i.txt: inputs are read from .json, .npy, .npz, .png and .jpg files, by the file's ending"
        ],
    );
}

#[test]
fn nesting_without_end_is_refused() {
    let bytes = format!("{{\"input_data\": {}", "[".repeat(100_000));
    assert!(read_bytes("i.json", bytes.as_bytes(), &[("x", &[1])]).is_err());
}

#[test]
fn arrays() {
    use npyz::Order::{C, Fortran};
    let one: &[(&str, &[usize])] = &[("x", &[1, 2, 3])];
    let six: Vec<f32> = (0..6).map(|v| v as f32).collect();
    let twelve: Vec<f64> = (0..12).map(f64::from).collect();
    check("i.npy", &npy(&[2, 3], C, &six), one, expect!["[[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]] None"]);
    check(
        "i.npy",
        &npy(&[2, 3], Fortran, &[0f32, 3., 1., 4., 2., 5.]),
        one,
        expect!["[[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]] None"],
    );
    check(
        "i.npy",
        &npy(&[2, 2, 3], C, &twelve),
        one,
        expect![[r#"
        [[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]] None
        [[6.0, 7.0, 8.0, 9.0, 10.0, 11.0]] None"#]],
    );
    check(
        "i.npy",
        &npy(&[2, 1, 2, 3], C, &twelve),
        one,
        expect![[r#"
        [[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]] None
        [[6.0, 7.0, 8.0, 9.0, 10.0, 11.0]] None"#]],
    );
    check(
        "i.npy",
        &npy(&[2, 6], C, &twelve),
        one,
        expect![[r#"
        [[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]] None
        [[6.0, 7.0, 8.0, 9.0, 10.0, 11.0]] None"#]],
    );
    check(
        "i.npy",
        &npy(&[2, 3, 2], C, &twelve),
        one,
        expect![[
            r#"i.npy: an array of shape 2×3×2 doesn't fit input "x" of shape 1×2×3, nor is its first dimension a number of such cases"#
        ]],
    );
    check(
        "i.npy",
        &npy(&[5], C, &six[..5]),
        one,
        expect![[
            r#"i.npy: an array of shape 5 doesn't fit input "x" of shape 1×2×3, nor is its first dimension a number of such cases"#
        ]],
    );
    check(
        "i.npy",
        &npy(&[2, 3], C, &[0f32, f32::NAN, 0., 0., 0., 0.]),
        one,
        expect![[
            r#"i.npy: element 1 of input "x" (case 0) is NaN, but inputs are finite numbers"#
        ]],
    );
    check(
        "i.npy",
        &npy(&[2, 3], C, &six)[..100],
        one,
        expect!["i.npy: is a truncated NumPy array"],
    );
    check(
        "i.npy",
        &npy(&[2, 3], C, &six)[..150],
        one,
        expect!["i.npy: is truncated or damaged: failed to fill whole buffer"],
    );
    check("i.npy", b"nothing", one, expect!["i.npy: is no NumPy array"]);
}

#[test]
fn a_header_of_absurd_size_is_refused() {
    for header in [
        format!("{{'descr':'<f4','fortran_order':False,'shape':({})}}\n", "9999999999,".repeat(9)),
        format!("{{'descr':'<f4','fortran_order':False,'shape':{}}}\n", "(".repeat(9000)),
        "{'descr':'<f4','fortran_order':False,'shape':(200000000,)}\n".to_owned(),
    ] {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        assert!(read_bytes("i.npy", &bytes, &[("x", &[1])]).is_err());
    }
    let bytes = b"\x93NUMPY\x02\x00\xff\xff\xff\xff{".to_vec();
    assert!(read_bytes("i.npy", &bytes, &[("x", &[1])]).is_err());
}

#[test]
fn archives() {
    use npyz::Order::C;
    let one: &[(&str, &[usize])] = &[("input", &[1, 2])];
    let two: &[(&str, &[usize])] = &[("a", &[1]), ("b", &[1, 2])];
    let x = npy(&[2, 2], C, &[1f32, 2., 3., 4.]);
    let a = npy(&[2, 1], C, &[5f32, 6.]);
    let y = npy(&[2], C, &[8i64, 9]);
    check(
        "i.npz",
        &npz(&[("x", x.clone()), ("y", y.clone())]),
        one,
        expect![[r#"
        [[1.0, 2.0]] Some(8)
        [[3.0, 4.0]] Some(9)"#]],
    );
    check(
        "i.npz",
        &npz(&[("a", a.clone()), ("b", x.clone())]),
        two,
        expect![[r#"
        [[5.0], [1.0, 2.0]] None
        [[6.0], [3.0, 4.0]] None"#]],
    );
    check(
        "i.npz",
        &npz(&[("a", a.clone()), ("c", x.clone())]),
        two,
        expect![[r#"i.npz: has no array named like the input "b"; its arrays are ["a", "c"]"#]],
    );
    check(
        "i.npz",
        &npz(&[("p", a.clone()), ("q", x.clone())]),
        one,
        expect![[
            r#"i.npz: has no array named "input" or "x" and not just one array; its arrays are ["p", "q"]"#
        ]],
    );
    check(
        "i.npz",
        &npz(&[("x", x.clone()), ("y", npy(&[1], C, &[8i64]))]),
        one,
        expect!["i.npz: holds 2 cases and 1 labels"],
    );
    check(
        "i.npz",
        &npz(&[("x", x)])[..60],
        one,
        expect![
            "i.npz: is no .npz file: invalid Zip archive: Could not find central directory end"
        ],
    );
}

#[test]
fn pictures() {
    let mut grey = image::GrayImage::new(2, 2);
    grey.put_pixel(1, 0, image::Luma([255]));
    let mut bytes = Vec::new();
    grey.write_to(&mut Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
    check("i.png", &bytes, &[("x", &[1, 1, 2, 2])], expect!["[[0.0, 1.0, 0.0, 0.0]] None"]);
    check(
        "i.png",
        &bytes,
        &[("x", &[1, 3, 2, 2])],
        expect!["[[0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]] None"],
    );
    check("i.png", &bytes, &[("x", &[1, 1, 1, 1])], expect!["[[0.2509804]] None"]);
    check(
        "i.png",
        &bytes,
        &[("x", &[1, 41])],
        expect![[
            r#"i.png: is a picture, but input "x" has the shape 1×41, not 1×C×H×W with one or three channels"#
        ]],
    );
    check(
        "i.png",
        &bytes,
        &[("x", &[1, 2, 2, 2])],
        expect![[
            r#"i.png: is a picture, but input "x" has the shape 1×2×2×2, not 1×C×H×W with one or three channels"#
        ]],
    );
    check(
        "i.png",
        &bytes[..30],
        &[("x", &[1, 1, 2, 2])],
        expect!["i.png: is no picture: unexpected end of file"],
    );
}
