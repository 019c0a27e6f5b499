//! Pictures of the window, drawn without a display:
//! `cargo run --release --example screenshots [FOLDER [PART]]` writes them into `screenshots/`, all
//! or those of one part.
//!
//! The pictures of proving need the program itself beside this example: `cargo build --release`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use egui::{ThemePreference, Vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use microtome_app::App;
use microtome_app::app::BottomTab;
use microtome_app::command::Command;
use microtome_app::graph_view::ColorBy;
use microtome_app::panels::charts::ChartTab;
use microtome_engine::prove::System;

#[path = "../tests/common/network.rs"]
mod network;

type Window = Harness<'static, App>;
type Done = Result<(), Box<dyn std::error::Error>>;
/// Some pictures, by the name that asks for them alone.
type Part = (&'static str, fn(&Studio) -> Done);

struct Studio {
    folder: PathBuf,
    program: Option<PathBuf>,
}

fn main() -> Done {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "screenshots".to_owned());
    std::fs::create_dir_all(&folder)?;
    let program = std::env::current_exe()?
        .parent()
        .and_then(Path::parent)
        .map(|target| target.join("microtome"))
        .filter(|path| path.is_file());
    let studio = Studio { folder: folder.into(), program };
    let only = std::env::args().nth(2);
    let parts: [Part; 10] = [
        ("dark", |studio| studio.overview(ThemePreference::Dark, "dark")),
        ("light", |studio| studio.overview(ThemePreference::Light, "light")),
        ("sizes", Studio::sizes),
        ("residual", Studio::residual),
        ("finding", Studio::finding),
        ("slicing", Studio::slicing),
        ("bits", Studio::bits),
        ("large", Studio::large),
        ("tour", Studio::tour),
        ("proving", Studio::proving),
    ];
    for (name, draw) in parts {
        if only.as_ref().is_none_or(|only| only == name) {
            draw(&studio)?;
        }
    }
    Ok(())
}

impl Studio {
    fn open(&self, sample: &str, size: [f32; 2], theme: ThemePreference) -> Window {
        let sample = sample.to_owned();
        let mut window = self.window(size, theme, move |app| app.open_sample(&sample));
        wait(&mut window, 120, |app| {
            app.session.as_ref().is_some_and(|s| s.has_estimates() && s.answer.is_some())
        });
        window
    }

    fn window(
        &self,
        size: [f32; 2],
        theme: ThemePreference,
        open: impl FnOnce(&mut App) + 'static,
    ) -> Window {
        let program = self.program.clone();
        let window = Harness::builder()
            .with_size(size)
            .with_pixels_per_point(1.0)
            .renderer(softrender::SoftRenderer::default())
            .build_eframe(move |cc| {
                let mut app = App::with(&cc.egui_ctx, Default::default());
                if let Some(program) = program {
                    app.prove_with(program);
                }
                open(&mut app);
                app
            });
        window.ctx.set_theme(theme);
        window
    }

    /// A network of 500 nodes: folded blocks, and slices with their totals from afar.
    fn large(&self) -> Done {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("resnet-500.onnx");
        std::fs::write(&path, network::residual(500, network::Names::Scoped))?;
        let mut window =
            self.window([1280.0, 800.0], ThemePreference::Light, move |app| app.open_path(&path));
        wait(&mut window, 120, |app| {
            let systems = app.session.as_ref().and_then(|session| session.systems());
            app.session.as_ref().is_some_and(|s| s.has_estimates()) && systems.is_some()
        });
        window.state_mut().notices.clear();
        self.save(&mut window, "large-model")?;
        for _ in 0..9 {
            window.state_mut().ask(Command::ZoomOut);
            window.run_steps(2);
        }
        self.save(&mut window, "from-afar")
    }

    fn save(&self, window: &mut Window, name: &str) -> Done {
        window.run_steps(4);
        let path = self.folder.join(format!("{name}.png"));
        window.render()?.save(&path)?;
        println!("{}", path.display());
        Ok(())
    }

    fn overview(&self, theme: ThemePreference, name: &str) -> Done {
        let mut window = self.open("digits-lenet", [1280.0, 800.0], theme);
        window.state_mut().selection.node = Some(0);
        self.save(&mut window, &format!("window-{name}"))?;
        let from = window.get_by_label("Slice boundary 1").rect().center();
        window.hover_at(from);
        window.step();
        window.drag_at(from);
        window.step();
        for dy in [10.0, 30.0, 60.0, 90.0] {
            window.hover_at(from + Vec2::new(0.0, dy));
            window.step();
        }
        self.save(&mut window, &format!("drag-{name}"))
    }

    fn sizes(&self) -> Done {
        for (name, size) in [("small", [1000.0, 640.0]), ("large", [1920.0, 1080.0])] {
            let mut window = self.open("digits-lenet", size, ThemePreference::Dark);
            self.save(&mut window, name)?;
        }
        Ok(())
    }

    fn residual(&self) -> Done {
        let mut window = self.open("digits-resnet", [1280.0, 800.0], ThemePreference::Light);
        self.save(&mut window, "residual")
    }

    /// The palette over the nodes of an operator, and nodes coloured by their cost.
    fn finding(&self) -> Done {
        let mut window = self.open("digits-resnet", [1280.0, 800.0], ThemePreference::Dark);
        window.state_mut().ask(Command::ColorBy(ColorBy::Macs));
        self.save(&mut window, "heat")?;
        window.state_mut().ask(Command::Palette);
        window.run_steps(4);
        window.event(egui::Event::Text("conv".to_owned()));
        self.save(&mut window, "palette")
    }

