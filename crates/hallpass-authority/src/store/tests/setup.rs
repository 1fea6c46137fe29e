//! Opening: whose store it is, and which version.

use super::bed::{Bed, ORIGIN, land, mint, minted};
use crate::store::{Store, StoreError};

super::contract!(
    a_newer_store_is_refused_untouched,
    a_store_of_another_environment_is_refused,
);

async fn a_newer_store_is_refused_untouched(bed: &Bed) {
    let store = bed.store();
    land(&store, mint(minted(1)), 1).await;
    store.stop().await;
    drop(store);
    bed.make_newer();
    let before = bed.contents();
    let refused = bed.opened(ORIGIN).unwrap_err();
    assert!(
        matches!(refused, StoreError::Newer { found: 99, .. }),
        "{refused:?}"
    );
    assert_eq!(bed.contents(), before);
}

async fn a_store_of_another_environment_is_refused(bed: &Bed) {
    drop(bed.opened(ORIGIN).unwrap());
    let prod = "prod".parse().unwrap();
    let refused = Store::open(bed.settings(), &bed.path(), ORIGIN, &prod).unwrap_err();
    assert!(
        matches!(refused, StoreError::OtherEnvironment { .. }),
        "{refused:?}"
    );
    drop(bed.opened(ORIGIN).unwrap());
}

#[test]
fn a_missing_store_is_not_created() {
    let directory = hallpass_testkit::temp_dir();
    let absent = directory.path().join("absent.db");
    let dev = "dev".parse().unwrap();
    let refused = Store::open(&Default::default(), &absent, ORIGIN, &dev).unwrap_err();
    assert!(matches!(refused, StoreError::Missing { .. }), "{refused:?}");
    assert!(!absent.exists());
}

#[test]
fn there_is_one_writer() {
    let bed = Bed::sqlite();
    let store = bed.store();
    assert!(store.start_writer().is_err());
}
