//! What goes wrong, and when.

/// Input/output error.
pub const EIO: i32 = 5;
/// No space left on device.
pub const ENOSPC: i32 = 28;
/// Read-only file system.
pub const EROFS: i32 = 30;

/// What happens at one operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// This operation fails with this number of the operating system (`errno`), and nothing of it is done.
    Error(i32),
    /// This operation and every one after it fails with this number, until [`SimDisk::heal`](super::SimDisk::heal).
    Errors(i32),
    /// From here on there is no space for what writes or creates, until [`SimDisk::heal`](super::SimDisk::heal).
    Full,
    /// The first write from here on takes half of its bytes, and fails with this number all the same.
    HalfWrite(i32),
    /// The first write from here on takes half of its bytes and says so.
    ShortWrite,
    /// The first write from here on takes half of its bytes, and everything after it fails with this number, until
    /// [`SimDisk::heal`](super::SimDisk::heal).
    ShortWriteThen(i32),
    /// The process dies or the power fails: so much of this operation is still done, and every one after it fails.
    Stop(Part),
}

/// How much of an operation is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Nothing.
    Nothing,
    /// Half of the bytes of a write; nothing of anything else.
    Half,
    /// All of it, but nobody hears of it.
    All,
}

/// What an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Creating a file.
    Create,
    /// Creating a directory.
    CreateDir,
    /// Opening a file for writing.
    Open,
    /// Removing a file.
    Remove,
    /// Renaming a file.
    Rename,
    /// Cutting or extending a file.
    SetLen,
    /// `fdatasync`.
    Sync,
    /// `fsync` of a directory.
    SyncDir,
    /// Writing.
    Write,
}

impl Operation {
    fn takes_space(self) -> bool {
        matches!(self, Self::Create | Self::CreateDir | Self::Write)
    }
}

/// What is to be done with an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Done(Part),
    /// So much is done, and then it fails with this number.
    Fails(Part, i32),
}

/// The operations so far, and what is to go wrong.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) log: Vec<(Operation, String)>,
    fault: Option<(u64, Fault)>,
    /// Whether the fault has shown itself.
    pub(super) struck: bool,
    /// While it lasts: the number everything, or what takes space, fails with.
    lasting: Option<Lasting>,
    pub(super) stopped: bool,
}

#[derive(Debug, Clone, Copy)]
struct Lasting {
    errno: i32,
    only_space: bool,
}

impl Plan {
    pub(super) fn fail_at(&mut self, operation: u64, fault: Fault) {
        self.fault = Some((operation, fault));
        self.struck = false;
    }

    pub(super) fn heal(&mut self) {
        self.lasting = None;
    }

    pub(super) fn restart(&mut self) {
        self.stopped = false;
        self.fault = None;
        self.heal();
    }

    /// Counts an operation and says what becomes of it.
    pub(super) fn next(&mut self, operation: Operation, name: String) -> Verdict {
        if self.stopped {
            return Verdict::Fails(Part::Nothing, EIO);
        }
        let number = self.log.len() as u64;
        self.log.push((operation, name));
        if let Some(lasting) = self.lasting
            && (operation.takes_space() || !lasting.only_space)
        {
            return Verdict::Fails(Part::Nothing, lasting.errno);
        }
        let due = |(at, fault): (u64, Fault)| (number >= at && !self.struck).then_some(fault);
        let Some(fault) = self.fault.and_then(due) else {
            return Verdict::Done(Part::All);
        };
        self.strike(fault, operation)
    }

    fn strike(&mut self, fault: Fault, operation: Operation) -> Verdict {
        let is_write = operation == Operation::Write;
        let of_a_write = matches!(
            fault,
            Fault::HalfWrite(_) | Fault::ShortWrite | Fault::ShortWriteThen(_)
        );
        if of_a_write && !is_write {
            return Verdict::Done(Part::All);
        }
        self.struck = true;
        match fault {
            Fault::Error(errno) => Verdict::Fails(Part::Nothing, errno),
            Fault::Errors(errno) => {
                self.lasting = Some(Lasting {
                    errno,
                    only_space: false,
                });
                Verdict::Fails(Part::Nothing, errno)
            }
            Fault::Full => {
                self.lasting = Some(Lasting {
                    errno: ENOSPC,
                    only_space: true,
                });
                if operation.takes_space() {
                    Verdict::Fails(Part::Nothing, ENOSPC)
                } else {
                    Verdict::Done(Part::All)
                }
            }
            Fault::HalfWrite(errno) => Verdict::Fails(Part::Half, errno),
            Fault::ShortWrite => Verdict::Done(Part::Half),
            Fault::ShortWriteThen(errno) => {
                self.lasting = Some(Lasting {
                    errno,
                    only_space: false,
                });
                Verdict::Done(Part::Half)
            }
            Fault::Stop(part) => {
                self.stopped = true;
                let half_of_a_whole = part == Part::Half && !is_write;
                let part = if half_of_a_whole { Part::Nothing } else { part };
                Verdict::Fails(part, EIO)
            }
        }
    }
}
