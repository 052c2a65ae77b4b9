//! What is found to be wrong, whoever finds it.
//!
//! How it is shown is not known here.

use coffeeshop_core::ids::ShopId;
use coffeeshop_core::ports::PortError;
use coffeeshop_core::recount::{ContributionDifference, ScoreDifference};

/// Something that is not as the ratings say.
#[derive(Debug)]
pub enum Difference {
    /// A score, and what it should be.
    Score {
        /// Both.
        difference: Box<ScoreDifference>,
        /// Whether it counts what contributions hold, and is wrong only because these are.
        as_contributed: bool,
    },
    /// A contribution, and what its rating holds.
    Contribution(Box<ContributionDifference>),
    /// An item that cannot be understood: it is neither counted nor replaced.
    Unreadable {
        /// Whose.
        shop_id: ShopId,
        /// Which, and why.
        error: PortError,
    },
}
