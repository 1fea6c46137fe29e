//! Deciding: what a token allows. Typed code, linear in the token and in the arguments its caveats name, without an engine.

use hallpass_args::Arguments;
use hallpass_vocabulary::{Audience, DenialCode, Environment, Timestamp, ToolName};

use crate::admission::{AdmittedToken, Place, PlacedCaveat};
use crate::caveat::{Caveat, Looks, Test};
use crate::limits::ISSUED_AHEAD_SECONDS_MAX;

/// What is known of a call.
#[derive(Debug, Clone, Copy)]
pub struct CallFacts<'a> {
    /// The token clock.
    pub now: Timestamp,
    /// The service that was called.
    pub audience: &'a Audience,
    /// The environment it runs in.
    pub environment: &'a Environment,
    /// The tool that was called.
    pub tool: &'a ToolName,
    /// The arguments; caveats look at them, and approvals are for their digest.
    pub arguments: &'a Arguments,
}

/// What a token says to a call it does not deny.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use]
pub enum Clearance {
    /// The token grants it.
    Allow,
    /// The token grants it with an approval.
    NeedsApproval,
}

/// Why a token does not allow a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Denial {
    /// The reason, as everybody sees it.
    pub code: DenialCode,
    /// The caveat that failed, where it was one.
    pub caveat: Option<Place>,
}

impl Denial {
    const fn by_grant(code: DenialCode) -> Self {
        Self { code, caveat: None }
    }
}

impl AdmittedToken {
    /// Decides a call: environment, time, audience, tool, then the remaining caveats. The first that fails is the
    /// answer. A verifier that has its own checks in between calls the steps by themselves, in this order.
    ///
    /// # Errors
    /// The [`Denial`].
    pub fn decide(&self, call: &CallFacts<'_>) -> Result<Clearance, Denial> {
        self.check_environment(call)?;
        self.check_time(call)?;
        self.check_audience(call)?;
        let clearance = self.check_tool(call)?;
        self.check_caveats(call)?;
        self.check_in_engine(call, None)?;
        Ok(clearance)
    }

    /// Whether the token is valid now: issued, and neither it nor a caveat on time expired.
    ///
    /// # Errors
    /// `token_not_yet_valid`, `token_expired`.
    pub fn check_time(&self, call: &CallFacts<'_>) -> Result<(), Denial> {
        let grant = self.grant();
        let ahead = std::time::Duration::from_secs(ISSUED_AHEAD_SECONDS_MAX);
        if grant.issued.since(call.now) > ahead {
            return Err(Denial::by_grant(DenialCode::TokenNotYetValid));
        }
        if call.now.unix_seconds() >= grant.expires.unix_seconds() {
            return Err(Denial::by_grant(DenialCode::TokenExpired));
        }
        self.hold(call, DenialCode::TokenExpired)
    }

    /// Whether the token is of the environment of the call.
    ///
    /// # Errors
    /// `wrong_environment`.
    pub fn check_environment(&self, call: &CallFacts<'_>) -> Result<(), Denial> {
        if self.grant().environment == *call.environment {
            Ok(())
        } else {
            Err(Denial::by_grant(DenialCode::WrongEnvironment))
        }
    }

    /// Whether the token, and every caveat on services, is for the audience of the call.
    ///
    /// # Errors
    /// `wrong_audience`.
    pub fn check_audience(&self, call: &CallFacts<'_>) -> Result<(), Denial> {
        if !self.grant().audiences.contains(call.audience) {
            return Err(Denial::by_grant(DenialCode::WrongAudience));
        }
        self.hold(call, DenialCode::WrongAudience)
    }

    /// Whether the token grants the tool of the call, and whether only with an approval.
    ///
    /// # Errors
    /// `tool_not_granted`.
    pub fn check_tool(&self, call: &CallFacts<'_>) -> Result<Clearance, Denial> {
        let grant = self.grant();
        if grant.tools.contains(call.tool) {
            Ok(Clearance::Allow)
        } else if grant.needs_approval.contains(call.tool) {
            Ok(Clearance::NeedsApproval)
        } else {
            Err(Denial::by_grant(DenialCode::ToolNotGranted))
        }
    }

    /// Whether every caveat holds that the other steps have not looked at. In the extended profile
    /// [`AdmittedToken::check_in_engine`] looks at the checks that are no caveats.
    ///
    /// # Errors
    /// `caveat_failed`.
    pub fn check_caveats(&self, call: &CallFacts<'_>) -> Result<(), Denial> {
        let code = DenialCode::CaveatFailed;
        // A bit for each caveat that was seen to hold together with one before it.
        let mut held: u128 = 0;
        let mut looks = Looks::at(call.arguments);
        for (number, PlacedCaveat { place, caveat }) in self.caveats().iter().enumerate() {
            if held >> number & 1 == 1 || caveat.denial() != code {
                continue;
            }
            let holds = match caveat {
                Caveat::Argument(argument)
                    if self.next_alike(number).is_some()
                        && argument.test_for(call.tool).is_some() =>
                {
                    held |= self.holding_with(number, call, &mut looks);
                    held >> number & 1 == 1
                }
                _ => caveat.holds(call, self.blocks(), &mut looks),
            };
            if !holds {
                let caveat = Some(*place);
                return Err(Denial { code, caveat });
            }
        }
        Ok(())
    }

    fn next_alike(&self, number: usize) -> Option<usize> {
        let next = self.content().alike.get(number).copied().flatten();
        next.map(usize::from)
    }

    /// Which caveats hold of those that look at the same as this one and stand behind it, itself included.
    fn holding_with(&self, number: usize, call: &CallFacts<'_>, looks: &mut Looks<'_>) -> u128 {
        let alike = std::iter::successors(Some(number), |number| self.next_alike(*number));
        let tests = alike.filter_map(|number| match &self.caveats().get(number)?.caveat {
            Caveat::Argument(argument) => Some((number, argument.test_for(call.tool)?)),
            _ => None,
        });
        Test::holding(looks, tests)
    }

    /// Whether every caveat holds whose failure has this code.
    fn hold(&self, call: &CallFacts<'_>, code: DenialCode) -> Result<(), Denial> {
        let mut looks = Looks::at(call.arguments);
        self.caveats()
            .iter()
            .find(|placed| {
                placed.caveat.denial() == code
                    && !placed.caveat.holds(call, self.blocks(), &mut looks)
            })
            .map_or(Ok(()), |failed| {
                Err(Denial {
                    code,
                    caveat: Some(failed.place),
                })
            })
    }
}
