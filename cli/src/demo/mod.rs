//! The demo: two authorities, two services, one story, told so that a newcomer follows it in a minute.
//!
//! Nothing is staged: the servers are the real ones on real ports, the tokens real tokens, and every sentence about a
//! decision is checked against the decision that came.

mod evidence;
mod narrator;
mod story;
mod world;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::Exit;
use crate::output::Output;
use narrator::Narrator;
use world::World;

/// Plays the demo.
pub(crate) async fn play(keep: bool, output: &mut Output) -> anyhow::Result<Exit> {
    // Listened to from the start: whoever ends the demo early leaves no servers and no directory of keys behind.
    let mut end = End::listen().context("cannot listen for signals")?;
    let world = World::start().await.context("cannot start the demo")?;
    let mut narrator = Narrator::new(output);
    let told = tokio::select! {
        told = tell(&world, &mut narrator) => told,
        () = end.told() => Err(anyhow::anyhow!("the demo was interrupted")),
    };
    if keep && told.is_ok() {
        narrator.invite(&world)?;
        end.told().await;
    }
    world.stop().await?;
    told?;
    narrator.conclude()
}

async fn tell(world: &World, narrator: &mut Narrator<'_>) -> anyhow::Result<()> {
    narrator.introduce(world)?;
    story::tell(world, narrator).await?;
    evidence::show(world, narrator).await
}

/// The signals that end a demo.
struct End {
    interrupt: Signal,
    terminate: Signal,
}

impl End {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn told(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