    /// Nodes by their quantisation error, a box of them on the way to a slice, and a boundary that
    /// is dragged out.
    fn slicing(&self) -> Done {
        let mut window = self.open("digits-lenet", [1280.0, 800.0], ThemePreference::Light);
        window.state_mut().ask(Command::ColorBy(ColorBy::Error));
        window.run_steps(4);
        let app = window.state_mut();
        app.picked.set_nodes(&mut app.selection, (3..6).collect());
        self.save(&mut window, "make-slice")?;
        let app = window.state_mut();
        app.picked.clear(&mut app.selection);
        window.state_mut().ask(Command::ColorBy(ColorBy::Operator));
        window.run_steps(4);
        let from = window.get_by_label("Slice boundary 1").rect().center();
        window.hover_at(from);
        window.step();
        window.drag_at(from);
        window.step();
        for dx in [40.0, 90.0, 130.0] {
            window.hover_at(from + Vec2::new(dx, 20.0));
            window.step();
        }
        self.save(&mut window, "drag-out")
    }

    /// Error against cost over bits, with the setting that is chosen for the usual target.
    fn bits(&self) -> Done {
        let pictures = [
            ("bits", [1280.0, 720.0], ThemePreference::Light),
            ("bits-large", [1920.0, 1080.0], ThemePreference::Dark),
        ];
        for (name, size, theme) in pictures {
            let mut window = self.open("digits-cnn", size, theme);
            window.state_mut().ask(Command::SweepBits);
            wait(&mut window, 600, |app| {
                app.session.as_ref().is_some_and(|s| s.bits_chart().is_some())
            });
            window.state_mut().notices.clear();
            self.save(&mut window, name)?;
        }
        Ok(())
    }

    /// Two steps of the tour, and two plans of one model.
    fn tour(&self) -> Done {
        let mut window = self.open("digits-cnn", [1280.0, 800.0], ThemePreference::Light);
        window.state_mut().ask(Command::Tour);
        wait(&mut window, 10, |app| app.tour.is_some());
        window.run_steps(4);
        window.get_by_label("Next").click();
        self.save(&mut window, "tour")?;
        window.get_by_label("Leave the tour").click();
        window.run_steps(4);
        window.state_mut().ask(Command::UseWhir);
        window.run_steps(4);
        if self.program.is_none() {
            return Ok(());
        }
        prove(&mut window);
        window.state_mut().ask(Command::NewPlan);
        window.run_steps(4);
        window.state_mut().settings.balance.slices = 5;
        window.state_mut().ask(Command::Balance);
        wait(&mut window, 10, |app| app.session.as_ref().is_some_and(|s| s.cuts().len() == 4));
        prove(&mut window);
        window.state_mut().selection.cut = window.state().session.as_ref().map(|s| s.cuts()[0]);
        window.state_mut().ask(Command::RemoveBoundary);
        window.state_mut().settings.chart = ChartTab::Plans;
        window.state_mut().notices.clear();
        self.save(&mut window, "plans")
    }

    fn proving(&self) -> Done {
        if self.program.is_none() {
            eprintln!("target/release/microtome is missing: no pictures of proving");
            return Ok(());
        }
        let mut window = self.open("digits-lenet", [1280.0, 800.0], ThemePreference::Dark);
        window.state_mut().ask(Command::Prove);
        // A command is carried out in the next frame.
        wait(&mut window, 10, |app| app.session.as_ref().is_some_and(|s| s.is_proving()));
        wait(&mut window, 600, |app| {
            app.session.as_ref().is_some_and(|s| s.measured(0).is_some() || !s.is_proving())
        });
        window.state_mut().settings.chart = ChartTab::Timeline;
        self.save(&mut window, "proving")?;
        wait(&mut window, 900, |app| app.session.as_ref().is_some_and(|s| !s.is_proving()));
        window.state_mut().settings.chart = ChartTab::Compare;
        window.state_mut().notices.clear();
        self.save(&mut window, "verified")?;
        // The same window goes on, so that the chart has measurements of both systems.
        self.systems(&mut window)
    }

    /// The same slices by the other proof system, and then one of them.
    fn systems(&self, window: &mut Window) -> Done {
        window.state_mut().ask(Command::UseWhir);
        window.run_steps(4);
        prove(window);
        if let Some(session) = &mut window.state_mut().session {
            session.set_system(2, System::Halo2);
        }
        window.state_mut().ask(Command::Fit);
        window.run_steps(4);
        prove(window);
        window.state_mut().settings.chart = ChartTab::Systems;
        window.state_mut().notices.clear();
        self.save(window, "systems")?;
        window.state_mut().bottom = BottomTab::Tamper;
        window.run_steps(4);
        window.get_by_label("Try all").click();
        window.run_steps(4);
        wait(window, 600, |app| !app.tamper.is_busy());
        window.state_mut().notices.clear();
        self.save(window, "tamper")
    }
}

/// Proves the marked slices to the end.
fn prove(window: &mut Window) {
    window.state_mut().ask(Command::Prove);
    wait(window, 10, |app| app.session.as_ref().is_some_and(|s| s.is_proving()));
    wait(window, 900, |app| app.session.as_ref().is_some_and(|s| !s.is_proving()));
}

fn wait(window: &mut Window, most_secs: u64, holds: impl Fn(&App) -> bool) {
    let start = Instant::now();
    while !holds(window.state()) && start.elapsed() < Duration::from_secs(most_secs) {
        window.step();
        std::thread::sleep(Duration::from_millis(5));
    }
}
