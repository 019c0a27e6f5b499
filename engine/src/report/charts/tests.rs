//! Charts are drawn from typical, empty, large and absurd data.

use super::*;
use crate::bits::{Bits, Cost, Point};

fn piece(name: &str, prove_secs: f64, measured: bool) -> PieceCosts {
    let quantity = |value: f64| {
        let expected = Quantity::predicted(value * 1.1, value * 0.9, value * 1.3);
        if measured { expected.with_measured(value) } else { expected }
    };
    PieceCosts {
        name: name.to_owned(),
        setup_secs: quantity(prove_secs * 0.4),
        witness_secs: quantity(prove_secs * 0.05),
        prove_secs: quantity(prove_secs),
        verify_secs: quantity(0.02),
        peak_bytes: quantity(prove_secs * 90e6),
        proof_bytes: quantity(4_800.0),
    }
}

/// A setting of bits: later ones take longer and err less.
fn setting(i: usize, size: f64) -> Point {
    let bits = Bits { act_bits: 4 + (i / 3) as u32, weight_bits: 4 + 4 * (i % 3) as u32 };
    let cost = Cost {
        predicted_prove_secs: size * (1 + i) as f64,
        predicted_peak_bytes: 50_000_000,
        k: Some(11),
        rows: Some(1500),
        ..Cost::default()
    };
    Point {
        bits,
        d1: Some(0.02 / (1 + i * i) as f64),
        tvd: Some(0.1 / (1 + i * i) as f64),
        argmax_agreement: Some(0.975),
        inputs: 40,
        failed: i % 2,
        problem: None,
        cost: Some(cost),
    }
}

/// One chart of each kind with `n` pieces, all of them about `size` seconds.
fn charts(n: usize, size: f64) -> Vec<Chart> {
    let slices: Vec<_> =
        (0..n).map(|i| piece(&format!("{}", i + 1), size * (1.0 + i as f64), i % 2 == 0)).collect();
    let row = |i: usize| TimelineRow {
        name: format!("slice {}", i + 1),
        spans: Phase::ALL
            .into_iter()
            .enumerate()
            .map(|(j, phase)| Span {
                phase,
                start_secs: size * (i + j) as f64,
                end_secs: (j < 5).then_some(size * (i + j + 1) as f64),
            })
            .collect(),
        state: [RowState::Open, RowState::Verified, RowState::Failed][i % 3],
    };
    let point = |i: usize| SweepPoint {
        slices: i + 1,
        sum_secs: Quantity::predicted(size * (i + 3) as f64, size, size * (i + 4) as f64),
        slowest_secs: Quantity::measured(size / (i + 1) as f64),
        peak_bytes: Quantity::measured(size * 1e6 / (i + 1) as f64),
    };
    let compare = |scales| {
        Chart::Compare(CompareData {
            subtitle: "lenet-digits.onnx".to_owned(),
            slices: slices.clone(),
            whole: if n == 0 { PieceCosts::default() } else { piece("whole", size * 9.0, true) },
            linking_secs: if n == 0 { Quantity::default() } else { Quantity::measured(size) },
            scales,
        })
    };
    vec![
        compare(Scales::Own),
        compare(Scales::Shared),
        Chart::Timeline(TimelineData {
            subtitle: String::new(),
            rows: (0..n).map(row).collect(),
            now_secs: (n > 0).then_some(size * n as f64),
            memory: (0..n)
                .map(|i| MemorySample { at_secs: size * i as f64, bytes: size * 1e8 })
                .collect(),
            budget_bytes: Some(size * 2e8),
        }),
        Chart::PerSlice(PerSliceData { subtitle: String::new(), slices: slices.clone() }),
        Chart::Sweep(SweepData {
            subtitle: String::new(),
            points: (0..n).map(point).collect(),
            sweet_spot: Some(3),
            current: Some(n),
        }),
        Chart::Systems(SystemsData {
            subtitle: String::new(),
            pieces: (0..n)
                .map(|i| SystemsPiece {
                    name: (i + 1).to_string(),
                    prove_secs: [
                        piece("", size * (1.0 + i as f64), i % 2 == 0).prove_secs,
                        // Every third slice is one that the system can't prove.
                        match i % 3 {
                            2 => Quantity::default(),
                            _ => piece("", size / 90.0, i % 2 == 1).prove_secs,
                        },
                    ],
                })
                .collect(),
        }),
        Chart::Plans(PlansData {
            subtitle: String::new(),
            plans: (0..n)
                .map(|i| PlanCosts::new(format!("plan {i}"), slices[..=i].to_vec()))
                .collect(),
        }),
        Chart::Bits(BitsData {
            subtitle: String::new(),
            points: (0..n).map(|i| setting(i, size)).collect(),
            target_d1: Some(0.004),
            chosen: Some(setting(1, size).bits),
            current: Some(setting(2, size).bits),
        }),
    ]
}

