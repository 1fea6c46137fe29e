//! A run that outlives its tokens: each is renewed before it is too old.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hallpass_args::IdempotencyKey;
use hallpass_keys::random_bytes;
use hallpass_vocabulary::{Clock, RunId, SystemClock, Timestamp};

use crate::{Behalf, RunEnd, TokenClient, TokenError, TokenRequest, TokenResponse};

/// What a token that is handed out has left at least, unless a run is told otherwise: a verifier's clock may be 30 seconds
/// ahead.
pub const REST_DEFAULT: Duration = Duration::from_secs(45);

/// Between two attempts to renew, while the token at hand is still good.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// How long a renewal of which no answer came goes on under its idempotency key. Past it, a token minted at the first attempt
/// would have lost too much of its life.
const ATTEMPT_KEPT: Duration = Duration::from_secs(30);

/// Dates in tokens are whole seconds: what was issued then may be a second older.
const ROUNDING: Duration = Duration::from_secs(1);

/// One run, and a token of it that is good for a while yet.
///
/// [`Run::token`] answers with the token at hand, and renews it from two thirds of its life on, a little earlier by chance so
/// that many runs do not renew at once. While a renewal is under way, or fails for the moment, the token at hand goes on being
/// handed out, as long as it has its rest. A token with less is never handed out.
///
/// ```no_run
/// # use hallpass_client::{Behalf, Run, RunError, TokenClient, TokenRequest, ToolClient};
/// # async fn agent(client: TokenClient, request: TokenRequest) -> Result<(), RunError> {
/// let run = Run::start(client, request).await?;
/// loop {
///     let token = run.token().await?;
///     // Call tools with `token.token` …
///     # break;
/// }
/// run.end(Some("done")).await?;
/// # Ok(())
/// # }
/// ```
pub struct Run<C = SystemClock> {
    client: TokenClient,
    request: Mutex<TokenRequest>,
    rest: Duration,
    clock: C,
    id: RunId,
    hand: Mutex<Hand>,
    /// Held by whoever renews.
    turn: tokio::sync::Mutex<Option<Attempt>>,
}

/// The token at hand.
#[derive(Clone)]
struct Hand {
    token: Arc<TokenResponse>,
    asked: Moment,
    life: Duration,
    renew_at: Duration,
    /// No attempt before this age of the token.
    not_before: Duration,
}

/// A renewal of which no answer came.
struct Attempt {
    key: IdempotencyKey,
    request: TokenRequest,
    asked: Moment,
}

/// A time by both of a clock's measures.
#[derive(Clone, Copy)]
struct Moment {
    time: Timestamp,
    running: Option<Duration>,
}

/// Why a run has no token to hand out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The authority's tokens do not live longer than the rest that is asked for, or not any more: the run is near its end.
    #[error("the newest token has {} s left, and {} s are asked for", left.as_secs(), rest.as_secs())]
    RestTooLong {
        /// What it has.
        left: Duration,
        /// What it must have.
        rest: Duration,
    },
    /// There is no token.
    #[error(transparent)]
    Token(#[from] TokenError),
}

impl Moment {
    fn of(clock: &impl Clock) -> Self {
        Self {
            time: clock.now(),
            running: clock.running(),
        }
    }

    /// How long ago, by the measure that says more: one stands still while a machine sleeps, the other may be set back.
    fn age(self, now: Self) -> Duration {
        let by_time = now.time.since(self.time);
        let by_running = match (now.running, self.running) {
            (Some(now), Some(then)) => now.saturating_sub(then),
            _ => Duration::ZERO,
        };
        by_time.max(by_running)
    }
}

impl Hand {
    fn new(token: TokenResponse, asked: Moment) -> Result<Self, TokenError> {
        let issued = token.issued_at.unwrap_or(asked.time);
        // From when it was asked for, by our own clock: whatever the two clocks say, it was not issued before.
        let life = token.expires_at.since(issued).saturating_sub(ROUNDING);
        let [chance, _] = random_bytes::<2>()?;
        // From 57 % to 67 % of its life.
        let early = life / 10 * u32::from(chance) / u32::from(u8::MAX);
        Ok(Self {
            token: Arc::new(token),
            asked,
            life,
            renew_at: (life * 2 / 3).saturating_sub(early),
            not_before: Duration::ZERO,
        })
    }

    fn is_due(&self, now: Moment, rest: Duration) -> bool {
        self.asked.age(now) >= self.renew_at.max(self.not_before) || self.left(now) < rest
    }

    fn left(&self, now: Moment) -> Duration {
        self.life.saturating_sub(self.asked.age(now))
    }
}

impl Run {
    /// Starts a run.
    ///
    /// # Errors
    /// [`RunError`].
    pub async fn start(client: TokenClient, request: TokenRequest) -> Result<Self, RunError> {
        Self::start_on(client, request, REST_DEFAULT, SystemClock).await
    }
}

