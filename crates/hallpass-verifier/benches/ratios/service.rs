//! A verifier as a service has it: a journal on a real disk, a running clock, a bundle.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hallpass_args::{Arguments, ToolCall};
use hallpass_bundle::{KeyState, Snapshots};
use hallpass_journal::{Journal, JournalName, Settings};
use hallpass_token::{NextSecret, TokenText, UnverifiedToken};
use hallpass_verifier::{Disclosure, JournalledArguments, ServicePolicy, Setup, Tenancy, Verifier};
use hallpass_vocabulary::{Clock, RequestId, Timestamp, TokenId};

use crate::world::{self, NOW};

/// How long the tokens live, in seconds: longer than the bench runs.
const TTL_SECONDS: u64 = 900;

/// About 200 bytes in five members, as a search might have.
pub const ARGUMENTS: &[u8] = br#"{"query":"the customer cannot sign in since the password was changed, which page of the handbook says why","limit":20,"language":"en","include_archived":false,"products":["console","mobile application"]}"#;

/// The fixture's moment, running: it costs what the system clock costs, and tokens of the fixture stay valid.
struct RunningClock(Instant);

impl Clock for RunningClock {
    fn now(&self) -> Timestamp {
        NOW.after(self.0.elapsed())
    }
}

pub struct Service {
    pub verifier: Verifier,
    _dir: tempfile::TempDir,
}

impl Service {
    pub fn new() -> Self {
        // Beside the build, on a disk: a system's temporary directory may be memory.
        let dir = tempfile::tempdir_in(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap();
        let clock = Arc::new(RunningClock(Instant::now()));
        let name = JournalName::new("tickets").unwrap();
        let settings = Settings::new(
            world::env("prod"),
            name,
            Arc::clone(&clock) as Arc<dyn Clock>,
        );
        let verifier = Verifier::new(Setup {
            audience: world::audience("tickets"),
            environment: world::env("prod"),
            tenancy: Tenancy::Many,
            policy: ServicePolicy::none(),
            journalled: JournalledArguments::none(),
            disclosure: Disclosure::Code,
            profile: hallpass_verifier::Profile::Standard,
            spend: hallpass_verifier::Spend::ThisJournal,
            recording: hallpass_verifier::Recording::standard(),
            journal: Journal::open(dir.path(), settings).unwrap(),
            snapshots: Arc::new(Snapshots::new(world::snapshot(NOW, KeyState::Active))),
            clock,
        });
        Self {
            verifier,
            _dir: dir,
        }
    }

    /// The whole of a call: check, record, answer.
    pub fn authorize(&self, token: &str, call: ToolCall) -> hallpass_verifier::Permit {
        self.verifier.authorize(Some(token), call).wait().unwrap()
    }
}

/// A token of this many blocks and tools; those after the first narrow it to one tool. `number` makes it distinct.
pub fn token(blocks: usize, tools: usize, number: u16) -> TokenText {
    let mut text = world::token(|grant| {
        let [high, low] = number.to_be_bytes();
        grant.token = TokenId::new(NOW, [high, low, 0, 0, 0, 0, 0, 0, 0, 1]);
        grant.expires = NOW.after(Duration::from_secs(TTL_SECONDS));
        grant.needs_approval.clear();
        let more = (0..).map(|number| world::tool(&format!("tool.number_{number:02}")));
        grant.tools = ["kb.search", "ticket.update", "tickets.get"]
            .map(world::tool)
            .into_iter()
            .chain(more)
            .take(tools)
            .collect();
    });
    for block in 1..blocks {
        let secret = [u8::try_from(100 + block).unwrap(); 32];
        text = UnverifiedToken::parse(text.expose())
            .unwrap()
            .attenuate(
                &["only tools kb.search".parse().unwrap()],
                NextSecret::from_random(secret),
            )
            .unwrap();
    }
    text
}

/// A token with these caveats in one block.
pub fn narrowed(caveats: &[&str]) -> TokenText {
    let caveats: Vec<_> = caveats.iter().map(|words| words.parse().unwrap()).collect();
    UnverifiedToken::parse(token(1, 5, 0).expose())
        .unwrap()
        .attenuate(&caveats, NextSecret::from_random([7; 32]))
        .unwrap()
}

/// A call of a tool with [`ARGUMENTS`], as a service makes it of a request: names checked, arguments read and digested.
pub fn call(tool: &str) -> ToolCall {
    ToolCall {
        audience: world::audience("tickets"),
        tool: world::tool(tool),
        args: Arguments::parse(ARGUMENTS).unwrap(),
        request_id: RequestId::new(NOW, [3; 10]),
        idempotency_key: None,
        trace: None,
        attempt: None,
    }
}

/// A token nobody but the holder of a foreign key has signed: well formed up to its signature.
pub fn forged() -> TokenText {
    let genuine = token(1, 5, 0);
    let mut text = genuine.expose().to_owned();
    // Inside the signed payload: a letter of the symbol table.
    let at = text.len() / 3;
    let other = if text.as_bytes()[at] == b'A' {
        "B"
    } else {
        "A"
    };
    text.replace_range(at..=at, other);
    UnverifiedToken::parse(&text).unwrap().to_text()
}
