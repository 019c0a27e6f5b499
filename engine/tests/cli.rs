//! The command line: every documented key of every JSON output, and what is said of bad input.

mod common;

use common::{Dim, Folder, cli, has_keys, sample, tiny, tiny_mlp, weights};

const INPUT: [f32; 4] = [0.5, -0.25, 0.75, 0.125];

/// A folder with the tiny network, an input, and a plan that cuts it in two.
fn prepared() -> Folder {
    let folder = Folder::new();
    let model = folder.write("model.onnx", tiny_mlp());
    folder.input("input.json", &INPUT);
    cli(&[&"plan", &model, &"--cuts", &"2", &"-o", &folder.path("plan.json")]).succeeds();
    folder
}

#[test]
fn analyze_has_its_keys() {
    let found = cli(&[&"analyze", &sample("digits-mlp/model.onnx"), &"--json"]).succeeds().json();
    has_keys(&found, &[("model", 's'), ("opset", 'n'), ("nodes", 'a'), ("totals", 'o')]);
    for node in found["nodes"].as_array().unwrap() {
        has_keys(
            node,
            &[
                ("index", 'n'),
                ("name", 's'),
                ("op", 's'),
                ("cut", 'b'),
                ("macs", 'n'),
                ("params", 'n'),
                ("output_shapes", 'a'),
                ("provable", 'o'),
            ],
        );
        assert_eq!(node["provable"]["halo2"], true, "{node}");
    }
    has_keys(
        &found["totals"],
        &[("macs", 'n'), ("flops", 'n'), ("params", 'n'), ("peak_activation_bytes", 'n')],
    );
}

#[test]
fn plan_has_its_keys_and_its_file_is_the_same() {
    let folder = Folder::new();
    let file = folder.path("plan.json");
    let model = sample("digits-mlp/model.onnx");
    let found = cli(&[&"plan", &model, &"--slices", &"2", &"-o", &file, &"--json"]);
    let found = found.succeeds().json();
    has_keys(&found, &[("model", 's'), ("cuts", 'a'), ("slices", 'a')]);
    assert_eq!(found["slices"].as_array().unwrap().len(), 2);
    for slice in found["slices"].as_array().unwrap() {
        has_keys(
            slice,
            &[
                ("index", 'n'),
                ("nodes", 'a'),
                ("macs", 'n'),
                ("flops", 'n'),
                ("params", 'n'),
                ("peak_activation_bytes", 'n'),
                ("in_bytes", 'n'),
                ("out_bytes", 'n'),
                ("system", 's'),
                ("k", 'n'),
                ("rows", 'n'),
                ("predicted_prove_secs", 'n'),
                ("predicted_peak_bytes", 'n'),
                ("predicted_proof_bytes", 'n'),
            ],
        );
    }
    let written: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(written, found);
}

#[test]
fn run_has_its_keys() {
    let folder = prepared();
    let found = cli(&[
        &"run",
        &folder.path("model.onnx"),
        &"--input",
        &folder.path("input.json"),
        &"--plan",
        &folder.path("plan.json"),
        &"--json",
    ]);
    let found = found.succeeds().json();
    has_keys(
        &found,
        &[
            ("output", 'a'),
            ("float_output", 'a'),
            ("d1", 'n'),
            ("tvd", 'n'),
            ("argmax_agrees", 'b'),
            ("slices", 'a'),
        ],
    );
    assert_eq!(found["slices"].as_array().unwrap().len(), 2);
    has_keys(&found["slices"][0], &[("index", 'n'), ("mean_absolute_error", 'n')]);
    assert!(found["d1"].as_f64().unwrap() < 0.01, "{found}");
}

#[test]
fn export_writes_slices_that_open() {
    let folder = prepared();
    let dir = folder.path("slices");
    let model = folder.path("model.onnx");
    let plan = folder.path("plan.json");
    let found = cli(&[&"export", &model, &"--plan", &plan, &"-o", &dir, &"--json"]);
    let found = found.succeeds().json();
    for slice in found["slices"].as_array().unwrap() {
        let file = dir.join(slice["file"].as_str().unwrap());
        cli(&[&"analyze", &file, &"--json"]).succeeds();
    }
    assert!(dir.join("manifest.json").exists());
}