/// What was drawn of a chart, and the picture.
fn drawn(chart: &Chart, view: &View, (width, height): (u32, u32)) -> (Scene, image::RgbImage) {
    use plotters::prelude::{BitMapBackend, IntoDrawingArea};
    register_fonts();
    let mut picture = image::RgbImage::from_pixel(width, height, image::Rgb([255; 3]));
    let size = picture.dimensions();
    let area = BitMapBackend::with_buffer(&mut picture, size).into_drawing_area();
    let look = Look { dark: false, scale: 1.0, interactive: true };
    let scene = chart.draw(&area, look, view).unwrap();
    drop(area);
    (scene, picture)
}

fn color_of(palette: &Palette, series: Series) -> plotters::style::RGBColor {
    match series {
        Series::Sum | Series::Time => palette.sum,
        Series::Largest => palette.largest,
        Series::Whole => palette.whole,
        Series::Memory => palette.memory,
        Series::Phase(phase) => palette.phase(phase),
        Series::System(system) => palette.system(system),
        Series::Plan(index) => palette.plan(index),
        // The tests have weights of 4, 8 and 12 bits.
        Series::Weights(bits) => palette.step(bits as usize / 4 - 1, 3),
        Series::Predicted
        | Series::Current
        | Series::Budget
        | Series::Frontier
        | Series::Target => panic!("{series:?} has no marks"),
    }
}

#[test]
fn a_mark_has_its_colour_where_it_is_said_to_be() {
    let palette = Palette::of(false);
    for scaling in Scaling::ALL {
        // Without predictions nothing is drawn over the bars.
        let view = View { scaling, hidden: [Series::Predicted].into() };
        for chart in charts(3, 2.0) {
            let (scene, picture) = drawn(&chart, &view, (900, 520));
            assert!(!scene.hits.is_empty(), "{}", chart.title());
            for hit in scene.hits.iter().filter(|hit| hit.frame.height() > 3.0) {
                let (x, y) = (hit.frame.middle_x(), hit.frame.middle_y());
                assert!(hit.reach.contains(x, y), "{}", hit.label);
                let is_partial = matches!(hit.value, Value::Quantity { partial: true, .. });
                let is_memory = matches!(hit.value, Value::Memory { .. });
                if is_partial || is_memory || hit.frame.width() < 3.0 {
                    continue;
                }
                // A bar on a log scale may be torn at its middle, a memory mark is on a thin line.
                let color = color_of(&palette, hit.series);
                let expected = image::Rgb([color.0, color.1, color.2]);
                let top = hit.frame.top + 2.0;
                let found = [y, top].map(|y| *picture.get_pixel(x as u32, y as u32));
                let title = chart.title();
                assert!(found.contains(&expected), "{title}, {}: {found:?}", hit.label);
                let at = scene.at(x, top).map(|index| &scene.hits[index].label);
                assert_eq!(at, Some(&hit.label), "{title}");
            }
        }
    }
}

