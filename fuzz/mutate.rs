//! Seeds, changed at random but alike in every run: what the ordinary tests put through the checks of the fuzz targets.

/// Splitmix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % sides as u64) as usize
    }
}

/// Checks each seed as it is, then so many changes of them.
pub fn run(seeds: &[Vec<u8>], changes: usize, check: impl Fn(&[u8])) {
    for seed in seeds {
        check(seed);
    }
    let mut dice = Dice(2026);
    for _ in 0..changes {
        let mut bytes = seeds[dice.roll(seeds.len())].clone();
        for _ in 0..=dice.roll(4) {
            change(&mut bytes, seeds, &mut dice);
        }
        check(&bytes);
    }
}

fn change(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], dice: &mut Dice) {
    let at = dice.roll(bytes.len() + 1);
    match dice.roll(6) {
        0 => bytes.insert(at, dice.roll(256) as u8),
        1 if at < bytes.len() => drop(bytes.remove(at)),
        2 if at < bytes.len() => bytes[at] ^= 1 << dice.roll(8),
        // A byte that stands in the seeds is likelier to mean something than any byte.
        3 if at < bytes.len() => {
            let other = &seeds[dice.roll(seeds.len())];
            if !other.is_empty() {
                bytes[at] = other[dice.roll(other.len())];
            }
        }
        4 => {
            let other = &seeds[dice.roll(seeds.len())];
            let from = dice.roll(other.len() + 1);
            let to = (from + dice.roll(24)).min(other.len());
            bytes.splice(at..at, other[from..to].iter().copied());
        }
        _ => {
            let to = (at + dice.roll(24)).min(bytes.len());
            let piece = bytes[at..to].to_vec();
            let into = dice.roll(bytes.len() + 1);
            bytes.splice(into..into, piece);
        }
    }
}
