//! The demo: two authorities, two services, one story, told so that a newcomer follows it in a minute.
//!
//! Nothing is staged: the servers are the real ones on real ports, the tokens real tokens, and every sentence about a
//! decision is checked against the decision that came.

mod evidence;
mod narrator;
mod story;
mod world;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::exit::Exit;
use crate::output::Output;
use narrator::Narrator;
use world::World;

/// Plays the demo.
pub(crate) async fn play(keep: bool, output: &mut Output) -> anyhow::Result<Exit> {
    let world = World::start().await.context("cannot start the demo")?;
    let mut narrator = Narrator::new(output);
    let told = tell(&world, &mut narrator).await;
    let as_said = told.is_ok() && narrator.all_as_said();
    if keep && told.is_ok() {
        narrator.invite(&world)?;
        until_told_to_stop().await?;
    }
    world.stop().await?;
    told?;
    narrator.conclude(as_said)?;
    Ok(if as_said { Exit::Ok } else { Exit::Denied })
}

async fn tell(world: &World, narrator: &mut Narrator<'_>) -> anyhow::Result<()> {
    narrator.introduce(world)?;
    story::tell(world, narrator).await?;
    evidence::show(world, narrator).await
}

async fn until_told_to_stop() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => interrupted,
    }
}
