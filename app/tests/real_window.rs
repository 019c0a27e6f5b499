//! The program itself in a window on a virtual display, driven by mouse and keyboard; what it kept
//! of the work is read from its project.
//!
//! It needs Xvfb and OpenGL in software: `.ci/run` installs them and demands this test with
//! `MICROTOME_NEED_DISPLAY`; without them it says what it could not check.

#![cfg(target_os = "linux")]

mod common;
mod display;

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use common::{opened, sample};
use display::{Display, keys};
use egui::{Pos2, Vec2};
use egui_kittest::kittest::Queryable as _;
use microtome_app::project::Project;

/// The window's own size, which is also that of the tests without a display.
const SIZE: (u16, u16) = (1280, 800);

/// The program, ended with the test whatever happens.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // Where it ended by itself there is nothing to end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn project_in(home: &Path) -> Option<Project> {
    let folder = std::fs::read_dir(home.join("microtome").join("projects")).ok()?;
    let path = folder.flatten().next()?.path().join("project.microtome");
    path.is_file().then(|| Project::read(&path).expect("a project is never half written"))
}

/// Waits until the project that the program keeps fulfils something.
fn wait_for(home: &Path, what: &str, holds: impl Fn(&Project) -> bool) -> Project {
    let start = Instant::now();
    loop {
        if let Some(project) = project_in(home).filter(|project| holds(project)) {
            return project;
        }
        let last = project_in(home);
        assert!(start.elapsed() < Duration::from_secs(90), "waited for {what}: {last:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn shown_cuts(project: &Project) -> &[usize] {
    project.plans[project.current].plan.cuts()
}

#[test]
fn a_boundary_is_dragged_in_a_real_window_and_the_project_is_kept() {
    let Some(display) = Display::start(SIZE) else {
        let demanded = std::env::var_os("MICROTOME_NEED_DISPLAY").is_some();
        assert!(!demanded, "Xvfb is not installed, and this test is demanded");
        eprintln!("NOT CHECKED: no Xvfb, so no real window was opened");
        return;
    };
    // Where things are in a window of this size, asked of one without a display.
    let handle = opened("digits-cnn").get_by_label("Slice boundary 1").rect().center();

    let home = tempfile::tempdir().unwrap();
    let program = Command::new(env!("CARGO_BIN_EXE_microtome"))
        .arg(sample("digits-cnn"))
        .env("DISPLAY", display.name())
        .env("XDG_DATA_HOME", home.path())
        .env("XDG_CONFIG_HOME", home.path())
        .env("LIBGL_ALWAYS_SOFTWARE", "1")
        .env_remove("WAYLAND_DISPLAY")
        .spawn()
        .unwrap();
    let mut program = Program(program);
    let corner = display.wait_for_window(SIZE);
    let at = |point: Pos2| (corner.0 + point.x as i16, corner.1 + point.y as i16);
    let before = wait_for(home.path(), "the first project", |_| true);
    let first = shown_cuts(&before).to_vec();

    display.drag(at(handle), at(handle + Vec2::new(0.0, -90.0)));
    let dragged = wait_for(home.path(), "the drag", |project| shown_cuts(project) != first);
    assert!(shown_cuts(&dragged)[0] < first[0]);
    assert_eq!(shown_cuts(&dragged)[1..], first[1..]);

    display.press(&[keys::CONTROL], 'z');
    wait_for(home.path(), "the undo", |project| shown_cuts(project) == first);
    display.press(&[keys::CONTROL, keys::SHIFT], 'n');
    wait_for(home.path(), "another plan", |project| project.plans.len() == 2);
    display.press_key(&[keys::CONTROL], keys::RETURN);
    let proven = wait_for(home.path(), "a run", |project| project.plans[1].record.is_some());
    let record = proven.plans[1].record.as_ref().unwrap();
    assert!(record.accepted && record.coverage_macs == 1.0, "{record:?}");
    assert!(proven.plans[0].record.is_none());

    display.press(&[keys::CONTROL], 'q');
    let start = Instant::now();
    let status = loop {
        if let Some(status) = program.0.try_wait().unwrap() {
            break status;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "it does not end");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert!(status.success(), "{status}");
    let bundle: PathBuf = home.path().join("microtome").join("projects");
    let kept = std::fs::read_dir(bundle).unwrap().flatten().next().unwrap().path();
    assert!(kept.join(record.bundle.as_ref().unwrap()).is_file(), "its bundle is kept too");
}
