use super::*;

const S: Duration = Duration::from_secs(1);

fn schedule() -> Schedule {
    let pace = Pace::polling_every(4 * S);
    Schedule::begin(pace, true, Jitter::seeded(1), Duration::ZERO)
}

/// Lets time pass until there is something to do, and says what and when.
fn after_waiting(schedule: &Schedule, mut now: Duration) -> (Next, Duration) {
    for _ in 0..4 {
        match schedule.next(now) {
            Next::Wait(wait) => now += wait,
            next => return (next, now),
        }
    }
    panic!("it waits for nothing");
}

#[test]
fn it_begins_with_a_stream_and_a_question() {
    let mut schedule = schedule();
    assert_eq!(schedule.mode(), BundleMode::Offline);
    assert_eq!(schedule.next(Duration::ZERO), Next::Open);
    schedule.opening(Duration::ZERO);
    assert_eq!(schedule.next(Duration::ZERO), Next::Poll);
    schedule.polled(true, S);
    assert_eq!(schedule.mode(), BundleMode::Poll);
    schedule.heard(2 * S);
    assert_eq!(schedule.mode(), BundleMode::Push);
    // Nothing is asked as long as the stream speaks.
    for beat in 1..100 {
        assert_eq!(schedule.next(2 * beat * S), Next::Wait(6 * S));
        schedule.heard(2 * (beat + 1) * S);
    }
}

#[test]
fn a_silent_stream_is_closed_after_six_seconds_and_asking_begins_within_one() {
    let mut schedule = schedule();
    schedule.opening(Duration::ZERO);
    schedule.heard(S);
    assert_eq!(after_waiting(&schedule, S), (Next::Close, 7 * S));
    schedule.closed(Closed::Broken, 7 * S);
    assert_eq!(schedule.mode(), BundleMode::Poll);
    let mut schedule = Schedule {
        // As if no stream were to follow.
        stream: Stream::Closed {
            until: Duration::MAX,
        },
        ..schedule
    };
    let (next, at) = after_waiting(&schedule, 7 * S);
    assert_eq!(next, Next::Poll);
    assert!(at <= 8 * S, "{at:?}");
    schedule.polled(false, at);
    assert_eq!(schedule.mode(), BundleMode::Offline);
}

#[test]
fn a_stream_that_never_speaks_is_given_up_and_never_stops_the_asking() {
    let mut schedule = schedule();
    schedule.opening(Duration::ZERO);
    schedule.polled(true, Duration::ZERO);
    let (next, at) = after_waiting(&schedule, Duration::ZERO);
    assert_eq!(next, Next::Poll);
    assert!(at <= 5 * S, "{at:?}");
    schedule.polled(true, at);
    assert_eq!(after_waiting(&schedule, at).1, 6 * S);
    schedule.closed(Closed::Broken, 6 * S);
    assert_eq!(schedule.mode(), BundleMode::Poll);
}

#[test]
fn streams_are_tried_ever_less_often_and_quickly_again_after_one_that_held() {
    let mut schedule = schedule();
    let mut now = Duration::ZERO;
    let mut waits = Vec::new();
    for _ in 0..10 {
        schedule.opening(now);
        schedule.closed(Closed::Broken, now);
        let Stream::Closed { until } = schedule.stream else {
            panic!("{:?}", schedule.stream);
        };
        waits.push(until - now);
        now = until;
    }
    assert!(waits[0] <= S && waits[9] >= 30 * S, "{waits:?}");
    assert!(waits.iter().all(|wait| *wait <= 60 * S), "{waits:?}");
    schedule.opening(now);
    schedule.heard(now);
    schedule.closed(Closed::Broken, now + S);
    assert!(matches!(schedule.stream, Stream::Closed { until } if until - now > 30 * S));
    schedule.opening(now);
    schedule.heard(now);
    schedule.heard(now + 30 * S);
    schedule.closed(Closed::Broken, now);
    assert!(matches!(schedule.stream, Stream::Closed { until } if until - now <= S));
}

#[test]
fn an_authority_without_streams_is_asked_for_one_every_five_minutes() {
    let mut schedule = schedule();
    schedule.opening(Duration::ZERO);
    schedule.closed(Closed::NotOffered, Duration::ZERO);
    let mut now = Duration::ZERO;
    let mut asked = 0;
    while let (Next::Poll, at) = after_waiting(&schedule, now) {
        now = at;
        asked += 1;
        schedule.polled(true, now);
    }
    let (next, at) = after_waiting(&schedule, now);
    assert_eq!(next, Next::Open);
    assert!((240 * S..=360 * S).contains(&at), "{at:?}");
    assert!((48..=113).contains(&asked), "{asked}");
}

#[test]
fn questions_without_answer_come_ever_less_often_and_never_less_than_every_fifteen_seconds() {
    let pace = Pace::polling_every(4 * S);
    let mut schedule = Schedule::begin(pace, false, Jitter::seeded(2), Duration::ZERO);
    let mut now = Duration::ZERO;
    for _ in 0..50 {
        schedule.polled(false, now);
        let (next, at) = after_waiting(&schedule, now);
        assert_eq!(next, Next::Poll);
        assert!((4 * S..=15 * S).contains(&(at - now)), "{:?}", at - now);
        now = at;
    }
    schedule.polled(true, now);
    assert!(after_waiting(&schedule, now).1 - now <= 24 * S / 5);
}

#[test]
fn what_comes_from_a_stream_that_was_given_up_counts_for_nothing() {
    let mut schedule = schedule();
    schedule.opening(Duration::ZERO);
    schedule.closed(Closed::Broken, S);
    schedule.heard(S);
    assert_eq!(schedule.mode(), BundleMode::Offline);
}
