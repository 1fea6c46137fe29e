//! Garbage in bulk: bounded growth, and no valid call denied meanwhile.

use crate::world::*;

/// The long form through HTTP is in docs/verification.md.
const GARBAGE: usize = 100_000;

#[test]
fn a_flood_of_garbage_grows_the_journal_a_little_and_denies_no_valid_call() {
    let world = World::new();
    let good = token(|_| ());
    let forged = signed_by(STRANGER_KEY, grant());
    for number in 0..GARBAGE {
        match number % 4 {
            0 => drop(
                world
                    .verifier
                    .authorize(Some("hp1.garbage"), call("kb.search")),
            ),
            1 => drop(world.verifier.authorize(None, call("kb.search"))),
            2 => drop(
                world
                    .verifier
                    .authorize(Some(forged.expose()), call("kb.search")),
            ),
            _ => drop(
                world
                    .verifier
                    .authorize(Some(&format!("hp1.{number:08}")), call("kb.search")),
            ),
        }
        if number % 1_000 == 0 {
            assert!(
                world.call(good.expose(), "kb.search").is_ok(),
                "after {number}"
            );
        }
    }
    let records = world.records();
    // The clock stands still: fifty single refusals in its one second, and the rest counted by code at the end.
    let denied = of_kind(&records, "decided")
        .into_iter()
        .filter(|r| r["verdict"] == "deny")
        .count();
    let counted = of_kind(&records, "refused");
    assert_eq!(denied, 50);
    assert!(counted.len() <= 4, "{counted:?}");
    let sum: u64 = counted.iter().map(|r| r["count"].as_u64().unwrap()).sum();
    assert_eq!(
        sum as usize + denied,
        GARBAGE,
        "every refusal is accounted for"
    );
}
