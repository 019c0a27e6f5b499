//! Bits on the command line: the sweep over settings, and bits that are chosen for a target.

mod common;

use common::{Folder, cli, has_keys, sample, tiny_mlp};
use serde_json::Value;

const INPUT: [f32; 4] = [0.5, -0.25, 0.75, 0.125];

fn tiny() -> Folder {
    let folder = Folder::new();
    folder.write("model.onnx", tiny_mlp());
    folder.input("input.json", &INPUT);
    folder
}

fn point(sweep: &Value, act_bits: u64, weight_bits: u64) -> Value {
    let points = sweep["points"].as_array().unwrap();
    let is_it = |p: &&Value| p["act_bits"] == act_bits && p["weight_bits"] == weight_bits;
    points.iter().find(is_it).unwrap().clone()
}

#[test]
fn a_sweep_has_its_keys_and_says_what_single_runs_say() {
    let folder = tiny();
    let (model, input) = (folder.path("model.onnx"), folder.path("input.json"));
    let (svg, csv) = (folder.path("bits.svg"), folder.path("bits.csv"));
    let found = cli(&[
        &"run",
        &model,
        &"--input",
        &input,
        &"--sweep-bits",
        &"--system",
        &"whir",
        &"--chart",
        &svg,
        &"--csv",
        &csv,
        &"--json",
    ]);
    let found = found.succeeds().json();
    has_keys(
        &found,
        &[
            ("points", 'a'),
            ("evidence", 'o'),
            ("frontier", 'a'),
            ("target", 'o'),
            ("act_bits", 'n'),
            ("weight_bits", 'n'),
            ("target_met", 'b'),
            ("bits_reason", 's'),
        ],
    );
    assert_eq!(found["points"].as_array().unwrap().len(), 63);
    assert_eq!(found["evidence"]["judged"], 1);
    has_keys(
        &found["points"][0],
        &[
            ("act_bits", 'n'),
            ("weight_bits", 'n'),
            ("d1", 'n'),
            ("tvd", 'n'),
            ("argmax_agreement", 'n'),
            ("inputs", 'n'),
            ("failed", 'n'),
            ("predicted_prove_secs", 'n'),
            ("predicted_peak_bytes", 'n'),
            ("cells", 'n'),
            ("lookups", 'n'),
        ],
    );
    for (act, weight) in [("4", "6"), ("8", "12")] {
        let run = cli(&[
            &"run",
            &model,
            &"--input",
            &input,
            &"--act-bits",
            &act,
            &"--weight-bits",
            &weight,
            &"--json",
        ]);
        let run = run.succeeds().json();
        let point = point(&found, act.parse().unwrap(), weight.parse().unwrap());
        assert_eq!((&point["d1"], &point["tvd"]), (&run["d1"], &run["tvd"]), "{act} {weight}");
        assert_eq!(run["act_bits"].as_u64(), act.parse().ok());
        assert!(run.get("bits_reason").is_none(), "nothing was chosen");
    }
    let (svg, csv) = (std::fs::read_to_string(svg).unwrap(), std::fs::read_to_string(csv).unwrap());
    assert!(svg.contains("Error against cost") && svg.contains("chosen: "), "{svg}");
    assert_eq!(csv.lines().count(), 64);
    assert!(csv.starts_with("act_bits,weight_bits,d1,tvd,argmax_agreement,inputs,failed,"));
    assert_eq!(csv.lines().filter(|line| line.ends_with(",true")).count(), 1, "one is chosen");
}

#[test]
fn a_sweep_is_a_table_and_a_curve() {
    let folder = tiny();
    let found = cli(&[
        &"run",
        &folder.path("model.onnx"),
        &"--input",
        &folder.path("input.json"),
        &"--sweep-bits",
        &"--weight-bits",
        &"12",
    ]);
    let text = &found.succeeds().stdout;
    for part in ["arg-max", "rows, k = ", "curve", "█", "=> ", "the one input that the scales"] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
}

