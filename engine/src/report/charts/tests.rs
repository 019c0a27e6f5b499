//! Charts are drawn from typical, empty, large and absurd data.

use super::*;

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
    ]
}

#[test]
fn charts_show_their_labels_and_values() {
    let expected: [&[&str]; 6] = [
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
        &["Proof systems", "whir (integrity only)", "Prove (logarithmic)", "whir 82× less", "–"],
    ];
    for (chart, texts) in charts(3, 2.0).iter().zip(expected) {
        let svg = to_svg(chart, (900, 420), false).unwrap();
        for text in texts {
            assert!(svg.contains(text), "{text} is missing in {}", chart.title());
        }
    }
}

#[test]
fn charts_without_data_say_so() {
    for chart in charts(0, 1.0) {
        assert!(to_svg(&chart, (640, 360), false).unwrap().contains(" yet."), "{}", chart.title());
    }
}

#[test]
fn no_data_and_no_size_makes_a_chart_panic() {
    let values = [0.0, 1e-12, 1.0, 1e9, 1e30, 1e300, f64::NAN, f64::INFINITY, -1.0];
    for n in [0, 1, 2, 20, 100] {
        for value in values {
            for chart in charts(n, value) {
                to_svg(&chart, (640, 360), true).unwrap();
            }
        }
        for size in [(1, 1), (10, 400), (400, 10), (60, 60), (2000, 90)] {
            for chart in charts(n, 1.0) {
                to_svg(&chart, size, true).unwrap();
            }
        }
    }
}

#[test]
fn a_png_has_the_scaled_size_and_something_on_it() {
    for dark in [false, true] {
        for chart in charts(5, 1.0) {
            let png = to_png(&chart, (320, 200), Look { dark, scale: 2.0 }).unwrap();
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
        let result = to_png(&chart, size, Look { dark: false, scale });
        assert!(matches!(result, Err(ExportError::Size { .. })), "{size:?} at {scale}");
    }
}

#[test]
fn the_numbers_behind_a_chart_are_exported() {
    let tables: Vec<_> = charts(2, 2.0).iter().map(Chart::table).collect();
    assert_eq!(tables[0].rows.len(), 4);
    assert!(tables[0].to_csv().starts_with("piece,setup_secs,predicted_setup_secs,"));
    assert_eq!(tables[2].rows.len(), 12);
    assert!(tables[5].to_csv().starts_with("piece,halo2_prove_secs,predicted_halo2_prove_secs,"));
    assert!(tables[4].to_csv().contains("2,,8,2,10,1,,,,1000000,,,\r\n"));
}
