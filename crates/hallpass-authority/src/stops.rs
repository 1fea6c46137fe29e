//! Stops, revoked tokens and cut-offs: what is no longer minted, renewed or carried out.
//!
//! A stop is recorded first, which is what makes it hold; then it has its rows, where every mint looks once its own token has
//! rows, and then verifiers are told in a new bundle. docs/stops.md says what each kind reaches.

mod lift;
mod mark;
mod place;
mod publish;
mod restrictions;
mod revoke;

use std::time::Duration;

use hallpass_bundle::Selector;
use hallpass_journal::{AppendError, Durability, Event};
use hallpass_keys::RandomnessError;
use hallpass_vocabulary::{Catalogue, Timestamp};

pub(crate) use lift::{LIFT_ASKED_MAX, Lift};
pub use mark::MarkError;
pub(crate) use mark::{Mark, after_restore};
pub(crate) use place::NewStop;
pub(crate) use publish::Publishing;
pub(crate) use restrictions::restrictions;

use crate::operator::Operator;
use crate::service::Service;
use crate::store::{About, LandingEvent, RESTRAINT_KEPT, StoreError};

/// The longest life of a token.
const TOKEN_LIFE_MAX: Duration = Duration::from_secs(hallpass_token::limits::TTL_SECONDS_MAX);

/// How far ahead the clock of whoever minted a token may have been: verifiers refuse one that is further ahead of their own.
const AHEAD_MAX: Duration = Duration::from_secs(hallpass_token::limits::ISSUED_AHEAD_SECONDS_MAX);

/// What was not done, or of which it is not known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Undone {
    #[error("an authority serves one environment, and this is another's")]
    EnvironmentOther,
    #[error(transparent)]
    Journal(#[from] AppendError),
    /// It is recorded, so it holds here; other replicas learn of it once the store takes it.
    #[error(
        "it is recorded and holds at this authority; the store takes it later, and other replicas learn of it then"
    )]
    Later,
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
    #[error("as many tokens are revoked as a bundle holds")]
    RevocationsTooMany,
    #[error("no client has such a secret")]
    SecretUnknown,
    #[error("there is no such stop")]
    StopUnknown,
    #[error("as many stops are in force as a bundle holds")]
    StopsTooMany,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the end is not after now")]
    UntilPast,
}

/// Whether tokens of what is stopped are no longer good once the stop is over. The others are stopped as long as the stop lasts: a
/// tool or a service is no property of who has the token.
pub(crate) fn cuts_off(selector: &Selector) -> bool {
    match selector {
        Selector::Actor(_)
        | Selector::Client(_)
        | Selector::Route(_)
        | Selector::Run(_)
        | Selector::Subject(_)
        | Selector::Tenant(_) => true,
        Selector::Audience(_)
        | Selector::Environment(_)
        | Selector::Everything
        | Selector::Token(_)
        | Selector::Tool(_) => false,
    }
}

/// Whether it takes two people to lift a stop.
pub(crate) fn takes_two(selector: &Selector) -> bool {
    matches!(
        selector,
        Selector::Environment(_) | Selector::Everything | Selector::Tenant(_)
    )
}

/// Which tokens a selector is about. A service is known by its tools.
pub(crate) fn about(selector: &Selector, catalogue: &Catalogue) -> About {
    match selector {
        Selector::Actor(actor) => About::Actor(actor.clone()),
        Selector::Audience(audience) => {
            let of_it = catalogue.iter().filter(|tool| tool.audience == *audience);
            About::Tools(of_it.map(|tool| tool.name.clone()).collect())
        }
        Selector::Client(client) => About::Client(client.clone()),
        Selector::Environment(_) | Selector::Everything => About::Everything,
        Selector::Route(route) => About::Route(route.clone()),
        Selector::Run(run) => About::Run(*run),
        Selector::Subject(subject) => About::Subject(subject.clone()),
        Selector::Tenant(tenant) => About::Tenant(tenant.clone()),
        Selector::Token(token) => About::Token(*token),
        Selector::Tool(tool) => About::Tools(vec![tool.clone()]),
    }
}

/// When the last token issued before a time has expired by every clock.
pub(crate) fn cut_off_ends(before: Timestamp) -> Timestamp {
    before.after(TOKEN_LIFE_MAX).after(RESTRAINT_KEPT)
}

/// The first whole second after a time: tokens are issued at whole seconds, so every one issued until then is before it.
fn next_second(time: Timestamp) -> Timestamp {
    Timestamp::from_unix_seconds(time.unix_seconds().saturating_add(1))
}

impl Service {
    /// Records an act and gives it its rows; the record is the commit point. Run it where nobody drops it half-way.
    async fn act(&self, event: Event) -> Result<(), Undone> {
        let now = self.clock.now();
        let flight = self.store().take_off(self.recorder.written());
        let recorded = match self.recorder.append(&event, Durability::Durable).await {
            Ok(recorded) => recorded,
            Err(error) => {
                // Where there may be a record all the same, the flight stays up and the next start looks.
                if !error.is_uncertain() {
                    flight.cancel();
                }
                return Err(error.into());
            }
        };
        let Some(landing) = LandingEvent::of(event, now) else {
            return Ok(());
        };
        let record = recorded.index().unwrap_or(0);
        match self.store().land(flight, landing, record).await {
            Ok(true) => Ok(()),
            // One process: what it knows by heart is all there is to know.
            Ok(false) | Err(_) if !self.store().is_shared() => Ok(()),
            Ok(false) | Err(_) => Err(Undone::Later),
        }
    }

    /// Before which time tokens are cut off by something that happens now: after every token there is, also of a replica whose
    /// clock is ahead.
    async fn cut_off_now(&self) -> Result<Timestamp, Undone> {
        let now = self.clock.now();
        let latest = self.store().latest(now.after(AHEAD_MAX)).await?;
        let latest = latest.map_or(now, |token| minted_at(token.as_u128()));
        Ok(next_second(now.max(latest)))
    }

    /// Whether an operator of a record is still one, with the same key and person, who may lift a stop.
    fn still_counts(&self, asked: &hallpass_journal::StopLiftAsked) -> bool {
        let in_force = self.policy();
        let known = in_force.policy.operator_of_key(&asked.key);
        known.is_some_and(|known| {
            let operator = Operator {
                id: known.operator.clone(),
                person: known.rule.person().clone(),
                key: asked.key,
                roles: known.rule.roles().clone(),
            };
            operator.id == asked.by
                && operator.person == asked.person
                && operator.may(crate::operator::Permission::Stop)
        })
    }
}

/// The time in an identifier.
fn minted_at(id: u128) -> Timestamp {
    Timestamp::from_unix_ms(i64::try_from(id >> 80).unwrap_or(i64::MAX))
}
