//! Split models from the command line: planned, proven, exported, verified against the file.

mod common;

use common::{Dim, Folder, cli, tiny, weights};
use microtome_engine::bundle::{Bundle, Demands, verify};
use microtome_engine::onnx::{Bindings, Model};

/// `x[1,2,10,6] → Conv[4,2,3,3] → Relu → Conv[3,4,3,1]`: the second reads rows of several tiles.
fn network() -> Vec<u8> {
    tiny(
        &[Dim::Fixed(1), Dim::Fixed(2), Dim::Fixed(10), Dim::Fixed(6)],
        &[
            ("Conv", Some((&[4, 2, 3, 3], weights(72)))),
            ("Relu", None),
            ("Conv", Some((&[3, 4, 3, 1], weights(36)))),
        ],
    )
}

const FIRST: &str = "node_0_Conv=rows:4";
const SECOND: &str = "node_2_Conv=rows:3";

/// A folder with the network, an input, and a plan that makes a slice of each tile.
fn prepared() -> Folder {
    let folder = Folder::new();
    let model = folder.write("model.onnx", network());
    folder.input("input.json", &weights(120));
    let found = cli(&[&"analyze", &model, &"--split", &FIRST, &"--split", &SECOND, &"--json"]);
    let nodes = found.succeeds().json()["nodes"].as_array().unwrap().clone();
    let named = |name: &str| nodes.iter().position(|n| n["name"] == name).unwrap().to_string();
    let cuts = [named("node_0_Conv rows 2..4"), named("node_2_Conv rows 0..2")].join(",");
    let plan = folder.path("plan.json");
    let arguments: [&dyn AsRef<std::ffi::OsStr>; 10] =
        [&"plan", &model, &"--cuts", &cuts, &"--split", &FIRST, &"--split", &SECOND, &"-o", &plan];
    cli(&arguments).succeeds();
    folder
}

#[test]
fn a_split_model_gives_what_the_whole_gives_and_is_verified_against_its_file() {
    let folder = prepared();
    let [model, input, plan, whole] =
        ["model.onnx", "input.json", "plan.json", "whole"].map(|name| folder.path(name));
    let prove = |bundle: &std::path::Path, more: &[&dyn AsRef<std::ffi::OsStr>]| {
        let mut arguments: Vec<&dyn AsRef<std::ffi::OsStr>> =
            vec![&"prove", &model, &"--input", &input, &"--json", &"-o", &bundle];
        arguments.extend(more);
        let found = cli(&arguments);
        found.succeeds().json()["output"].clone()
    };
    let expected = prove(&whole, &[&"--system", &"whir"]);
    for system in ["halo2", "whir"] {
        let bundle = folder.path(system);
        let output = prove(&bundle, &[&"--plan", &plan, &"--system", &system]);
        assert_eq!(output, expected, "{system}");
        let verdict = cli(&[&"verify", &bundle, &"--model", &model, &"--json"]).succeeds().json();
        assert_eq!(verdict["slices"].as_array().unwrap().len(), 3);
        assert_eq!(verdict["splits"]["node_0_Conv"], "rows:4");
        assert_eq!(verdict["output"], expected);
        let said = cli(&[&"verify", &bundle, &"--model", &model]);
        assert!(said.stdout.contains("\"node_0_Conv\" into 4 by rows"), "{}", said.stdout);
    }
    let attacked = cli(&[&"attack", &folder.path("halo2"), &"--model", &model, &"--json"]);
    let attacks = attacked.succeeds().json()["attacks"].as_array().unwrap().clone();
    let caught = attacks.iter().filter(|attack| attack["rejected"] == true).count();
    assert!(caught > 5, "{attacks:?}");
}

#[test]
fn a_bundle_with_other_splits_is_refused() {
    let folder = prepared();
    let [path, input, plan] =
        ["model.onnx", "input.json", "plan.json"].map(|name| folder.path(name));
    let file = folder.path("bundle");
    let arguments: [&dyn AsRef<std::ffi::OsStr>; 10] =
        [&"prove", &path, &"--input", &input, &"--plan", &plan, &"--system", &"whir", &"-o", &file];
    cli(&arguments).succeeds();
    let model = Model::open(&path, &Bindings::default()).unwrap();
    let honest = Bundle::read(&file).unwrap();
    assert!(verify(&honest, &model, &Demands::default()).accepted);
    let split = |node: &str, how: &str| (node.to_owned(), how.parse().unwrap());
    for (splits, reason) in [
        (vec![], "the quantisation card doesn't fit the model"),
        (vec![split("node_0_Conv", "rows:4")], "doesn't fit the model"),
        (
            vec![split("node_0_Conv", "rows:2"), split("node_2_Conv", "rows:3")],
            "doesn't fit the model",
        ),
        (vec![split("node_0_Conv", "rows:0")], "tiles, not 0"),
        (vec![split("node_0_Conv", "rows:18446744073709551615")], "1024 are possible"),
        (vec![split("node_1_Relu", "rows:9")], "into 2 to 8 tiles, not 9"),
        (vec![split("nobody", "rows:2")], "has no node \"nobody\""),
        (vec![split("b", "rows:2"), split("a", "rows:2")], "not in their order"),
    ] {
        let mut changed = honest.clone();
        changed.header.splits = splits;
        let verdict = verify(&changed, &model, &Demands::default());
        assert!(!verdict.accepted);
        assert!(verdict.reasons.iter().any(|r| r.contains(reason)), "{:?}", verdict.reasons);
    }
}