#[test]
fn prove_and_verify_have_their_keys() {
    let folder = prepared();
    let (model, input) = (folder.path("model.onnx"), folder.path("input.json"));
    let bundle = folder.path("bundle");
    let plan = folder.path("plan.json");
    let proved = cli(&[
        &"prove",
        &model,
        &"--input",
        &input,
        &"--plan",
        &plan,
        &"--context",
        &"nonce 1",
        &"-o",
        &bundle,
        &"--json",
    ]);
    let proved = proved.succeeds().json();
    has_keys(
        &proved,
        &[
            ("slices", 'a'),
            ("linking_secs", 'n'),
            ("coverage_macs", 'n'),
            ("output", 'a'),
            ("program", 's'),
            ("root", 's'),
        ],
    );
    for slice in proved["slices"].as_array().unwrap() {
        has_keys(
            slice,
            &[
                ("index", 'n'),
                ("system", 's'),
                ("proven", 'b'),
                ("witness_secs", 'n'),
                ("setup_secs", 'n'),
                ("prove_secs", 'n'),
                ("verify_secs", 'n'),
                ("peak_bytes", 'n'),
                ("verify_peak_bytes", 'n'),
                ("proof_bytes", 'n'),
            ],
        );
        assert_eq!(slice["proven"], true);
        assert!(slice["prove_secs"].as_f64().unwrap() > 0.0);
        assert!(slice["peak_bytes"].as_u64().unwrap() > 1 << 20);
    }
    assert_eq!(proved["coverage_macs"], 1.0);

    let verified = cli(&[
        &"verify",
        &bundle,
        &"--model",
        &model,
        &"--input",
        &input,
        &"--context",
        &"nonce 1",
        &"--program",
        &proved["program"].as_str().unwrap(),
        &"--json",
    ]);
    let verified = verified.succeeds().json();
    has_keys(
        &verified,
        &[
            ("accepted", 'b'),
            ("linked", 'b'),
            ("coverage_macs", 'n'),
            ("keys_secs", 'n'),
            ("verify_secs", 'n'),
            ("slices", 'a'),
            ("output", 'a'),
            ("program", 's'),
            ("root", 's'),
        ],
    );
    assert_eq!(verified["accepted"], true);
    assert_eq!(verified["linked"], true);
    assert_eq!(verified["root"], proved["root"]);
    assert_eq!(verified["output"], proved["output"]);

    cli(&[&"verify", &bundle, &"--model", &model, &"--context", &"nonce 2"]).fails(1, &["context"]);
    let zeros = "0".repeat(64);
    cli(&[&"verify", &bundle, &"--model", &model, &"--program", &zeros]).fails(1, &["program"]);
    let other = folder.input("other.json", &[0.5, -0.25, 0.75, 0.5]);
    cli(&[&"verify", &bundle, &"--model", &model, &"--input", &other]).fails(1, &["another"]);

    let mut bytes = std::fs::read(&bundle).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let changed = folder.write("changed", &bytes);
    let verdict = cli(&[&"verify", &changed, &"--model", &model, &"--json"]);
    verdict.fails(1, &[]);
    assert_eq!(verdict.json()["accepted"], false);

    let other = folder.write(
        "other.onnx",
        tiny(&[Dim::Fixed(1), Dim::Fixed(4)], &[("MatMul", Some((&[4, 3], weights(12))))]),
    );
    let verdict = cli(&[&"verify", &bundle, &"--model", &other, &"--json"]);
    verdict.fails(1, &["model"]);
    assert_eq!(verdict.json()["accepted"], false);
    cli(&[&"verify", &model, &"--model", &model]).fails(2, &["no proof bundle"]);
}

#[test]
fn compare_has_its_keys() {
    let folder = prepared();
    let found = cli(&[
        &"compare",
        &folder.path("model.onnx"),
        &"--input",
        &folder.path("input.json"),
        &"--plan",
        &folder.path("plan.json"),
        &"--chart",
        &folder.path("numbers.csv"),
        &"--json",
    ]);
    let found = found.succeeds().json();
    let numbers = std::fs::read_to_string(folder.path("numbers.csv")).unwrap();
    let pieces: Vec<_> = numbers.lines().filter_map(|line| line.split(',').next()).collect();
    assert_eq!(pieces, ["piece", "slice 0", "slice 1", "whole", "linking"]);
    has_keys(
        &found,
        &[
            ("monolithic", 'o'),
            ("sliced", 'o'),
            ("sum", 'o'),
            ("slowest", 'o'),
            ("reductions", 'o'),
        ],
    );
    assert_eq!(found["monolithic"]["slices"].as_array().unwrap().len(), 1);
    assert_eq!(found["sliced"]["slices"].as_array().unwrap().len(), 2);
    has_keys(&found["reductions"], &[("prove_secs", 'n'), ("peak_bytes", 'n')]);
}

