//! What a slice costs to run and to prove, cached by its range.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use super::Plan;
use crate::cost::{self, NodeCost, Totals};
use crate::graph::Graph;
use crate::predict::{self, Prediction};
use crate::program::{Program, Skeleton, ValueId};
use crate::prove::{Shape, System};

/// What a slice costs.
#[derive(Clone, Debug, Serialize)]
pub struct SliceEstimate {
    /// Indices of its nodes, those that they absorb included.
    pub nodes: Vec<usize>,
    /// Its operations, as a range of the program's.
    #[serde(skip)]
    pub ops: Range<usize>,
    /// Costs of running it.
    #[serde(flatten)]
    pub totals: Totals,
    /// Bytes of the tensors that it reads, in the fixed-point program.
    pub in_bytes: u64,
    /// Bytes of the tensors that it answers with, in the fixed-point program.
    pub out_bytes: u64,
    /// The proof system that the estimate is for.
    pub system: System,
    /// Why it can't be proven, where it can't.
    pub obstacle: Option<String>,
    /// Size of its circuit, where it can be proven.
    pub circuit: Option<Shape>,
    /// What proving it is predicted to cost, where it can be proven.
    pub prediction: Option<Prediction>,
}

/// What crosses a cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Crossing {
    /// The program's tensors that are made before the cut and read after it.
    pub values: Vec<ValueId>,
    /// Their bytes in the fixed-point program.
    pub bytes: u64,
}

type Key = (usize, usize, System);

/// Estimates slices of one model under one program. Shared between threads; what was computed
/// once is not computed again.
#[derive(Debug)]
pub struct Estimator {
    graph: Arc<Graph>,
    skeleton: Arc<Skeleton>,
    program: Arc<Program>,
    costs: Vec<NodeCost>,
    cache: Mutex<HashMap<Key, Arc<SliceEstimate>>>,
}

impl Estimator {
    /// An estimator of this model under this program.
    #[must_use]
    pub fn new(graph: Arc<Graph>, skeleton: Arc<Skeleton>, program: Arc<Program>) -> Self {
        let costs = cost::of(&graph);
        Self { graph, skeleton, program, costs, cache: Mutex::default() }
    }

    /// The cost of each node.
    #[must_use]
    pub fn node_costs(&self) -> &[NodeCost] {
        &self.costs
    }

    /// The name of a node.
    #[must_use]
    pub fn node_name(&self, node: usize) -> String {
        self.graph.nodes.get(node).map(|n| n.name.clone()).unwrap_or_default()
    }

    /// The model's structure.
    #[must_use]
    pub fn skeleton(&self) -> &Arc<Skeleton> {
        &self.skeleton
    }

    /// The program that is estimated.
    #[must_use]
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// The slices of a plan, in order.
    #[must_use]
    pub fn slices(&self, plan: &Plan) -> Vec<Arc<SliceEstimate>> {
        let ranges = plan.ranges(self.graph.nodes.len()).into_iter().enumerate();
        ranges.map(|(index, (from, to))| self.slice(from, to, plan.system(index))).collect()
    }

    /// The whole model as one slice.
    #[must_use]
    pub fn whole(&self, system: System) -> Arc<SliceEstimate> {
        self.slice(0, self.graph.nodes.len(), system)
    }

    /// The slice between two cuts.
    #[must_use]
    pub fn slice(&self, from: usize, to: usize, system: System) -> Arc<SliceEstimate> {
        let key = (from, to, system);
        let cached = |cache: &HashMap<Key, _>| cache.get(&key).cloned();
        if let Some(estimate) = cached(&self.cache.lock().unwrap_or_else(PoisonError::into_inner)) {
            return estimate;
        }
        let estimate = Arc::new(self.compute(from, to, system));
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.insert(key, Arc::clone(&estimate));
        estimate
    }

    fn compute(&self, from: usize, to: usize, system: System) -> SliceEstimate {
        let nodes = self.skeleton.nodes_between(from, to);
        let ops = self.program.op_at_node(from)..self.program.op_at_node(to);
        let slice = self.program.slice(ops.clone());
        let bytes =
            |ids: &[ValueId]| ids.iter().map(|&id| self.program.value(id).bytes()).sum::<u64>();
        let obstacle = nodes.iter().find_map(|&n| self.skeleton.obstacle(n)).map(str::to_owned);
        let obstacle = obstacle
            .or_else(|| ops.is_empty().then(|| "it computes nothing that could be proven".into()));
        let shape = match obstacle {
            Some(reason) => Err(reason),
            None => system
                .proof_system()
                .shape(&self.program, &slice)
                .map_err(|unprovable| unprovable.to_string()),
        };
        let prediction = shape.as_ref().ok().map(predict::of);
        SliceEstimate {
            totals: cost::total_of(&self.graph, &self.costs, &nodes),
            in_bytes: bytes(&slice.inputs),
            out_bytes: bytes(&slice.outputs),
            obstacle: shape.as_ref().err().cloned(),
            circuit: shape.ok(),
            prediction,
            nodes,
            ops,
            system,
        }
    }

    /// What crosses a cut.
    #[must_use]
    pub fn crossing(&self, cut: usize) -> Crossing {
        let at = self.program.op_at_node(cut);
        let (before, after) = self.program.ops.split_at(at);
        let read: BTreeSet<ValueId> =
            after.iter().flat_map(|op| op.inputs.iter().copied()).collect();
        let made = before.iter().map(|op| op.output).chain(self.program.inputs.iter().copied());
        let mut values: Vec<ValueId> = made.filter(|id| read.contains(id)).collect();
        values.sort_unstable();
        let bytes = values.iter().map(|&id| self.program.value(id).bytes()).sum();
        Crossing { values, bytes }
    }

    /// The slices of the program that a plan makes.
    #[must_use]
    pub fn program_slices(&self, plan: &Plan) -> Vec<crate::program::ProgramSlice> {
        program_slices(&self.program, plan, self.graph.nodes.len())
    }
}

/// The slices of a program that a plan makes, where the model has `nodes` nodes.
#[must_use]
pub fn program_slices(
    program: &Program,
    plan: &Plan,
    nodes: usize,
) -> Vec<crate::program::ProgramSlice> {
    let ranges = plan.ranges(nodes).into_iter();
    ranges
        .map(|(from, to)| program.slice(program.op_at_node(from)..program.op_at_node(to)))
        .collect()
}
