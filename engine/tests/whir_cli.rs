//! The second proof system on the command line: `--system whir`, comparisons, committed weights.

mod common;

use std::path::PathBuf;

use common::{Folder, Ran, cli, has_keys, sample, tiny_mlp};

const INPUT: [f32; 4] = [0.5, -0.25, 0.75, 0.125];

/// A folder with the tiny network, inputs, and a plan that cuts it in two.
fn prepared() -> Folder {
    let folder = Folder::new();
    let model = folder.write("model.onnx", tiny_mlp());
    folder.input("input.json", &INPUT);
    folder.input("calib.json", &[0.8, -0.5, 0.9, -0.6]);
    cli(&[&"plan", &model, &"--cuts", &"2", &"-o", &folder.path("plan.json")]).succeeds();
    folder
}

fn prove(folder: &Folder, bundle: &str, more: &[&str]) -> Ran {
    let (model, input) = (folder.path("model.onnx"), folder.path("input.json"));
    let (plan, calib) = (folder.path("plan.json"), folder.path("calib.json"));
    let bundle = folder.path(bundle);
    let mut args: Vec<&dyn AsRef<std::ffi::OsStr>> =
        vec![&"prove", &model, &"--input", &input, &"--plan", &plan];
    args.extend([&"--calib" as &dyn AsRef<_>, &calib, &"-o", &bundle, &"--json"]);
    args.extend(more.iter().map(|arg| arg as &dyn AsRef<_>));
    cli(&args)
}

#[test]
fn a_fast_proof_is_made_and_verified() {
    let folder = prepared();
    let report = folder.path("report.html");
    let report_text = report.to_string_lossy().into_owned();
    let proved = prove(&folder, "bundle", &["--system", "whir", "--report", &report_text]);
    let proved = proved.succeeds().json();
    let page = std::fs::read_to_string(&report).unwrap();
    for word in ["accepted by the verifier", "<svg", proved["root"].as_str().unwrap(), "MatMul"] {
        assert!(page.contains(word), "{word}");
    }
    assert!(!page.contains("http-equiv") && !page.contains("<script"), "all of it is in the page");
    for slice in proved["slices"].as_array().unwrap() {
        assert_eq!(slice["system"], "whir");
        assert_eq!(slice["proven"], true);
        assert!(slice["prove_secs"].as_f64().unwrap() > 0.0);
        assert!(slice["proof_bytes"].as_u64().unwrap() > 1000);
    }
    let (bundle, model) = (folder.path("bundle"), folder.path("model.onnx"));
    let input = folder.path("input.json");
    let verified = cli(&[&"verify", &bundle, &"--model", &model, &"--input", &input, &"--json"]);
    let verified = verified.succeeds().json();
    assert_eq!(verified["accepted"], true);
    assert_eq!(verified["slices"][0]["system"], "whir");

    prove(&folder, "hidden", &["--system", "whir", "--reveal", "output"])
        .fails(2, &["is to stay hidden", "hides nothing"]);
    prove(&folder, "other", &["--system", "groth16"]).fails(2, &["`halo2` or `whir`"]);
}

#[test]
fn a_plan_is_made_for_the_fast_system() {
    let folder = Folder::new();
    let file = folder.path("plan.json");
    let model = sample("digits-mlp/model.onnx");
    let made = cli(&[
        &"plan",
        &model,
        &"--slices",
        &"2",
        &"--balance",
        &"prove-time",
        &"--system",
        &"whir",
        &"-o",
        &file,
        &"--json",
    ]);
    let made = made.succeeds().json();
    assert_eq!(made["system"], "whir");
    for slice in made["slices"].as_array().unwrap() {
        let keys = [
            ("system", 's'),
            ("cells", 'n'),
            ("lookups", 'n'),
            ("predicted_prove_secs", 'n'),
            ("predicted_peak_bytes", 'n'),
            ("predicted_proof_bytes", 'n'),
        ];
        has_keys(slice, &keys);
    }
    let analysed = cli(&[&"analyze", &model, &"--json"]).succeeds().json();
    assert!(analysed["nodes"].as_array().unwrap().iter().all(|n| n["provable"]["whir"] == true));
}

