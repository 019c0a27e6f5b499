//! The models that come with the program, each with a calibration set and a test set.

use std::path::{Path, PathBuf};

use directories::ProjectDirs;

/// A model that comes with the program.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Name of its folder.
    pub name: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    files: [(&'static str, &'static [u8]); 4],
}

macro_rules! sample {
    ($name:literal, $about:literal) => {
        Sample {
            name: $name,
            about: $about,
            files: [
                ("model.onnx", include_bytes!(concat!("../../samples/", $name, "/model.onnx"))),
                ("calib.npz", include_bytes!(concat!("../../samples/", $name, "/calib.npz"))),
                ("test.npz", include_bytes!(concat!("../../samples/", $name, "/test.npz"))),
                ("input.json", include_bytes!(concat!("../../samples/", $name, "/input.json"))),
            ],
        }
    };
}

/// All of them; the first is opened when nothing else is asked for.
pub const ALL: [Sample; 4] = [
    sample!("digits-cnn", "a small convolutional network, 8×8 digits"),
    sample!("digits-lenet", "LeNet for 3×32×32 pictures of digits"),
    sample!("digits-resnet", "a residual network, 8×8 digits"),
    sample!("digits-mlp", "three dense layers, 8×8 digits"),
];

impl Sample {
    /// Where its model lies: in a `samples` folder beside the program, else unpacked into the
    /// user's cache.
    ///
    /// # Errors
    /// Where it can't be unpacked; the text says why.
    pub fn model_path(&self) -> Result<PathBuf, String> {
        if let Some(found) = self.beside_the_program() {
            return Ok(found);
        }
        let dirs = ProjectDirs::from("", "", "microtome")
            .ok_or("this user has no home folder to unpack the sample into")?;
        let folder = dirs.cache_dir().join("samples").join(self.name);
        self.unpack(&folder).map_err(|error| {
            format!("the sample {} can't be unpacked into {}: {error}", self.name, folder.display())
        })?;
        Ok(folder.join("model.onnx"))
    }

    fn beside_the_program(&self) -> Option<PathBuf> {
        let program = std::env::current_exe().ok()?;
        let model = Path::new("samples").join(self.name).join("model.onnx");
        // `target/release/deps/test` is four folders below the samples.
        program.ancestors().skip(1).take(4).map(|dir| dir.join(&model)).find(|path| path.is_file())
    }

    fn unpack(&self, folder: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        for (name, bytes) in self.files {
            let path = folder.join(name);
            if std::fs::read(&path).is_ok_and(|there| there == bytes) {
                continue;
            }
            std::fs::write(path, bytes)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_unpacks_whole() {
        let folder = tempfile::tempdir().unwrap();
        let sample = ALL[0];
        sample.unpack(folder.path()).unwrap();
        for (name, bytes) in sample.files {
            assert_eq!(std::fs::read(folder.path().join(name)).unwrap(), bytes);
        }
    }
}
