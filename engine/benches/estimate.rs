//! New estimates for all slices after a boundary moved, on a ResNet-50: what the window computes
//! at every frame of a drag. The model has the published shapes and constant weights.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use microtome_engine::cost;
use microtome_engine::onnx::{Bindings, Model};
use microtome_engine::plan::{Estimator, Metric, Plan};
use microtome_engine::program::{Card, Settings, Skeleton};
use prost::Message;
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    TensorShapeProto, TypeProto, ValueInfoProto, attribute_proto::AttributeType,
    tensor_proto::DataType, tensor_shape_proto, type_proto,
};

#[derive(Default)]
struct Network {
    graph: GraphProto,
    count: usize,
}

impl Network {
    fn node(&mut self, op: &str, inputs: &[&str], ints: &[(&str, Vec<i64>)]) -> String {
        self.count += 1;
        let output = format!("t{}", self.count);
        let attribute = |(name, values): &(&str, Vec<i64>)| AttributeProto {
            name: (*name).into(),
            r#type: AttributeType::Ints as i32,
            ints: values.clone(),
            ..AttributeProto::default()
        };
        self.graph.node.push(NodeProto {
            op_type: op.into(),
            name: format!("{op}_{}", self.count),
            input: inputs.iter().map(|&i| i.to_owned()).collect(),
            output: vec![output.clone()],
            attribute: ints.iter().map(attribute).collect(),
            ..NodeProto::default()
        });
        output
    }

    fn constant(&mut self, dims: &[i64]) -> String {
        self.count += 1;
        let name = format!("w{}", self.count);
        self.graph.initializer.push(TensorProto {
            dims: dims.to_vec(),
            data_type: DataType::Float as i32,
            name: name.clone(),
            float_data: vec![0.01; dims.iter().product::<i64>() as usize],
            ..TensorProto::default()
        });
        name
    }

    fn conv(&mut self, x: &str, channels: [i64; 2], kernel: i64, stride: i64) -> String {
        let weights = self.constant(&[channels[1], channels[0], kernel, kernel]);
        let pad = kernel / 2;
        let y = self.node(
            "Conv",
            &[x, &weights],
            &[("strides", vec![stride; 2]), ("pads", vec![pad; 4])],
        );
        let parts: Vec<String> = (0..4).map(|_| self.constant(&[channels[1]])).collect();
        self.node("BatchNormalization", &[&y, &parts[0], &parts[1], &parts[2], &parts[3]], &[])
    }

    fn bottleneck(&mut self, x: &str, inner: i64, channels_in: i64, stride: i64) -> String {
        let mut y = self.conv(x, [channels_in, inner], 1, 1);
        y = self.node("Relu", &[&y], &[]);
        y = self.conv(&y, [inner, inner], 3, stride);
        y = self.node("Relu", &[&y], &[]);
        y = self.conv(&y, [inner, 4 * inner], 1, 1);
        let shortcut = if channels_in == 4 * inner {
            x.to_owned()
        } else {
            self.conv(x, [channels_in, 4 * inner], 1, stride)
        };
        y = self.node("Add", &[&y, &shortcut], &[]);
        self.node("Relu", &[&y], &[])
    }
}

fn value(name: &str, dims: Option<&[i64]>) -> ValueInfoProto {
    use tensor_shape_proto::{Dimension, dimension::Value};
    let dim = |&d: &i64| Dimension { value: Some(Value::DimValue(d)), ..Dimension::default() };
    let shape = dims.map(|dims| TensorShapeProto { dim: dims.iter().map(dim).collect() });
    let tensor = type_proto::Tensor { elem_type: DataType::Float as i32, shape };
    ValueInfoProto {
        name: name.into(),
        r#type: Some(TypeProto {
            value: Some(type_proto::Value::TensorType(tensor)),
            ..TypeProto::default()
        }),
        ..ValueInfoProto::default()
    }
}

fn resnet_50() -> Vec<u8> {
    let mut network = Network::default();
    network.graph.input.push(value("x", Some(&[1, 3, 224, 224])));
    let mut x = network.conv("x", [3, 64], 7, 2);
    x = network.node("Relu", &[&x], &[]);
    let pool = [("kernel_shape", vec![3; 2]), ("strides", vec![2; 2]), ("pads", vec![1; 4])];
    x = network.node("MaxPool", &[&x], &pool);
    let mut channels = 64;
    for (stage, blocks) in [3, 4, 6, 3].into_iter().enumerate() {
        for block in 0..blocks {
            let inner = 64 << stage;
            let stride = if block == 0 && stage > 0 { 2 } else { 1 };
            x = network.bottleneck(&x, inner, channels, stride);
            channels = 4 * inner;
        }
    }
    x = network.node("GlobalAveragePool", &[&x], &[]);
    x = network.node("Flatten", &[&x], &[]);
    let weights = network.constant(&[2048, 1000]);
    x = network.node("Gemm", &[&x, &weights], &[]);
    network.graph.output.push(value(&x, None));
    let opset = OperatorSetIdProto { version: 13, ..OperatorSetIdProto::default() };
    let model = ModelProto {
        ir_version: 8,
        opset_import: vec![opset],
        graph: Some(network.graph),
        ..ModelProto::default()
    };
    model.encode_to_vec()
}

fn bench(c: &mut Criterion) {
    let model = Model::read("resnet-50", &resnet_50(), &Bindings::default()).expect("it opens");
    assert_eq!(cost::totals(&model.graph).macs, 4_089_184_256, "the published network");
    let skeleton = Arc::new(Skeleton::of(&model.graph));
    let card = Card::nominal(&skeleton, Settings::DEFAULT);
    let program = Arc::new(skeleton.lower(&model.graph, &card).expect("it lowers"));
    let legal = skeleton.legal_cuts().to_vec();
    let fresh = || Estimator::new(model.graph.clone(), skeleton.clone(), program.clone());

    let estimator = fresh();
    let plan = Plan::whole(model.graph.digest)
        .balanced(&estimator, 8, Metric::Flops, 0.05)
        .expect("eight slices are possible");
    let cut = plan.cuts()[3];
    let next = legal.iter().copied().find(|&l| l > cut).expect("there is a cut after it");

    // A drag: one boundary moves, its two neighbours have never been seen, the rest is cached.
    c.bench_function("estimates after moving a boundary, resnet-50 in 8 slices", |b| {
        b.iter_batched(
            || {
                let estimator = fresh();
                let _ = estimator.slices(&plan);
                estimator
            },
            |estimator| {
                let mut moved = plan.clone();
                moved.move_cut(&skeleton, cut, next).expect("the cut is free");
                black_box(estimator.slices(&moved));
                black_box(estimator.crossing(next));
                estimator
            },
            criterion::BatchSize::SmallInput,
        );
    });
    c.bench_function("all estimates anew, resnet-50 in 8 slices", |b| {
        b.iter_batched(
            fresh,
            |e| {
                black_box(e.slices(&plan));
                e
            },
            criterion::BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, bench);
criterion_main!(benches);
