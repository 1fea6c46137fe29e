//! What every store does: one suite, run against the embedded one and against a real PostgreSQL server.

#[cfg(feature = "postgres")]
mod away;
mod bed;
mod claims;
mod clients;
#[cfg(feature = "postgres")]
mod encrypted;
mod fleet;
mod keys;
mod landing;
mod limits;
mod queries;
mod restraints;
mod runs;
mod setup;

/// Each of these once for each store.
macro_rules! contract {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test]
            fn $name() {
                let bed = super::Bed::sqlite();
                super::super::run(super::$name(&bed));
            })+
        }

        #[cfg(feature = "postgres")]
        mod postgres {
            $(#[test]
            fn $name() {
                let bed = super::Bed::postgres();
                super::super::run(super::$name(&bed));
            })+
        }
    };
}
use contract;

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(test);
}
