//! How old a bundle may be is the service's to say.

use std::sync::Arc;
use std::time::Duration;

use hallpass_bundle::Staleness;
use hallpass_verifier::{
    Disclosure, JournalledArguments, Profile, Recording, ServicePolicy, Setup, Spend, Tenancy,
    Verifier,
};
use hallpass_vocabulary::{Clock, DenialCode};

use crate::world::{NOW, World, audience, call, env, token};

fn verifier(world: &World, staleness: Staleness) -> Verifier {
    let setup = Setup {
        audience: audience("tickets"),
        environment: env("prod"),
        tenancy: Tenancy::Many,
        policy: ServicePolicy::none(),
        journalled: JournalledArguments::none(),
        disclosure: Disclosure::Explain,
        profile: Profile::Standard,
        spend: Spend::ThisJournal,
        recording: Recording::standard(),
        journal: world.journal.clone(),
        snapshots: Arc::clone(&world.snapshots),
        clock: Arc::clone(&world.clock) as Arc<dyn Clock>,
    };
    Verifier::with_staleness(setup, staleness)
}

#[test]
fn other_bounds_stop_calls_earlier_or_later() {
    let world = World::new();
    let token = token(|_| ());
    let s = Duration::from_secs;
    let bounds = |read, write, destructive| {
        verifier(
            &world,
            Staleness::new(s(read), s(write), s(destructive)).unwrap(),
        )
    };
    let (cautious, standard) = (bounds(20, 10, 5), verifier(&world, Staleness::STANDARD));
    let by_file = bounds(90_000, 90_000, 600);
    let denial = |verifier: &Verifier, name: &str, age: u64| {
        let checked = verifier.check(Some(token.expose()), call(name), NOW.after(s(age)));
        checked.denial()
    };
    let stale = Some(DenialCode::BundleStale);
    for (verifier, read, write) in [(&cautious, 20, 10), (&standard, 900, 300)] {
        for (tool, bound) in [("kb.search", read), ("ticket.update", write)] {
            // The token itself ends after ten minutes.
            if bound < 600 {
                assert_eq!(denial(verifier, tool, bound), None, "{tool} {bound}");
                assert_eq!(denial(verifier, tool, bound + 1), stale, "{tool} {bound}");
            }
        }
    }
    assert_eq!(denial(&by_file, "ticket.update", 599), None);
}
