//! Jobs over one small network.

use std::sync::{Arc, OnceLock};

use microtome_engine::bundle::Custody;
use microtome_engine::onnx::{Bindings, Model};
use microtome_engine::plan::Plan;
use microtome_engine::program::{Card, Settings, Skeleton, Source};
use microtome_engine::run::{self, Event, Outcome, Pool, Request, Reveal};

use super::{Dim, program, tiny, weights};

pub const INPUT: [f32; 4] = [0.5, -0.25, 0.75, 0.125];

/// `x[1,4] → MatMul → Relu → MatMul → Relu`: the second and the last operation have no MACs.
pub fn network() -> Vec<u8> {
    tiny(
        &[Dim::Fixed(1), Dim::Fixed(4)],
        &[
            ("MatMul", Some((&[4, 4], weights(16)))),
            ("Relu", None),
            ("MatMul", Some((&[4, 3], weights(12)))),
            ("Relu", None),
        ],
    )
}

pub fn model() -> &'static Arc<Model> {
    static MODEL: OnceLock<Arc<Model>> = OnceLock::new();
    MODEL
        .get_or_init(|| Arc::new(Model::read("network", &network(), &Bindings::default()).unwrap()))
}

pub fn request(cuts: &[usize], prove: &[usize], context: &str) -> Request {
    let model = model();
    let skeleton = Arc::new(Skeleton::of(&model.graph));
    let settings = Settings::DEFAULT;
    let cases = [vec![INPUT.to_vec()], vec![vec![0.6, 0.6, -0.8, 0.2]]];
    let source = Source::Data { cases: cases.len(), headroom: settings.headroom };
    let card = Card::calibrate(model, &skeleton, &cases, settings, source).unwrap();
    let lowered = skeleton.lower(&model.graph, &card).unwrap();
    Request {
        model: Arc::clone(model),
        plan: Plan::from_cuts(model.graph.digest, &skeleton, cuts).unwrap(),
        skeleton,
        program: Arc::new(lowered),
        card,
        input: vec![INPUT.to_vec()],
        prove: prove.iter().copied().collect(),
        reveal: Reveal::ENDS,
        context: context.to_owned(),
        jobs: 2,
        memory_bytes: 4 << 30,
        weights: Custody::Public,
        whole_too: false,
        child_program: Some(program()),
        pool: Pool::default(),
    }
}

pub fn outcome(request: Request) -> Outcome {
    let job = run::start(request, || {});
    for event in &job.events {
        match event {
            Event::Done { outcome } => return *outcome,
            Event::Error { reason, .. } | Event::Failed { reason, .. } => panic!("{reason}"),
            _ => {}
        }
    }
    panic!("the job ended without an outcome");
}
