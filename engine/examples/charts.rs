//! Draws every chart from invented numbers, light and dark, as SVG and PNG: for looking at them.
//!
//! `cargo run -p microtome-engine --example charts -- DIRECTORY`

use std::error::Error;
use std::path::{Path, PathBuf};

use microtome_engine::report::charts::{
    Chart, CompareData, Look, MemorySample, PerSliceData, Phase, PieceCosts, PlanCosts, PlansData,
    Quantity, RowState, Scales, Scaling, Series, Span, SweepData, SweepPoint, TimelineData,
    TimelineRow, View, to_png, to_svg,
};

const SIZE: (u32, u32) = (760, 420);

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::args_os().nth(1).map(PathBuf::from);
    let directory = directory.ok_or("usage: charts DIRECTORY")?;
    std::fs::create_dir_all(&directory)?;
    for (name, chart) in charts() {
        write(&directory, name, &chart, &View::default())?;
    }
    let log = View { scaling: Scaling::Log, ..View::default() };
    let hidden = [Series::Sum, Series::Predicted].into();
    let some = View { hidden, ..View::default() };
    let three = [1.0, 2.84, 0.9];
    write(&directory, "compare-log", &compare(&three, 3, Scales::Own), &log)?;
    write(&directory, "compare-hidden", &compare(&three, 3, Scales::Own), &some)?;
    write(&directory, "sweep-log", &sweep(), &log)?;
    write(&directory, "sweep-hidden", &sweep(), &some)?;
    println!("wrote the charts to {}", directory.display());
    Ok(())
}

fn write(directory: &Path, name: &str, chart: &Chart, view: &View) -> Result<(), Box<dyn Error>> {
    for (theme, dark) in [("light", false), ("dark", true)] {
        let base = directory.join(format!("{name}-{theme}"));
        std::fs::write(base.with_extension("svg"), to_svg(chart, view, SIZE, dark)?)?;
        let png = to_png(chart, view, SIZE, Look::on_paper(dark, 2.0))?;
        std::fs::write(base.with_extension("png"), png)?;
    }
    std::fs::write(directory.join(format!("{name}.csv")), chart.table().to_csv())?;
    Ok(())
}

fn charts() -> Vec<(&'static str, Chart)> {
    let three = [1.0, 2.84, 0.9];
    let twenty: Vec<f64> = (0..20).map(|i| 1.0 + f64::from(i * 7 % 11) * 0.6).collect();
    vec![
        ("compare", compare(&three, 3, Scales::Own)),
        ("compare-shared", compare(&three, 3, Scales::Shared)),
        ("compare-live", compare(&three, 2, Scales::Own)),
        ("compare-twenty", compare(&twenty, 20, Scales::Own)),
        ("timeline", timeline(3, None)),
        ("timeline-live", timeline(5, Some(6.3))),
        ("timeline-twenty", timeline(20, None)),
        ("slices", per_slice(&three, 2)),
        ("slices-twenty", per_slice(&twenty, 20)),
        ("slices-far-apart", per_slice(&[0.02, 2.84, 0.9], 2)),
        ("sweep", sweep()),
        ("plans-two", plans(2)),
        ("plans-four", plans(4)),
    ]
}

fn quantity(expected: f64, measured: bool) -> Quantity {
    let predicted = Quantity::predicted(expected, expected * 0.85, expected * 1.15);
    if measured { predicted.with_measured(expected * 0.96) } else { predicted }
}

fn piece(name: &str, prove_secs: f64, measured: bool) -> PieceCosts {
    PieceCosts {
        name: name.to_owned(),
        setup_secs: quantity(prove_secs * 0.6, measured),
        witness_secs: quantity(prove_secs * 0.06, measured),
        prove_secs: quantity(prove_secs, measured),
        verify_secs: quantity(0.012 + prove_secs * 0.004, measured),
        peak_bytes: quantity(60e6 + prove_secs * 110e6, measured),
        proof_bytes: quantity(4_200.0 + prove_secs * 100.0, measured),
    }
}

