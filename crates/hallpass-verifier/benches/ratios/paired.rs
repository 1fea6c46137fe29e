//! Paired measurement: every figure is a ratio to the unit as measured just before and just after it, so that what the
//! machine does besides moves both and cancels.

use std::hint::black_box;
use std::time::Instant;

/// One line of the table: something that can be done `operations` times in a row.
pub struct Row<'a> {
    name: &'static str,
    batch: Box<dyn FnMut() -> f64 + 'a>,
}

impl<'a> Row<'a> {
    /// Measures `work`. What `prepare` makes is made before the clock starts, and what `work` answers is dropped after
    /// it stops.
    pub fn new<I, O>(
        name: &'static str,
        operations: usize,
        mut prepare: impl FnMut() -> I + 'a,
        mut work: impl FnMut(I) -> O + 'a,
    ) -> Self {
        let batch = move || {
            let inputs: Vec<I> = (0..operations).map(|_| prepare()).collect();
            let mut outputs = Vec::with_capacity(operations);
            let start = Instant::now();
            for input in inputs {
                outputs.push(black_box(work(black_box(input))));
            }
            let seconds = start.elapsed().as_secs_f64();
            drop(outputs);
            seconds / f64::from(u32::try_from(operations).unwrap())
        };
        Self {
            name,
            batch: Box::new(batch),
        }
    }

    /// Seconds for one operation.
    fn seconds(&mut self) -> f64 {
        (self.batch)()
    }
}

/// A row's ratios to the unit, one a round.
pub struct Measured {
    pub name: &'static str,
    ratios: Vec<f64>,
}

impl Measured {
    /// First quartile, median, third quartile.
    pub fn quartiles(&self) -> [f64; 3] {
        let mut sorted = self.ratios.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len() - 1;
        [last / 4, last / 2, last * 3 / 4].map(|at| sorted[at])
    }

    /// The median of this row's cost in the other's, paired by round.
    pub fn median_over(&self, other: &Self) -> f64 {
        let ratios = self.ratios.iter().zip(&other.ratios);
        Self {
            name: "",
            ratios: ratios.map(|(mine, others)| mine / others).collect(),
        }
        .quartiles()[1]
    }
}

/// Measures every row in every round, so that a slow minute of the machine falls on all of them.
pub fn measure(unit: &mut Row<'_>, rows: &mut [Row<'_>], rounds: usize) -> Vec<Measured> {
    let mut measured: Vec<Measured> = rows
        .iter()
        .map(|row| Measured {
            name: row.name,
            ratios: Vec::with_capacity(rounds),
        })
        .collect();
    // Round 0 warms caches, branch predictors and the allocator, and is thrown away.
    for round in 0..=rounds {
        for (row, into) in rows.iter_mut().zip(&mut measured) {
            let before = unit.seconds();
            let seconds = row.seconds();
            let after = unit.seconds();
            if round > 0 {
                into.ratios.push(2.0 * seconds / (before + after));
            }
        }
    }
    measured
}
