//! Whatever is done to the machine's clock, and however late the authority's word comes, no token lives longer than it says.

use std::time::Duration;

use hallpass_bundle::KeyState;
use hallpass_vocabulary::{Clock as _, ClockBasis, ClockExchange, DenialCode, Timestamp};

use crate::world::{self, NOW, World, of_kind};

const LIFE: u64 = 600;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// What happens to a machine. The time that really passes is counted beside it.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Seconds pass, and the wall clock shows them.
    Pass(u64),
    /// Seconds pass, and the wall clock stands.
    Freeze(u64),
    /// The machine is suspended: time passes, and the wall clock knows.
    Suspend(u64),
    /// Somebody sets the wall clock by this many seconds.
    Set(i64),
    /// An exchange with the authority, whose answer was under way for this many milliseconds.
    Exchange(u64),
}

use Step::{Exchange, Freeze, Pass, Set, Suspend};

const DAY: i64 = 86_400;

/// Scenarios, and whether a token that is valid at the end is let in there.
const SCENARIOS: &[(&str, &[Step], bool)] = &[
    ("nothing happens", &[Pass(300)], true),
    ("back a day", &[Pass(100), Set(-DAY), Pass(200)], true),
    (
        "back a day, asleep",
        &[Pass(100), Set(-DAY), Suspend(200)],
        true,
    ),
    ("frozen", &[Pass(1), Freeze(299)], true),
    ("suspended", &[Pass(1), Suspend(299)], true),
    // Until the authority says otherwise, a clock that was ahead is believed: it refuses, and lets nothing live longer.
    ("forward a day", &[Pass(100), Set(DAY), Pass(200)], false),
    (
        "forward a day and back",
        &[Pass(100), Set(DAY), Pass(1), Set(-DAY), Pass(199)],
        false,
    ),
    (
        "forward a day, exchanged",
        &[Set(DAY), Pass(100), Exchange(0), Pass(200)],
        true,
    ),
    (
        "exchanged, then forward a day",
        &[Exchange(0), Pass(100), Set(DAY), Pass(200)],
        true,
    ),
    (
        "exchanged, then back a day",
        &[Exchange(0), Pass(100), Set(-DAY), Pass(200)],
        true,
    ),
    ("exchanged, then frozen", &[Exchange(0), Freeze(300)], true),
    (
        "exchanged, then suspended",
        &[Exchange(0), Suspend(300)],
        true,
    ),
    ("exchanged late", &[Exchange(2_000), Pass(298)], true),
    (
        "back a day, exchanged",
        &[Set(-DAY), Pass(100), Exchange(500), Pass(199)],
        true,
    ),
    (
        "in zigzag",
        &[
            Set(DAY),
            Exchange(3),
            Set(-2 * DAY),
            Exchange(700),
            Set(DAY),
            Freeze(299),
        ],
        true,
    ),
];

/// A machine, and the time that really is.
struct Machine {
    world: World,
    truth: Timestamp,
}

impl Machine {
    fn new() -> Self {
        let (world, truth) = (World::new(), NOW);
        Self { world, truth }
    }

    fn pass(&mut self, time: Duration) {
        self.world.clock.advance(time);
        self.truth = self.truth.after(time);
    }

    fn go(&mut self, step: Step) {
        let clock = self.world.clock.clone();
        match step {
            Pass(count) | Suspend(count) => self.pass(seconds(count)),
            Freeze(count) => {
                let shown = clock.now();
                self.pass(seconds(count));
                clock.set(shown);
            }
            Set(by) => clock.set(Timestamp::from_unix_ms(clock.now().unix_ms() + by * 1_000)),
            Exchange(under_way_ms) => {
                let (asked, said) = (clock.running().unwrap(), self.truth);
                self.pass(Duration::from_millis(under_way_ms));
                let answered = clock.running().unwrap();
                let exchange = ClockExchange::new(said, asked, answered).unwrap();
                assert!(self.world.verifier.token_clock().exchanged(&exchange));
            }
        }
        // Calls come all the time, so the clock is looked at.
        let _ = self.world.verifier.token_clock().now();
        // What is known is always fresh here: only the token's own life is looked at.
        self.world
            .snapshots
            .publish(world::snapshot(self.truth, KeyState::Active));
    }
}

#[test]
fn no_clock_lengthens_the_life_of_a_token() {
    for (name, steps, let_in) in SCENARIOS {
        let mut machine = Machine::new();
        let token = world::token(|spec| spec.expires = NOW.after(seconds(LIFE)));
        assert!(machine.world.call(token.expose(), "kb.search").is_ok());
        for step in *steps {
            machine.go(*step);
        }
        let answer = machine.world.call(token.expose(), "kb.search");
        assert_eq!(answer.is_ok(), *let_in, "{name}");
        let left = NOW.after(seconds(LIFE)).since(machine.truth);
        machine.go(Freeze(left.as_secs() + 1));
        let refused = machine.world.denial(token.expose(), "kb.search");
        assert_eq!(refused, DenialCode::TokenExpired, "{name}");
    }
}

#[test]
fn an_exchange_that_disagrees_is_on_record_once_and_counts() {
    let mut machine = Machine::new();
    let clock = machine.world.verifier.token_clock();
    assert_eq!(clock.basis(), ClockBasis::Wall);
    machine.go(Exchange(100));
    // A second is within what clocks agree to; the same difference is told once.
    machine.go(Set(1));
    machine.go(Exchange(100));
    machine.go(Set(29));
    for _ in 0..3 {
        machine.go(Exchange(100));
    }
    machine.go(Set(-DAY));
    machine.go(Exchange(0));
    machine.go(Set(DAY - 30));
    machine.go(Exchange(0));
    machine.go(Set(30));
    machine.go(Exchange(0));
    assert_eq!(clock.basis(), ClockBasis::Exchange);
    assert_eq!(clock.now(), machine.truth);
    let records = machine.world.records();
    let corrected = of_kind(&records, "clock_corrected");
    let apart: Vec<i64> = corrected
        .iter()
        .map(|record| {
            let time = |name: &str| record[name].as_str().unwrap().parse::<Timestamp>().unwrap();
            time("wall").unix_ms() - time("authority").unix_ms()
        })
        .collect();
    assert_eq!(apart, [30_100, (30 - DAY) * 1_000, 30_000]);
    assert_eq!(corrected[0]["round_trip_ms"], 100);
}
