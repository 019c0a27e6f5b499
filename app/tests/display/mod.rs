//! A virtual display with a mouse and a keyboard, through X11's own test extension.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ConnectionExt as _, InputFocus, KEY_PRESS_EVENT,
    KEY_RELEASE_EVENT, MOTION_NOTIFY_EVENT, MapState,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

/// Key symbols of X11 that no letter stands for.
pub mod keys {
    /// The left control key.
    pub const CONTROL: u32 = 0xffe3;
    /// The left shift key.
    pub const SHIFT: u32 = 0xffe1;
    /// The return key.
    pub const RETURN: u32 = 0xff0d;
}

/// A pause in which a window draws what an event did, as hands leave one.
const PAUSE: Duration = Duration::from_millis(60);

/// A virtual display; it ends with this value.
pub struct Display {
    server: Child,
    name: String,
    connection: RustConnection,
    root: u32,
}

impl Drop for Display {
    fn drop(&mut self) {
        // Where it ended by itself there is nothing to end.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Display {
    /// Starts a display of a size in pixels; nothing where there is no Xvfb.
    pub fn start((width, height): (u16, u16)) -> Option<Self> {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-nolisten", "tcp", "-screen", "0"])
            .arg(format!("{width}x{height}x24"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut number = String::new();
        BufReader::new(server.stdout.take()?).read_line(&mut number).unwrap();
        let name = format!(":{}", number.trim());
        let (connection, screen) = x11rb::connect(Some(&name)).unwrap();
        let root = connection.setup().roots[screen].root;
        Some(Self { server, name, connection, root })
    }

    /// What programs call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits for a window of a size, turns the keyboard to it, and gives its corner.
    pub fn wait_for_window(&self, (width, height): (u16, u16)) -> (i16, i16) {
        let start = Instant::now();
        loop {
            let tree = self.connection.query_tree(self.root).unwrap().reply().unwrap();
            for window in tree.children {
                let attributes = self.connection.get_window_attributes(window).unwrap().reply();
                let shape = self.connection.get_geometry(window).unwrap().reply();
                let (Ok(attributes), Ok(shape)) = (attributes, shape) else { continue };
                let fits = (shape.width, shape.height) == (width, height);
                if fits && attributes.map_state == MapState::VIEWABLE {
                    let focus = InputFocus::POINTER_ROOT;
                    self.connection.set_input_focus(focus, window, x11rb::CURRENT_TIME).unwrap();
                    self.connection.flush().unwrap();
                    return (shape.x, shape.y);
                }
            }
            assert!(start.elapsed() < Duration::from_secs(60), "no window came");
            std::thread::sleep(PAUSE);
        }
    }

    fn send(&self, kind: u8, detail: u8, (x, y): (i16, i16)) {
        let now = x11rb::CURRENT_TIME;
        self.connection.xtest_fake_input(kind, detail, now, self.root, x, y, 0).unwrap();
        self.connection.flush().unwrap();
        std::thread::sleep(PAUSE);
    }

    /// Drags with the left button, in steps as a hand does.
    pub fn drag(&self, from: (i16, i16), to: (i16, i16)) {
        self.send(MOTION_NOTIFY_EVENT, 0, from);
        // The pointer rests for a moment, so that what is under it notices.
        self.send(MOTION_NOTIFY_EVENT, 0, (from.0, from.1 + 1));
        self.send(BUTTON_PRESS_EVENT, 1, from);
        let part = |a: i16, b: i16, step: i16| a + (b - a) * step / 10;
        for step in 1..=10 {
            let at = (part(from.0, to.0, step), part(from.1, to.1, step));
            self.send(MOTION_NOTIFY_EVENT, 0, at);
        }
        self.send(BUTTON_RELEASE_EVENT, 1, to);
    }

    /// Presses a letter while other keys are held.
    pub fn press(&self, held: &[u32], letter: char) {
        self.press_key(held, u32::from(letter));
    }

    /// Presses a key while other keys are held, all by their symbols.
    pub fn press_key(&self, held: &[u32], key: u32) {
        let held: Vec<u8> = held.iter().map(|&symbol| self.code(symbol)).collect();
        let key = self.code(key);
        for &code in held.iter().chain([&key]) {
            self.send(KEY_PRESS_EVENT, code, (0, 0));
        }
        for &code in [&key].into_iter().chain(held.iter().rev()) {
            self.send(KEY_RELEASE_EVENT, code, (0, 0));
        }
    }

    /// The key of the virtual keyboard that gives a symbol.
    fn code(&self, symbol: u32) -> u8 {
        let setup = self.connection.setup();
        let (first, count) = (setup.min_keycode, setup.max_keycode - setup.min_keycode + 1);
        let map = self.connection.get_keyboard_mapping(first, count).unwrap().reply().unwrap();
        let per_key = usize::from(map.keysyms_per_keycode);
        let at = map.keysyms.chunks(per_key).position(|symbols| symbols.contains(&symbol));
        first + u8::try_from(at.expect("the keyboard has this key")).unwrap()
    }
}