#[test]
fn bits_are_chosen_from_a_calibration_set_for_a_target() {
    let model = sample("digits-mlp/model.onnx");
    let calib = sample("digits-mlp/calib.npz");
    let input = sample("digits-mlp/input.json");
    let run = |more: &[&str]| {
        let mut args: Vec<&dyn AsRef<std::ffi::OsStr>> =
            vec![&"run", &model, &"--input", &input, &"--calib", &calib, &"--json"];
        args.extend(more.iter().map(|arg| arg as &dyn AsRef<std::ffi::OsStr>));
        cli(&args)
    };
    let target = ["--target-argmax", "0.9", "--target-d1", "0.02"];
    let weights = ["--weight-bits", "12"];
    let swept = run(&[&["--sweep-bits"][..], &weights, &target].concat());
    let swept = swept.succeeds().json();
    assert_eq!(swept["evidence"]["held_out"], true);
    assert_eq!(swept["target_met"], true, "{swept}");
    let points = swept["points"].as_array().unwrap();
    let secs = |p: &Value| p["predicted_prove_secs"].as_f64().unwrap();
    let meets = |p: &&Value| {
        p["argmax_agreement"].as_f64().unwrap() >= 0.9 && p["d1"].as_f64().unwrap() <= 0.02
    };
    let cheapest = points.iter().filter(meets).map(secs).fold(f64::INFINITY, f64::min);
    let chosen = point(&swept, swept["act_bits"].as_u64().unwrap(), 12);
    assert!(meets(&&chosen) && secs(&chosen) == cheapest, "{chosen}");
    // Coarse steps are worse than fine ones, whatever noise lies between neighbours.
    let d1 = |act_bits| point(&swept, act_bits, 12)["d1"].as_f64().unwrap();
    assert!(d1(4) > d1(7) && d1(7) > d1(10), "{swept}");

    let ran = run(&[&["--act-bits", "auto"][..], &target].concat());
    let found = ran.succeeds().json();
    assert_eq!(found["act_bits"], swept["act_bits"]);
    assert_eq!(found["weight_bits"], 12);
    let reason = found["bits_reason"].as_str().unwrap();
    assert!(reason.contains("are the cheapest of 9 settings"), "{reason}");
    assert!(ran.stderr.contains(&format!("bits: {reason}")), "{}", ran.stderr);

    let ran = run(&["--act-bits", "auto", "--target-d1", "0"]);
    let found = ran.succeeds().json();
    assert_eq!(found["target_met"], false);
    assert!(ran.stderr.contains("warning: none of 9 settings keeps D1"), "{}", ran.stderr);
}

#[test]
fn plan_and_prove_choose_bits_too() {
    let folder = tiny();
    let (model, input) = (folder.path("model.onnx"), folder.path("input.json"));
    let (plan, bundle) = (folder.path("plan.json"), folder.path("bundle"));
    let planned = cli(&[
        &"plan",
        &model,
        &"--slices",
        &"2",
        &"--system",
        &"whir",
        &"--input",
        &input,
        &"--act-bits",
        &"auto",
        &"--target-d1",
        &"0.05",
        &"-o",
        &plan,
        &"--json",
    ]);
    let planned = planned.succeeds().json();
    assert!(planned["bits_reason"].is_string() && planned["act_bits"].as_u64().unwrap() < 8);
    let proved = cli(&[
        &"prove",
        &model,
        &"--input",
        &input,
        &"--plan",
        &plan,
        &"--act-bits",
        &"auto",
        &"--weight-bits",
        &"auto",
        &"--target-d1",
        &"0.05",
        &"-o",
        &bundle,
        &"--json",
    ]);
    let proved = proved.succeeds().json();
    assert!(proved["bits_reason"].is_string(), "{proved}");
    let verified = cli(&[&"verify", &bundle, &"--model", &model, &"--json"]).succeeds().json();
    assert_eq!(verified["accepted"], true);
}

#[test]
fn bad_bits_are_explained() {
    let folder = tiny();
    let (model, input) = (folder.path("model.onnx"), folder.path("input.json"));
    let run = |more: &[&str]| {
        let mut args: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![&"run", &model, &"--input", &input];
        args.extend(more.iter().map(|arg| arg as &dyn AsRef<std::ffi::OsStr>));
        cli(&args)
    };
    run(&["--act-bits", "13"]).fails(2, &["write `auto`, or a number from 4 to 12"]);
    run(&["--weight-bits", "3"]).fails(2, &["write `auto`, or a number from 4 to 16"]);
    run(&["--target-d1", "2"]).fails(2, &["it must be a number from 0 to 1"]);
    run(&["--chart", "bits.svg"]).fails(2, &["--sweep-bits"]);
    run(&["--sweep-bits", "--chart", "bits.gif"]).fails(2, &["charts are written as .svg or .png"]);
    cli(&[&"plan", &model, &"--slices", &"2", &"--act-bits", &"auto"])
        .fails(2, &["bits are chosen by what they do to the answers", "--calib FILE"]);
}