#[test]
fn both_systems_are_compared_on_the_same_slices() {
    let folder = prepared();
    let (model, input) = (folder.path("model.onnx"), folder.path("input.json"));
    let plan = folder.path("plan.json");
    let found = cli(&[
        &"compare",
        &model,
        &"--input",
        &input,
        &"--plan",
        &plan,
        &"--system",
        &"whir,halo2",
        &"--chart",
        &folder.path("systems.svg"),
        &"--json",
    ]);
    let found = found.succeeds().json();
    has_keys(&found, &[("monolithic", 'o'), ("sliced", 'o'), ("sum", 'o'), ("systems", 'o')]);
    assert_eq!(found["monolithic"]["slices"][0]["system"], "whir");
    let chart = std::fs::read_to_string(folder.path("systems.svg")).unwrap();
    assert!(chart.contains("integrity only"), "the chart says what each promises");
    for system in ["whir", "halo2"] {
        let of = &found["systems"][system];
        has_keys(
            of,
            &[("monolithic", 'o'), ("sliced", 'o'), ("slowest", 'o'), ("reductions", 'o')],
        );
        assert_eq!(of["sliced"]["slices"][1]["system"], system);
    }
    assert_eq!(
        found["systems"]["whir"]["sliced"]["output"],
        found["systems"]["halo2"]["sliced"]["output"]
    );
}

fn commit(folder: &Folder, card: &str, model: &str) -> PathBuf {
    let (model, calib) = (folder.path(model), folder.path("calib.json"));
    let card = folder.path(card);
    let made = cli(&[&"commit", &model, &"--calib", &calib, &"-o", &card, &"--json"]);
    let made = made.succeeds().json();
    has_keys(&made, &[("model", 's'), ("program", 's'), ("committed", 'n'), ("card_bytes", 'n')]);
    assert_eq!(made["committed"], 2);
    card
}

#[test]
fn committed_weights_are_verified_against_a_card() {
    let folder = prepared();
    let card = commit(&folder, "card", "model.onnx");
    let arguments = ["--system", "whir", "--weights", "committed", "--context", "nonce"];
    let proved = prove(&folder, "bundle", &arguments);
    let proved = proved.succeeds().json();
    let (bundle, input) = (folder.path("bundle"), folder.path("input.json"));
    // The card has no weight in it: whoever verifies never sees the model.
    let verified = cli(&[
        &"verify",
        &bundle,
        &"--model",
        &card,
        &"--input",
        &input,
        &"--context",
        &"nonce",
        &"--program",
        &proved["program"].as_str().unwrap(),
        &"--json",
    ]);
    let verified = verified.succeeds().json();
    assert_eq!(verified["accepted"], true);
    assert_eq!(verified["coverage_macs"], 1.0);
    assert_eq!(verified["output"], proved["output"]);
    assert_eq!(verified["root"], proved["root"]);
    let model = folder.path("model.onnx");
    cli(&[&"verify", &bundle, &"--model", &model]).succeeds();

    // A card of other weights, of a model of the same shapes.
    let other = common::tiny(
        &[common::Dim::Fixed(1), common::Dim::Fixed(4)],
        &[
            ("MatMul", Some((&[4, 4], common::weights(17)[1..].to_vec()))),
            ("Relu", None),
            ("MatMul", Some((&[4, 3], common::weights(12)))),
        ],
    );
    folder.write("other.onnx", other);
    let other = commit(&folder, "other.card", "other.onnx");
    let verdict = cli(&[&"verify", &bundle, &"--model", &other, &"--json"]);
    verdict.fails(1, &["model"]);
    assert_eq!(verdict.json()["accepted"], false);

    // Public weights are not what a card is for, and halo2 has no others.
    prove(&folder, "public", &["--system", "whir"]).succeeds();
    cli(&[&"verify", &folder.path("public"), &"--model", &card]).fails(1, &["public weights"]);
    prove(&folder, "halo2", &["--weights", "committed"]).fails(2, &["take whir"]);
}

#[test]
fn a_changed_card_is_refused() {
    let folder = prepared();
    let card = commit(&folder, "card", "model.onnx");
    prove(&folder, "bundle", &["--system", "whir", "--weights", "committed"]).succeeds();
    let bytes = std::fs::read(&card).unwrap();
    for at in (8..bytes.len()).step_by(1 + bytes.len() / 40) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let changed = folder.write("changed.card", &changed);
        let verdict = cli(&[&"verify", &folder.path("bundle"), &"--model", &changed]);
        assert!(matches!(verdict.code, 1 | 2), "byte {at}: {}", verdict.stderr);
        assert!(!verdict.stderr.contains("panicked"), "byte {at}: {}", verdict.stderr);
    }
    let cut = folder.write("cut.card", &bytes[..bytes.len() / 2]);
    cli(&[&"verify", &folder.path("bundle"), &"--model", &cut]).fails(2, &["card of weights"]);
    let none = folder.path("none.card");
    cli(&[&"commit", &folder.path("model.onnx"), &"-o", &none]).fails(2, &["--calib"]);
}
