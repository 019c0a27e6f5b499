//! `microtome`: opens the window.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Parser;
use eframe::egui::ViewportBuilder;
use microtome_app::App;

/// A desktop workbench that slices ONNX networks and proves them, in zero knowledge or fast.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// An ONNX model or a project to open; without it the model that was open last, else a sample.
    file: Option<PathBuf>,
}

fn main() -> ExitCode {
    if let Some(reason) = microtome_engine::machine::unfit_processor() {
        eprintln!("microtome: {reason}");
        return ExitCode::from(2);
    }
    // A prover runs as a child of this program. Nothing else may come before this.
    microtome_engine::run::child_main_if_asked();
    let arguments = Arguments::parse();
    // A missing library makes the window system's crates panic; what they say is no help.
    std::panic::set_hook(Box::new(|_| {}));
    let is_open = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&is_open);
    let opened = std::panic::catch_unwind(|| open_window(arguments.file, flag));
    let reason = match opened {
        Ok(Ok(())) => return ExitCode::SUCCESS,
        Ok(Err(error)) => error.to_string(),
        Err(panic) if is_open.load(Ordering::Relaxed) => std::panic::resume_unwind(panic),
        Err(panic) => panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "the window system failed".to_owned()),
    };
    eprintln!("{}", explain(&reason));
    ExitCode::from(2)
}

fn open_window(file: Option<PathBuf>, is_open: Arc<AtomicBool>) -> eframe::Result {
    let viewport = ViewportBuilder::default()
        .with_title("Microtome")
        .with_app_id("microtome")
        .with_inner_size([1280.0, 800.0])
        .with_min_inner_size([800.0, 520.0])
        .with_icon(icon());
    let options = eframe::NativeOptions { viewport, ..Default::default() };
    eframe::run_native(
        "microtome",
        options,
        Box::new(move |cc| {
            // The window is there: from here on a panic is a defect of ours, to be seen.
            drop(std::panic::take_hook());
            is_open.store(true, Ordering::Relaxed);
            let mut app = App::new(cc, file);
            if let Some(folder) = microtome_app::keeping::default_folder() {
                app.keep_projects_in(folder);
            }
            Ok(Box::new(app))
        }),
    )
}

/// The picture of the program in task bars; without one where it can't be read.
fn icon() -> eframe::egui::IconData {
    eframe::icon_data::from_png_bytes(include_bytes!("../../assets/microtome.png"))
        .unwrap_or_default()
}

/// One sentence on why there is no window, and what to do about it.
fn explain(reason: &str) -> String {
    // The window system's crates put places in their source before what went wrong.
    let reason = reason.lines().next().unwrap_or_default();
    let reason = reason.rsplit(": ").next().unwrap_or(reason).trim_end_matches('.');
    format!(
        "microtome: no window could be opened ({reason}): it needs a display (X11 or Wayland) and, \
         on Debian, the packages libx11-6 libxcursor1 libxi6 libx11-xcb1 libxkbcommon-x11-0 \
         libegl1 libgl1-mesa-dri; microtome-cli does the same work without a window."
    )
}
