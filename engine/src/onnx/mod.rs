//! ONNX files: bytes to [`Graph`], the float reference, and slices as files of their own.
//!
//! The protobuf messages and the inference of shapes are tract's; the checks around them, the
//! order of the nodes and the graph are ours. Nothing of tract or protobuf leaves this module.

mod build;
mod error;
mod export;
mod float;
mod infer;
mod proto;
mod rewrite;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use tract_onnx::pb::ModelProto;

pub use error::OnnxError;
pub use export::{ExportedSlice, run_exported};
pub use float::FloatTrace;
pub(crate) use rewrite::{Feed, NewNode, Rewriting, TileNode};

use crate::digest::Digest;
use crate::graph::Graph;

/// Shapes for inputs whose dimensions the file leaves open, by the input's name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bindings(pub BTreeMap<String, Vec<usize>>);

/// An opened model. Copies of it share what is large.
#[derive(Clone)]
pub struct Model {
    /// The network.
    pub graph: Arc<Graph>,
    bytes: Arc<[u8]>,
    proto: Arc<ModelProto>,
    inferred: Arc<infer::Inferred>,
    runner: Arc<OnceLock<Result<float::Runner, String>>>,
    /// The folder that weights in separate files are in.
    folder: Option<String>,
    bindings: Bindings,
    /// The model before it was split, where it was.
    original: Option<Arc<Model>>,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model").field("name", &self.graph.name).finish_non_exhaustive()
    }
}

impl Model {
    /// Opens a file. Its stem becomes the model's name, or its folder's name where the stem is
    /// just `model`.
    ///
    /// # Errors
    /// Where the file can't be read or is no ONNX model, or an input's shape stays open.
    pub fn open(path: &Path, bindings: &Bindings) -> Result<Self, OnnxError> {
        let bytes = std::fs::read(path)
            .map_err(|source| OnnxError::Read { path: path.to_owned(), source })?;
        let dir = path.parent().and_then(Path::to_str).filter(|dir| !dir.is_empty());
        Self::load(&name_of(path), bytes.into(), dir.or(Some(".")), bindings)
    }

    /// Reads a model from memory; weights in separate files are not found.
    ///
    /// # Errors
    /// As [`Model::open`].
    pub fn read(name: &str, bytes: &[u8], bindings: &Bindings) -> Result<Self, OnnxError> {
        Self::load(name, bytes.into(), None, bindings)
    }

    fn load(
        name: &str,
        bytes: Arc<[u8]>,
        dir: Option<&str>,
        bindings: &Bindings,
    ) -> Result<Self, OnnxError> {
        let proto = proto::decode(name, &bytes)?;
        let inferred = infer::infer(&proto, dir, bindings)?;
        let digest = digest(&bytes, bindings);
        let graph = build::build(name, &proto, inferred.facts(), digest);
        Ok(Self {
            graph: Arc::new(graph),
            bytes,
            proto: Arc::new(proto),
            inferred: Arc::new(inferred),
            runner: Arc::default(),
            folder: dir.map(str::to_owned),
            bindings: bindings.clone(),
            original: None,
        })
    }

    /// The model as its file has it: the one before it was split, or itself.
    #[must_use]
    pub fn unsplit(&self) -> &Self {
        self.original.as_deref().unwrap_or(self)
    }

    /// The file's bytes.
    #[must_use]
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }
}

/// What people call a model that lies at this path.
fn name_of(path: &Path) -> String {
    let text = |part: Option<&std::ffi::OsStr>| part.map(|s| s.to_string_lossy().into_owned());
    let stem = text(path.file_stem()).unwrap_or_else(|| "model".into());
    let folder = path.parent().and_then(|dir| text(dir.file_name()));
    match folder {
        Some(folder) if stem == "model" => folder,
        _ => stem,
    }
}

fn digest(bytes: &[u8], bindings: &Bindings) -> Digest {
    let mut all = bytes.to_vec();
    for (name, shape) in &bindings.0 {
        all.extend(format!("\n{name:?}={shape:?}").bytes());
    }
    Digest::of("microtome model v1", &all)
}