#[test]
fn committed_weights_are_those_of_the_tiles() {
    let folder = prepared();
    let [model, input, plan, bundle, card] =
        ["model.onnx", "input.json", "plan.json", "bundle", "card"].map(|name| folder.path(name));
    let arguments: [&dyn AsRef<std::ffi::OsStr>; 10] = [
        &"commit", &model, &"--split", &FIRST, &"--split", &SECOND, &"--calib", &input, &"-o",
        &card,
    ];
    cli(&arguments).succeeds();
    let arguments: [&dyn AsRef<std::ffi::OsStr>; 14] = [
        &"prove",
        &model,
        &"--input",
        &input,
        &"--plan",
        &plan,
        &"--calib",
        &input,
        &"--system",
        &"whir",
        &"--weights",
        &"committed",
        &"-o",
        &bundle,
    ];
    cli(&arguments).succeeds();
    cli(&[&"verify", &bundle, &"--model", &card]).succeeds();
    cli(&[&"verify", &bundle, &"--model", &model]).succeeds();
}

#[test]
fn run_and_export_use_the_splits_of_the_plan() {
    let folder = prepared();
    let [model, input, plan, out] =
        ["model.onnx", "input.json", "plan.json", "out"].map(|name| folder.path(name));
    let split = cli(&[&"run", &model, &"--input", &input, &"--plan", &plan, &"--json"]);
    let whole = cli(&[&"run", &model, &"--input", &input, &"--json"]);
    let (split, whole) = (split.succeeds().json(), whole.succeeds().json());
    assert_eq!(split["output"], whole["output"]);
    assert_eq!(split["float_output"], whole["float_output"]);
    assert_eq!(split["slices"].as_array().unwrap().len(), 3);
    cli(&[&"export", &model, &"--plan", &plan, &"-o", &out]).succeeds();
    let manifest = std::fs::read_to_string(out.join("manifest.json")).unwrap();
    assert!(manifest.contains("node_0_Conv rows 0..2"), "{manifest}");
    // A plan is of the model that its splits make.
    cli(&[&"run", &model, &"--input", &input, &"--plan", &plan, &"--split", &"node_0_Conv=rows:2"])
        .fails(2, &["has splits of its own"]);
    let text = std::fs::read_to_string(&plan).unwrap();
    let other = folder.write("other.json", text.replace("rows:4", "rows:2"));
    cli(&[&"run", &model, &"--input", &input, &"--plan", &other])
        .fails(2, &["the plan was made for model"]);
    let hostile = folder.write("hostile.json", text.replace("rows:4", "rows:4000000000"));
    cli(&[&"run", &model, &"--input", &input, &"--plan", &hostile])
        .fails(2, &["1024 are possible"]);
}

#[test]
fn a_budget_splits_what_does_not_fit_it() {
    let folder = Folder::new();
    let input = [Dim::Fixed(1), Dim::Fixed(3), Dim::Fixed(32), Dim::Fixed(32)];
    let nodes = [
        ("Conv", Some((&[16, 3, 3, 3][..], weights(432)))),
        ("Relu", None),
        ("Conv", Some((&[2, 16, 3, 3][..], weights(288)))),
    ];
    let model = folder.write("model.onnx", tiny(&input, &nodes));
    // Whatever slice the first convolution is in, it takes more than the budget: the tensor between
    // the two is large, and tiles never hold it as a whole.
    let least = ["1", "2"].into_iter().flat_map(|cuts| {
        let found = cli(&[&"plan", &model, &"--cuts", &cuts, &"--json"]).succeeds().json();
        let peak = |slice: &serde_json::Value| slice["predicted_peak_bytes"].as_u64().unwrap();
        [peak(&found["slices"][0]), peak(&found["monolithic"])]
    });
    let budget = (least.min().unwrap() * 4 / 5).to_string();
    let found = cli(&[&"plan", &model, &"--budget", &budget, &"--json"]).succeeds().json();
    let split = found["splits"]["node_0_Conv"].as_str().unwrap();
    assert!(split.starts_with("rows:"), "{split}");
    for slice in found["slices"].as_array().unwrap() {
        let peak = slice["predicted_peak_bytes"].as_u64().unwrap();
        assert!(peak <= budget.parse().unwrap(), "{slice}");
    }
    let said = cli(&[&"plan", &model, &"--budget", &budget]);
    assert!(said.stdout.contains("split \"node_0_Conv\" into"), "{}", said.stdout);
    cli(&[&"plan", &model, &"--budget", &"1KiB"]).fails(2, &["alone needs"]);
}