#[test]
fn the_height_of_a_bar_is_its_value() {
    let chart = &charts(3, 2.0)[3];
    let view = View { scaling: Scaling::Linear, hidden: [Series::Predicted].into() };
    let (scene, _) = drawn(chart, &view, (900, 520));
    let heights: Vec<(f64, f64)> = scene
        .hits
        .iter()
        .filter(|hit| hit.series == Series::Time)
        .filter_map(|hit| match hit.value {
            Value::Quantity { quantity, .. } => Some((quantity.measured?, hit.frame.height())),
            _ => None,
        })
        .collect();
    let [(a, of_a), (b, of_b)] = heights[..] else { panic!("{heights:?}") };
    assert!((of_a / of_b - a / b).abs() < 0.01, "{heights:?}");
    assert_eq!(
        scene.hits[0].facts(),
        [("measured", "2.0000 s".to_owned())],
        "what is hidden is not said either"
    );
    let (scene, _) = drawn(chart, &View::default(), (900, 520));
    assert_eq!(
        scene.hits[0].sentence(),
        "Prove: slice 1: measured 2.0000 s, predicted 2.2000 s, interval 1.80 s to 2.60 s"
    );
}

#[test]
fn what_is_hidden_is_not_drawn_and_its_entry_stays() {
    for chart in charts(3, 2.0) {
        let (all, _) = drawn(&chart, &View::default(), (900, 520));
        let series: Vec<Series> = all.legend.iter().filter_map(|item| item.series).collect();
        assert!(!series.is_empty(), "{}", chart.title());
        for &hidden in &series {
            let view = View { hidden: [hidden].into(), ..View::default() };
            let (scene, _) = drawn(&chart, &view, (900, 520));
            assert!(scene.hits.iter().all(|hit| hit.series != hidden), "{hidden:?}");
            let labels = |scene: &Scene| -> Vec<String> {
                scene.legend.iter().map(|item| item.label.clone()).collect()
            };
            assert_eq!(labels(&scene), labels(&all));
            let dimmed: Vec<_> =
                scene.legend.iter().filter(|i| !i.shown).filter_map(|i| i.series).collect();
            assert_eq!(dimmed, [hidden]);
            // On paper an entry without a series in the picture would raise questions.
            let label = &scene.legend.iter().find(|i| i.series == Some(hidden)).unwrap().label;
            let svg = to_svg(&chart, &view, (900, 520), false).unwrap();
            assert!(!svg.contains(&format!("\n{label}\n")), "{label}");
        }
        let view = View { hidden: series.into_iter().collect(), ..View::default() };
        let (scene, _) = drawn(&chart, &view, (900, 520));
        assert_eq!(scene.hits, [], "{}", chart.title());
    }
}

#[test]
fn charts_show_their_labels_and_values() {
    let expected: [&[&str]; 8] = [
        &[
            "Sliced against monolithic",
            "lenet-digits.onnx",
            "sum of 3 slices",
            "Peak memory",
            "18.0 s",
        ],
        &["Linking", "2.00 s", "Total after set-up"],
        &["Timeline", "slice 3", "failed", "memory budget 400 MB", "Memory (MB)"],
        &["Cost by slice", "Prove (s)", "Peak memory (MB)", "6.00 s"],
        &["Cost over the number of slices", "sweet spot: 3 slices", "Time (s)"],
        &["Proof systems", "whir (integrity only)", "Prove (log scale)", "whir 82× less", "–"],
        &["Plans", "plan 2", "Slowest slice", "≥ 8.00 s", "Slices"],
        &[
            "Error against cost",
            "4-bit weights",
            "chosen: 4 × 8 bits",
            "now: 4 × 12 bits",
            "Mean D1 (log scale)",
            "target",
        ],
    ];
    for (chart, texts) in charts(3, 2.0).iter().zip(expected) {
        let svg = to_svg(chart, &View::default(), (900, 420), false).unwrap();
        for text in texts {
            assert!(svg.contains(text), "{text} is missing in {}", chart.title());
        }
    }
}

#[test]
fn charts_without_data_say_so() {
    for chart in charts(0, 1.0) {
        assert!(
            to_svg(&chart, &View::default(), (640, 360), false).unwrap().contains(" yet."),
            "{}",
            chart.title()
        );
    }
}

#[test]
fn no_data_and_no_size_makes_a_chart_panic() {
    let values = [0.0, 1e-12, 1.0, 1e9, 1e30, 1e300, f64::NAN, f64::INFINITY, -1.0];
    for n in [0, 1, 2, 20, 100] {
        for value in values {
            for chart in charts(n, value) {
                to_svg(&chart, &View::default(), (640, 360), true).unwrap();
            }
        }
        for size in [(1, 1), (10, 400), (400, 10), (60, 60), (2000, 90)] {
            for chart in charts(n, 1.0) {
                to_svg(&chart, &View::default(), size, true).unwrap();
            }
        }
    }
}