fn pieces(secs: &[f64], measured: usize) -> Vec<PieceCosts> {
    let one = |(i, &secs): (usize, &f64)| piece(&i.to_string(), secs, i < measured);
    secs.iter().enumerate().map(one).collect()
}

fn compare(secs: &[f64], measured: usize, scales: Scales) -> Chart {
    let done = measured == secs.len();
    Chart::Compare(CompareData {
        subtitle: "lenet-digits.onnx, invented numbers".to_owned(),
        slices: pieces(secs, measured),
        whole: piece("whole", secs.iter().sum::<f64>() * 1.15, done),
        linking_secs: if done { Quantity::measured(0.0031) } else { Quantity::default() },
        scales,
    })
}

fn per_slice(secs: &[f64], measured: usize) -> Chart {
    let subtitle = "lenet-digits.onnx, invented numbers".to_owned();
    Chart::PerSlice(PerSliceData { subtitle, slices: pieces(secs, measured) })
}

fn plans(count: usize) -> Chart {
    let plan = |(name, secs, measured): (&str, &[f64], usize)| {
        PlanCosts::new(name, pieces(secs, measured))
    };
    let all: [(&str, &[f64], usize); 4] = [
        ("3 slices", &[1.0, 2.84, 0.9], 3),
        ("5 slices, balanced", &[0.9, 1.2, 1.1, 1.0, 0.9], 5),
        ("by layers", &[0.3; 12], 0),
        ("whole", &[5.4], 1),
    ];
    Chart::Plans(PlansData {
        subtitle: "lenet-digits.onnx, invented numbers".to_owned(),
        plans: all.into_iter().take(count).map(plan).collect(),
    })
}

fn timeline(jobs: usize, now_secs: Option<f64>) -> Chart {
    let mut rows = Vec::new();
    let mut memory = Vec::new();
    for i in 0..jobs {
        let begin = i as f64 * 1.7;
        let mut at = 0.0;
        let mut spans = Vec::new();
        for (phase, end) in Phase::ALL.into_iter().zip([0.0, 0.3, 0.9, 1.0, 2.7, 2.8]) {
            let end_secs = begin + end;
            if now_secs.is_some_and(|now| at > now) {
                break;
            }
            let open = now_secs.is_some_and(|now| end_secs > now);
            spans.push(Span { phase, start_secs: at, end_secs: (!open).then_some(end_secs) });
            at = end_secs;
        }
        let over = spans.iter().all(|span| span.end_secs.is_some()) && spans.len() == 6;
        let state = match i {
            2 if over && jobs > 3 => RowState::Failed,
            _ if over => RowState::Verified,
            _ => RowState::Open,
        };
        rows.push(TimelineRow { name: format!("slice {i}"), spans, state });
    }
    let end = now_secs.unwrap_or((jobs - 1) as f64 * 1.7 + 2.8);
    for step in 0..=(end * 10.0) as usize {
        let at_secs = step as f64 / 10.0;
        let wave = (at_secs * 2.1).sin().abs() * 180e6 + (at_secs * 0.7).cos().abs() * 90e6;
        memory.push(MemorySample { at_secs, bytes: 120e6 + wave });
    }
    Chart::Timeline(TimelineData {
        subtitle: "lenet-digits.onnx, invented numbers".to_owned(),
        rows,
        now_secs,
        memory,
        budget_bytes: Some(512e6),
    })
}

fn sweep() -> Chart {
    let point = |slices: usize| {
        let n = slices as f64;
        let measured = slices == 3;
        SweepPoint {
            slices,
            sum_secs: quantity(5.9 * (0.8 + 0.07 * n + 0.3 / n), measured),
            slowest_secs: quantity(5.9 / n.powf(0.8) + 0.25, measured),
            peak_bytes: quantity(820e6 / n.powf(0.7) + 60e6, measured),
        }
    };
    Chart::Sweep(SweepData {
        subtitle: "lenet-digits.onnx, invented numbers".to_owned(),
        points: (1..=12).map(point).collect(),
        sweet_spot: Some(5),
        current: Some(3),
    })
}
