//! Lines on their way: as many as the authority takes at once, packed.

use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use hallpass_journal::shipping::{self, ShippingError};

/// Bytes of lines in one shipment: half of what the authority takes.
const LINES_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Bytes of a packed shipment: what the authority takes.
const PACKED_BYTES_MAX: usize = 1024 * 1024;

/// Lines from an index on, below another, in gzip. What packs badly is sent in smaller pieces. Blocks on the disk.
pub(super) fn packed(dir: &Path, from: u64, below: u64) -> Result<Vec<u8>, ShippingError> {
    let mut most = LINES_BYTES_MAX;
    loop {
        let lines = shipping::lines(dir, from, below, most)?;
        let packed = pack(&lines);
        // One record is 16 KiB at most, so this ends.
        if packed.len() <= PACKED_BYTES_MAX {
            return Ok(packed);
        }
        most /= 2;
    }
}

fn pack(lines: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory cannot fail.
    let _ = packer.write_all(lines);
    packer.finish().unwrap_or_default()
}