impl<C: Clock> Run<C> {
    /// Starts a run whose tokens have at least `rest` left when they are handed out, by this clock.
    ///
    /// # Errors
    /// [`RunError`].
    pub async fn start_on(
        client: TokenClient,
        request: TokenRequest,
        rest: Duration,
        clock: C,
    ) -> Result<Self, RunError> {
        let asked = Moment::of(&clock);
        let token = client.request(&request).await?;
        let id = token.run_id;
        let request = TokenRequest {
            run_id: Some(id),
            ..request
        };
        let hand = Hand::new(token, asked)?;
        Ok(Self {
            client,
            request: Mutex::new(request),
            rest,
            clock,
            id,
            hand: Mutex::new(hand),
            turn: tokio::sync::Mutex::new(None),
        })
    }

    /// The run's id.
    pub fn id(&self) -> RunId {
        self.id
    }

    /// What later renewals ask on behalf of: the subject's next token, when the one before has expired.
    pub fn set_behalf(&self, behalf: Behalf) {
        let mut request = self.request.lock().unwrap_or_else(PoisonError::into_inner);
        request.behalf = behalf;
    }

    /// A token with its rest. Renews the one at hand when it is due.
    ///
    /// # Errors
    /// [`RunError`]: the run was ended or is no longer granted; or it could not be renewed in time.
    pub async fn token(&self) -> Result<Arc<TokenResponse>, RunError> {
        let hand = self.hand();
        let now = Moment::of(&self.clock);
        if !hand.is_due(now, self.rest) {
            return self.with_rest(&hand);
        }
        let mut turn = match self.turn.try_lock() {
            Ok(turn) => turn,
            // Somebody renews; the token at hand will do meanwhile.
            Err(_) if hand.left(now) >= self.rest => return Ok(hand.token),
            Err(_) => self.turn.lock().await,
        };
        let hand = self.hand();
        if !hand.is_due(Moment::of(&self.clock), self.rest) {
            return self.with_rest(&hand);
        }
        match self.renew(&mut turn).await {
            Ok(renewed) => {
                *self.hand.lock().unwrap_or_else(PoisonError::into_inner) = renewed.clone();
                self.with_rest(&renewed)
            }
            Err(error) if error.is_transient() => {
                let now = Moment::of(&self.clock);
                if hand.left(now) < self.rest {
                    return Err(error.into());
                }
                tracing::warn!(run = %self.id, %error, "not renewed for now");
                let wait = match &error {
                    TokenError::Refused(problem) => problem.retry_after.unwrap_or_default(),
                    _ => Duration::ZERO,
                };
                let mut held = self.hand.lock().unwrap_or_else(PoisonError::into_inner);
                held.not_before = held.asked.age(now) + wait.max(RETRY_INTERVAL);
                Ok(hand.token)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Ends the run: neither it nor a run it started gets a further token.
    ///
    /// # Errors
    /// [`RunError::Token`].
    pub async fn end(self, reason: Option<&str>) -> Result<RunEnd, RunError> {
        Ok(self.client.end_run(self.id, reason).await?)
    }

    /// Renews: goes on with the attempt before, if it is young, and begins a new one otherwise.
    async fn renew(&self, turn: &mut Option<Attempt>) -> Result<Hand, TokenError> {
        let now = Moment::of(&self.clock);
        if let Some(before) = turn.take()
            && before.asked.age(now) < ATTEMPT_KEPT
        {
            match self.attempt(before, turn).await {
                // Refused for what it was, such as a subject's token that has expired since.
                Err(error) if !error.is_transient() => {}
                answer => return answer,
            }
        }
        let attempt = Attempt {
            key: IdempotencyKey::from_random(random_bytes()?),
            request: self.request(),
            asked: Moment::of(&self.clock),
        };
        self.attempt(attempt, turn).await
    }

    async fn attempt(
        &self,
        attempt: Attempt,
        turn: &mut Option<Attempt>,
    ) -> Result<Hand, TokenError> {
        let answer = self.client.request_as(&attempt.request, &attempt.key).await;
        match answer {
            Ok(token) => Hand::new(token, attempt.asked),
            Err(error) => {
                if error.is_transient() {
                    *turn = Some(attempt);
                }
                Err(error)
            }
        }
    }

    fn with_rest(&self, hand: &Hand) -> Result<Arc<TokenResponse>, RunError> {
        let left = hand.left(Moment::of(&self.clock));
        if left < self.rest {
            let rest = self.rest;
            return Err(RunError::RestTooLong { left, rest });
        }
        Ok(Arc::clone(&hand.token))
    }

    fn request(&self) -> TokenRequest {
        let request = self.request.lock().unwrap_or_else(PoisonError::into_inner);
        request.clone()
    }

    fn hand(&self) -> Hand {
        // Replaced whole, so a panic while it was held cannot have left it half-changed.
        self.hand
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl<C> fmt::Debug for Run<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
