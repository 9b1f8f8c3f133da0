//! Challengers that have no case, or do not know how to make it.

use crate::Random;
use assay_exact::judge::Proof;
use assay_player::{Execution, Finding, Hash, PlayError, Reveals, View, find, openings, operands};
use assay_types::dispute::{Place, Revealed, Side};
use polkadot_sdk::sp_runtime::traits::AtLeast32BitUnsigned;

/// A way to play badly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadChallenger {
    /// Points anywhere, and proves anything at the end.
    Anywhere,
    /// Points past the end of what was revealed.
    PastTheEnd,
    /// Points at an entry with which it agrees, where there is one.
    AtEqual,
    /// Does nothing.
    Stops,
    /// Sends everything at once, whoever's turn it is, and accuses both sides of silence.
    Floods,
}

impl BadChallenger {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Anywhere,
        Self::PastTheEnd,
        Self::AtEqual,
        Self::Stops,
        Self::Floods,
    ];
}

/// Something that a challenger sends, right or wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt<AccountId> {
    /// Points.
    Point {
        /// The place.
        place: Place,
        /// The entry.
        entry: u32,
    },
    /// Proves something about the operator of the place where its game stands.
    Prove {
        /// Whose game it is.
        challenger: AccountId,
        /// A proof, which fits or does not.
        proof: Box<Proof>,
        /// The element that it is about.
        element: u64,
    },
    /// Says that this game's clock has run out.
    Timeout(AccountId),
}

impl BadChallenger {
    /// Move that it sends now. `execution` is an honest one of the job; nothing, if it plays no game.
    pub fn attempts<AccountId: Clone + Ord, Balance, BlockNumber: AtLeast32BitUnsigned + Copy>(
        self,
        random: &mut Random,
        view: &View<'_, AccountId, Balance, BlockNumber>,
        me: &AccountId,
        execution: &dyn Execution,
    ) -> Result<Vec<Attempt<AccountId>>, PlayError> {
        let Some(game) = view.dispute.games.iter().find(|game| game.challenger == *me) else {
            return Ok(Vec::new());
        };
        if game.turn == Side::Worker && self != Self::Floods {
            return Ok(Vec::new());
        }
        let (place, entries) = (game.place, entries(view.reveals, &game.place));
        let point = |entry| Attempt::Point { place, entry };
        let mut attempts = match self {
            Self::Stops => Vec::new(),
            Self::PastTheEnd => vec![point(entries), point(u32::MAX)],
            Self::Anywhere if entries > 0 => vec![point(random.below(entries.into()) as u32)],
            Self::AtEqual if entries > 0 => vec![point(equal_entry(execution, view.reveals, &place)?)],
            Self::Anywhere | Self::AtEqual => Vec::new(),
            Self::Floods => (0..3)
                .map(|_| point(random.below(u64::from(entries) + 2) as u32))
                .collect(),
        };
        let proves = matches!(self, Self::Floods | Self::Anywhere | Self::AtEqual);
        // Not every time: building proofs is most of the work.
        if proves && place.operator().is_some() && random.once_in(6) {
            attempts.extend(accusation(random, &place, me, execution)?);
        }
        if self == Self::Floods {
            attempts.extend(
                view.dispute
                    .games
                    .iter()
                    .map(|game| Attempt::Timeout(game.challenger.clone())),
            );
        }
        Ok(attempts)
    }
}

/// Number of entries of a place that can be pointed at.
fn entries(reveals: &Reveals, place: &Place) -> u32 {
    match reveals.get(place) {
        Some(Revealed::Nodes(nodes) | Revealed::Tensor { nodes, .. }) => nodes.len() as u32,
        Some(Revealed::Chunk(_)) | None => 0,
    }
}

/// The first entry that does not differ, as far as that can be told.
fn equal_entry(execution: &dyn Execution, reveals: &Reveals, place: &Place) -> Result<u32, PlayError> {
    let last = entries(reveals, place).saturating_sub(1);
    match find(execution, place, reveals) {
        Ok(Finding::Entry(0)) => Ok(last),
        Ok(_) | Err(PlayError::NoSuchPlace { .. } | PlayError::Unavailable(_)) => Ok(0),
        Err(error) => Err(error),
    }
}

/// A proof about an element of the place's operator, whether or not it says anything against the worker.
fn accusation<AccountId: Clone>(
    random: &mut Random,
    place: &Place,
    me: &AccountId,
    execution: &dyn Execution,
) -> Result<Option<Attempt<AccountId>>, PlayError> {
    let Some(operator) = place.operator() else {
        return Ok(None);
    };
    let tensor = assay_player::node(execution, operator)?;
    let elements = (tensor.bytes().len() / tensor.dtype().size_bytes()) as u64;
    let per_chunk = (1024 / tensor.dtype().size_bytes()) as u64;
    let element = match place {
        Place::Chunk { chunk, .. } => (chunk * per_chunk + random.below(per_chunk)).min(elements.saturating_sub(1)),
        _ => random.below(elements.max(1)),
    };
    let operands = operands(execution, operator)?;
    let operands: Vec<_> = operands.iter().map(|operand| &**operand).collect();
    let proof = openings(execution).prove_element::<Hash>(operator, &operands, element);
    Ok(proof.ok().map(|proof| Attempt::Prove {
        challenger: me.clone(),
        proof: Box::new(proof),
        element,
    }))
}