#[test]
fn a_png_has_the_scaled_size_and_something_on_it() {
    for dark in [false, true] {
        for chart in charts(5, 1.0) {
            let png =
                to_png(&chart, &View::default(), (320, 200), Look::on_paper(dark, 2.0)).unwrap();
            let picture = image::load_from_memory(&png).unwrap().to_rgb8();
            assert_eq!(picture.dimensions(), (640, 400));
            let background = picture.get_pixel(0, 0);
            let drawn = picture.pixels().filter(|pixel| *pixel != background).count();
            assert!(drawn > 5_000, "{} pixels drawn in {}", drawn, chart.title());
        }
    }
}

#[test]
fn sizes_out_of_range_are_refused() {
    let chart = Chart::Sweep(SweepData::default());
    for (size, scale) in
        [((0, 10), 1.0), ((10_000, 10), 2.0), ((10, 10), f64::NAN), ((10, 10), -1.0)]
    {
        let result = to_png(&chart, &View::default(), size, Look::on_paper(false, scale));
        assert!(matches!(result, Err(ExportError::Size { .. })), "{size:?} at {scale}");
    }
}

#[test]
fn the_numbers_behind_a_chart_are_exported() {
    let tables: Vec<_> = charts(2, 2.0).iter().map(Chart::table).collect();
    assert_eq!(tables[0].rows.len(), 4);
    assert!(tables[0].to_csv().starts_with("piece,setup_secs,predicted_setup_secs,"));
    assert_eq!(tables[2].rows.len(), 12 + 2, "phases of two jobs, and samples of memory");
    assert!(tables[5].to_csv().starts_with("piece,halo2_prove_secs,predicted_halo2_prove_secs,"));
    assert!(tables[4].to_csv().contains("2,,8,2,10,1,,,,1000000,,,\r\n"));
    let linking = tables[0].to_csv().lines().last().unwrap().to_owned();
    assert!(linking.starts_with("linking,,,") && linking.ends_with(",2,,,"), "{linking}");
}

#[test]
fn plans_are_a_row_each() {
    let plan = |name: &str, secs: &[f64]| {
        let slices = secs.iter().map(|&secs| PieceCosts {
            prove_secs: Quantity::predicted(secs, secs / 2.0, secs * 2.0).with_measured(secs),
            peak_bytes: Quantity::measured(secs * 1e6),
            proof_bytes: Quantity::measured(4_000.0),
            verify_secs: Quantity::predicted(0.5, 0.5, 0.5),
            ..PieceCosts::default()
        });
        PlanCosts::new(name, slices.collect())
    };
    let mut plans = vec![plan("three", &[1.0, 2.0, 4.0]), plan("one", &[6.0])];
    // A plan of which one slice was not proven yet has no sum.
    plans[0].slices[2].peak_bytes = Quantity::default();
    let data = PlansData { subtitle: String::new(), plans };
    expect_test::expect![[r#"
        plan,slices,sum_prove_secs,predicted_sum_prove_secs,predicted_low_sum_prove_secs,predicted_high_sum_prove_secs,slowest_prove_secs,predicted_slowest_prove_secs,predicted_low_slowest_prove_secs,predicted_high_slowest_prove_secs,peak_bytes,predicted_peak_bytes,predicted_low_peak_bytes,predicted_high_peak_bytes,proof_bytes,predicted_proof_bytes,predicted_low_proof_bytes,predicted_high_proof_bytes,verify_secs,predicted_verify_secs,predicted_low_verify_secs,predicted_high_verify_secs,linking_secs,predicted_linking_secs,predicted_low_linking_secs,predicted_high_linking_secs
        three,3,7,7,3.5,14,4,4,2,8,,,,,12000,,,,,1.5,1.5,1.5,,,,
        one,1,6,6,3,12,6,6,3,12,6000000,,,,4000,,,,,0.5,0.5,0.5,,,,
    "#]]
    .assert_eq(&Chart::Plans(data).table().to_csv().replace('\r', ""));
}