#[test]
fn slices_can_be_proven_by_choice() {
    let folder = prepared();
    let (model, input) = (folder.path("model.onnx"), folder.path("input.json"));
    let (plan, bundle) = (folder.path("plan.json"), folder.path("bundle"));
    let calib = folder.input("calib.json", &[0.6, 0.6, -0.8, 0.2]);
    let prove = |slices: &str, reveal: &str| {
        cli(&[
            &"prove",
            &model,
            &"--input",
            &input,
            &"--plan",
            &plan,
            &"--calib",
            &calib,
            &"--only",
            &slices,
            &"--reveal",
            &reveal,
            &"-o",
            &bundle,
            &"--json",
        ])
    };
    let verify = |coverage: &str| {
        cli(&[&"verify", &bundle, &"--model", &model, &"--min-coverage", &coverage, &"--json"])
    };
    let proved = prove("1", "input,output").succeeds().json();
    assert_eq!(proved["slices"][0]["proven"], false);
    let part = proved["coverage_macs"].as_f64().unwrap();
    assert!((part - 12.0 / 28.0).abs() < 1e-9, "{part}");
    verify("1").fails(1, &["demanded"]);
    let open = verify("0.4").succeeds().json();
    assert_eq!(open["linked"], true);
    assert_eq!(open["output_proven"], false);

    // With the input hidden, nobody can run the first slice again.
    prove("1", "output").succeeds();
    verify("0.4").fails(1, &["depends on slice 0"]);
    let hidden = verify("0").succeeds().json();
    assert_eq!(hidden["linked"], false);
    prove("1", "output,executed").succeeds();
    assert_eq!(verify("0.4").succeeds().json()["linked"], true);

    prove("7", "input").fails(2, &["no slice 7", "2 slices"]);
}

#[cfg(unix)]
#[test]
fn hidden_tensors_stay_hidden() {
    use std::os::unix::fs::PermissionsExt;
    let folder = prepared();
    let (model, input) = (folder.path("model.onnx"), folder.path("input.json"));
    let bundle = folder.path("bundle");
    cli(&[&"prove", &model, &"--input", &input, &"--reveal", &"none", &"-o", &bundle])
        .fails(2, &["--calib"]);
    let calib = folder.input("calib.json", &[0.6, 0.6, -0.8, 0.2]);
    cli(&[
        &"prove",
        &model,
        &"--input",
        &input,
        &"--calib",
        &calib,
        &"--reveal",
        &"none",
        &"-o",
        &bundle,
    ])
    .succeeds();
    let verdict = cli(&[&"verify", &bundle, &"--model", &model, &"--json"]).succeeds().json();
    assert!(verdict.get("output").is_none() && verdict.get("input").is_none(), "{verdict}");
    cli(&[&"verify", &bundle, &"--model", &model, &"--input", &input]).fails(1, &["not revealed"]);
    let secrets = std::fs::metadata(folder.path("bundle.secrets")).unwrap();
    assert_eq!(secrets.permissions().mode() & 0o777, 0o600);
}

#[test]
fn files_that_are_no_models_are_refused() {
    let folder = Folder::new();
    let bytes = tiny_mlp();
    let cut = folder.write("cut.onnx", &bytes[..bytes.len() / 2]);
    cli(&[&"analyze", &cut]).fails(2, &["cut"]);
    let text = folder.write("text.onnx", "this is a text");
    cli(&[&"analyze", &text]).fails(2, &["text"]);
    cli(&[&"analyze", &folder.path("missing.onnx")]).fails(2, &["missing.onnx"]);
}

