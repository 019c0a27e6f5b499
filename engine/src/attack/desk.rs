//! An honest bundle with the verdict on it, and what the verifier says of changed copies.

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use super::{Attack, NotApplicable};
use crate::bundle::{
    Bundle, Demands, Layout, Outline, Standing, Subject, Verdict, verify, verify_with,
};
use crate::program::{Program, Skeleton};

/// An honest bundle, what it is about, and the verdict on it.
pub struct Desk<'a> {
    pub(super) bundle: &'a Bundle,
    pub(super) other: Option<&'a Bundle>,
    subject: Subject<'a>,
    demands: Demands,
    honest: Verdict,
    ground: Result<Ground, String>,
}

/// What an attacker works out from the model, as a verifier does.
pub(super) struct Ground {
    pub(super) program: Program,
    pub(super) layout: Layout,
    pub(super) legal_cuts: Vec<usize>,
}

/// What came of an attack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Which attack.
    pub attack: Attack,
    /// What was found.
    pub found: Found,
}

/// What the verifier made of a changed copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It is refused, by this check.
    Caught(String),
    /// It is accepted: the verifier is broken, or the change is none.
    Accepted,
    /// There is nothing in the bundle to change in this way.
    NotApplicable(String),
}

impl<'a> Desk<'a> {
    /// Verifies a bundle that is taken for honest. All that it proves is demanded of its copies
    /// too.
    #[must_use]
    pub fn new(bundle: &'a Bundle, subject: impl Into<Subject<'a>>) -> Self {
        let subject = subject.into();
        // Coverage is known only after the proofs were checked, and they are checked once.
        let nothing = Demands { min_coverage: 0.0, ..Demands::default() };
        let loose = verify(bundle, subject, &nothing);
        let is_complete = loose.slices.iter().all(|s| s.standing == Standing::Proven);
        // Of a plan with unproven slices, full coverage would demand those without any
        // multiply-accumulate too.
        let most = if is_complete { 1.0 } else { 1f64.next_down() };
        let demands = Demands {
            min_coverage: loose.coverage_macs.min(most),
            context: Some(bundle.header.context.clone()),
            ..Demands::default()
        };
        let honest = verify_with(bundle, subject, &demands, &mut |slice, _, _, _| match loose
            .slices
            .get(slice)
        {
            Some(known) if known.standing == Standing::Proven => Ok(()),
            Some(known) => Err(known.reason.clone()),
            None => Err("it was not checked".to_owned()),
        });
        let ground = Ground::of(bundle, subject);
        Self { bundle, other: None, subject, demands, honest, ground }
    }

    /// With a bundle of another run, whose proofs can be replayed.
    #[must_use]
    pub fn with_other(mut self, other: Option<&'a Bundle>) -> Self {
        self.other = other;
        self
    }

    /// The verdict on the honest bundle.
    #[must_use]
    pub fn honest(&self) -> &Verdict {
        &self.honest
    }

    /// The part of the multiply-accumulates that is demanded of every copy.
    #[must_use]
    pub fn min_coverage(&self) -> f64 {
        self.demands.min_coverage
    }

    /// The bytes of a copy with the attack's change.
    ///
    /// # Errors
    /// Where there is nothing in the bundle to change in this way, or it is not accepted itself.
    pub fn apply(&self, attack: Attack) -> Result<Vec<u8>, NotApplicable> {
        if !self.honest.accepted {
            return Err(NotApplicable(
                "the unchanged bundle is not accepted, so that a refusal would say nothing".into(),
            ));
        }
        let ground = self.ground.as_ref().map_err(|reason| NotApplicable(reason.clone()))?;
        let mut copy = self.bundle.clone();
        super::change::apply(attack, self, ground, &mut copy)
            .map_err(|reason| NotApplicable(reason.to_owned()))?;
        Ok(copy.encode())
    }

    /// Changes a copy and verifies it from its bytes, as somebody would to whom it was sent.
    #[must_use]
    pub fn attempt(&self, attack: Attack) -> Attempt {
        let found = match self.apply(attack) {
            Err(NotApplicable(reason)) => Found::NotApplicable(reason),
            Ok(bytes) => match Bundle::decode(&bytes) {
                Err(error) => Found::Caught(error.to_string()),
                Ok(copy) => {
                    let verdict = verify(&copy, self.subject, &self.demands);
                    match verdict.reasons.into_iter().next() {
                        _ if verdict.accepted => Found::Accepted,
                        Some(reason) => Found::Caught(reason),
                        None => Found::Caught("it is refused without a reason".to_owned()),
                    }
                }
            },
        };
        Attempt { attack, found }
    }
}

impl Ground {
    fn of(bundle: &Bundle, subject: Subject<'_>) -> Result<Self, String> {
        let header = &bundle.header;
        let cuts: Vec<usize> = header.cuts.iter().map(|&cut| cut as usize).collect();
        let (outline, program) = match subject {
            Subject::Card(card) => (card.outline.clone(), card.program.clone()),
            Subject::Model(model) => {
                let model = header.split(model)?;
                let skeleton = Skeleton::of(&model.graph);
                let program =
                    skeleton.lower(&model.graph, &header.card).map_err(|e| e.to_string())?;
                (Outline::of(&model.graph, &skeleton)?, program)
            }
        };
        let layout = Layout::new(&outline, &program, &cuts)?;
        Ok(Self { program, layout, legal_cuts: outline.legal_cuts })
    }
}

impl Attempt {
    /// Whether the changed copy was refused.
    #[must_use]
    pub fn is_rejected(&self) -> bool {
        matches!(self.found, Found::Caught(_))
    }

    /// Whether there was something to change.
    #[must_use]
    pub fn is_applicable(&self) -> bool {
        !matches!(self.found, Found::NotApplicable(_))
    }

    /// The check that refused the copy, or why it couldn't be made.
    #[must_use]
    pub fn reason(&self) -> &str {
        match &self.found {
            Found::Caught(reason) | Found::NotApplicable(reason) => reason,
            Found::Accepted => "the changed bundle was accepted: no check noticed the change",
        }
    }
}

impl Serialize for Attempt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Attempt", 5)?;
        object.serialize_field("name", self.attack.name())?;
        object.serialize_field("description", self.attack.description())?;
        object.serialize_field("applicable", &self.is_applicable())?;
        object.serialize_field("rejected", &self.is_rejected())?;
        object.serialize_field("reason", self.reason())?;
        object.end()
    }
}
