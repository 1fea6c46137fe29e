//! What a service is told by files on its own machine: to stop, whatever the authority says or cannot say.

use hallpass_vocabulary::Timestamp;

use crate::restrained::Restrained;
use crate::{Restricted, Restrictions, Standing, Stop};

/// Stops of this machine. They only add to what a bundle denies.
#[derive(Debug, Clone, Default)]
pub struct LocalStops {
    halted: bool,
    restrained: Restrained,
}

impl LocalStops {
    /// Denies everything.
    pub fn halt() -> Self {
        Self {
            halted: true,
            restrained: Restrained::default(),
        }
    }

    /// Denies what these stops are about, signed by operators; the caller has checked by whom.
    pub fn signed(stops: Vec<Stop>) -> Self {
        let restrictions = Restrictions {
            stops,
            ..Restrictions::default()
        };
        Self {
            halted: false,
            restrained: Restrained::new(restrictions),
        }
    }

    /// Also denies everything.
    #[must_use]
    pub fn halted(mut self) -> Self {
        self.halted = true;
        self
    }

    /// Whether everything is denied.
    pub fn is_halted(&self) -> bool {
        self.halted
    }

    /// The stops that are signed.
    pub fn stops(&self) -> &[Stop] {
        self.restrained.stops()
    }

    /// Why a call is denied that all else would allow, where a signed stop says so.
    pub fn restriction(&self, call: &Standing<'_>, now: Timestamp) -> Option<Restricted> {
        self.restrained.restriction(call, now)
    }
}