#[test]
fn an_unsupported_operator_opens_and_its_slice_is_refused() {
    let folder = Folder::new();
    let model = folder.write(
        "sin.onnx",
        tiny(
            &[Dim::Fixed(1), Dim::Fixed(4)],
            &[("MatMul", Some((&[4, 4], weights(16)))), ("Sin", None)],
        ),
    );
    let found = cli(&[&"analyze", &model, &"--json"]).succeeds().json();
    let reason = found["nodes"][1]["provable"]["halo2"].as_str().unwrap();
    assert!(reason.contains("Sin"), "{reason}");
    let input = folder.input("input.json", &INPUT);
    let bundle = folder.path("bundle");
    cli(&[&"prove", &model, &"--input", &input, &"-o", &bundle]).fails(2, &["Sin", "slice 0"]);
    assert!(!bundle.exists());

    let plan = folder.path("plan.json");
    cli(&[&"plan", &model, &"--cuts", &"1", &"-o", &plan]).succeeds();
    cli(&[&"prove", &model, &"--input", &input, &"--plan", &plan, &"-o", &bundle])
        .fails(2, &["Sin", "slice 1"]);
    cli(&[&"prove", &model, &"--input", &input, &"--plan", &plan, &"--only", &"0", &"-o", &bundle])
        .succeeds();
    let verdict =
        cli(&[&"verify", &bundle, &"--model", &model, &"--min-coverage", &"0.9", &"--json"]);
    let verdict = verdict.succeeds().json();
    assert_eq!(verdict["linked"], false);
    assert_eq!(verdict["output_proven"], false);
}

#[test]
fn an_open_shape_needs_a_binding() {
    let folder = Folder::new();
    let model = folder.write(
        "open.onnx",
        tiny(&[Dim::Fixed(1), Dim::Open("features")], &[("MatMul", Some((&[4, 3], weights(12))))]),
    );
    cli(&[&"analyze", &model]).fails(2, &["--shape x=1"]);
    cli(&[&"analyze", &model, &"--shape", &"x=1,4"]).succeeds();
    cli(&[&"analyze", &model, &"--shape", &"x=4"]).fails(2, &["x"]);
    cli(&[&"analyze", &model, &"--shape", &"z=1,4"]).fails(2, &["z"]);
}

#[test]
fn weights_that_are_no_numbers_are_named() {
    let folder = Folder::new();
    for bad in [f32::NAN, f32::INFINITY] {
        let mut elements = weights(12);
        elements[5] = bad;
        let model = folder.write(
            "bad.onnx",
            tiny(&[Dim::Fixed(1), Dim::Fixed(4)], &[("MatMul", Some((&[4, 3], elements)))]),
        );
        let input = folder.input("input.json", &INPUT);
        cli(&[&"prove", &model, &"--input", &input, &"-o", &folder.path("bundle")]).fails(2, &[]);
    }
}

#[test]
fn bad_inputs_are_named() {
    let folder = prepared();
    let model = folder.path("model.onnx");
    let run = |input: &std::path::Path| cli(&[&"run", &model, &"--input", &input]);
    run(&folder.input("short.json", &INPUT[..3])).fails(2, &["3 elements", "needs 4"]);
    run(&folder.write("nan.json", r#"{"input_data": [[NaN, 0, 0, 0]]}"#)).fails(2, &["NaN"]);
    run(&folder.write("none.json", "{}")).fails(2, &["input_data"]);
    run(&folder.path("missing.json")).fails(2, &["missing.json"]);
    let calib = folder.input("calib.json", &[0.01, 0.01, 0.01, 0.01]);
    cli(&[&"run", &model, &"--input", &folder.path("input.json"), &"--calib", &calib])
        .fails(2, &["range"]);
}

#[test]
fn plans_that_do_not_fit_are_refused() {
    let folder = prepared();
    let other = folder.write(
        "other.onnx",
        tiny(&[Dim::Fixed(1), Dim::Fixed(4)], &[("MatMul", Some((&[4, 3], weights(12))))]),
    );
    let (input, plan) = (folder.path("input.json"), folder.path("plan.json"));
    cli(&[&"run", &other, &"--input", &input, &"--plan", &plan]).fails(2, &["plan.json"]);
    let text = folder.write("text.json", "{");
    let model = folder.path("model.onnx");
    cli(&[&"run", &model, &"--input", &input, &"--plan", &text]).fails(2, &["text.json"]);
    cli(&[&"plan", &model, &"--cuts", &"99"]).fails(2, &["99"]);
    cli(&[&"plan", &model]).fails(2, &["--slices"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_named() {
    let folder = prepared();
    let model = folder.path("model.onnx");
    cli(&[&"plan", &model, &"--slices", &"2", &"-o", &"/dev/full"]).fails(2, &["no space"]);
}

#[test]
fn too_little_memory_is_refused_before_anything_runs() {
    let folder = prepared();
    cli(&[
        &"prove",
        &folder.path("model.onnx"),
        &"--input",
        &folder.path("input.json"),
        &"--memory",
        &"1KiB",
        &"-o",
        &folder.path("bundle"),
    ])
    .fails(2, &["memory", "slice 0"]);
}
