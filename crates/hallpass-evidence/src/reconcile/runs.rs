//! What is to be known of runs: of those with a budget what each journal counted, of those that ended when.

use std::collections::HashMap;

use hallpass_journal::{Decided, Finished, Minted, Spent};
use hallpass_vocabulary::{RunId, Timestamp};

use super::{Full, RUNS_MAX};
use crate::finding::{Finding, FindingKind, Findings};

/// How many runs are followed to the one that started them: as many as an authority lets there be, and far more.
const ANCESTORS_MAX: usize = 64;

/// What one journal has of a run's spending: what it said in all, and what its records come to.
#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    said: Spent,
    calls: u64,
    usd_micros: u64,
}

impl Counted {
    /// Records may have been pruned, and totals given back: the larger is what was spent.
    fn calls(self) -> u64 {
        self.calls.max(self.said.calls.unwrap_or(0))
    }

    fn usd_micros(self) -> u64 {
        self.usd_micros.max(self.said.usd_micros.unwrap_or(0))
    }

    fn said(&mut self, spent: Option<Spent>) {
        if let Some(spent) = spent {
            self.said.calls = self.said.calls.max(spent.calls);
            self.said.usd_micros = self.said.usd_micros.max(spent.usd_micros);
        }
    }
}

#[derive(Debug, Default)]
struct Run {
    budgets: Option<Spent>,
    ended: Option<Timestamp>,
    parent: Option<RunId>,
    /// By the number of the journal.
    counted: Vec<(u32, Counted)>,
}

/// The runs that are to be remembered: with a budget, ended, or started by another.
#[derive(Debug, Default)]
pub(super) struct Runs(HashMap<RunId, Run>);

impl Runs {
    fn entry(&mut self, run: RunId) -> Result<&mut Run, Full> {
        if self.0.len() >= RUNS_MAX && !self.0.contains_key(&run) {
            return Err(Full::Runs);
        }
        Ok(self.0.entry(run).or_default())
    }

    pub(super) fn minted(&mut self, minted: &Minted) -> Result<(), Full> {
        if minted.budgets.is_some() || minted.parent.is_some() {
            let run = self.entry(minted.run)?;
            run.parent = run.parent.or(minted.parent);
            // A run never widens: what its first token has is the most.
            run.budgets = run.budgets.or(minted.budgets);
        }
        Ok(())
    }

    pub(super) fn ended(&mut self, run: RunId, at: Timestamp) -> Result<(), Full> {
        let run = self.entry(run)?;
        run.ended = Some(run.ended.map_or(at, |ended| ended.min(at)));
        Ok(())
    }

    /// The run, and those that led to it.
    pub(super) fn line_of(&self, run: RunId) -> impl Iterator<Item = RunId> {
        let parent = |run: &RunId| self.0.get(run).and_then(|run| run.parent);
        std::iter::successors(Some(run), parent).take(ANCESTORS_MAX)
    }

    /// When the run, or one that started it, was ended.
    pub(super) fn end_of(&self, run: RunId) -> Option<Timestamp> {
        let known = self.line_of(run).filter_map(|run| self.0.get(&run));
        known.filter_map(|run| run.ended).min()
    }

    pub(super) fn allowed(&mut self, journal: u32, decided: &Decided) {
        if let Some(counted) = self.counted(journal, decided.run) {
            counted.calls = counted.calls.saturating_add(1);
            counted.said(decided.spent);
        }
    }

    /// The end of a call, of a run if it is known whose.
    pub(super) fn finished(&mut self, journal: u32, run: Option<RunId>, finished: &Finished) {
        if let Some(counted) = self.counted(journal, finished.run.or(run)) {
            let cost = finished.spend_usd_micros.unwrap_or(0);
            counted.usd_micros = counted.usd_micros.saturating_add(cost);
            counted.said(finished.spent);
        }
    }

    fn counted(&mut self, journal: u32, run: Option<RunId>) -> Option<&mut Counted> {
        let run = self.0.get_mut(&run?)?;
        run.budgets?;
        let at = match run.counted.iter().position(|(known, _)| *known == journal) {
            Some(at) => at,
            None => {
                run.counted.push((journal, Counted::default()));
                run.counted.len().saturating_sub(1)
            }
        };
        run.counted.get_mut(at).map(|(_, counted)| counted)
    }

    /// Every run that spent more than it had, in the order of their ids.
    pub(super) fn over_budget(&self, journals: &[String], findings: &mut Findings) {
        let mut runs: Vec<(&RunId, &Run)> = self.0.iter().collect();
        runs.sort_by_key(|(id, _)| **id);
        for (id, run) in runs {
            let Some(budgets) = run.budgets else {
                continue;
            };
            for (unit, budget) in [("calls", budgets.calls), ("usd_micros", budgets.usd_micros)] {
                let of = |counted: Counted| match unit {
                    "calls" => counted.calls(),
                    _ => counted.usd_micros(),
                };
                let parts = run.counted.iter().map(|(journal, it)| (*journal, of(*it)));
                let parts: Vec<(u32, u64)> = parts.filter(|(_, amount)| *amount > 0).collect();
                let total = parts
                    .iter()
                    .fold(0_u64, |sum, (_, it)| sum.saturating_add(*it));
                let Some(budget) = budget.filter(|budget| total > *budget) else {
                    continue;
                };
                let name = |journal: u32| {
                    let at = usize::try_from(journal).ok();
                    at.and_then(|at| journals.get(at))
                        .map_or("?", String::as_str)
                };
                let by: Vec<String> = parts
                    .iter()
                    .map(|(journal, amount)| format!("{amount} in {}", name(*journal)))
                    .collect();
                let words = format!("{total} `{unit}` of {budget}: {}", by.join(", "));
                let origin = parts.first().map_or("?", |(journal, _)| name(*journal));
                findings.add(Finding {
                    run: Some(*id),
                    ..Finding::of(FindingKind::OverBudget, origin, words)
                });
            }
        }
    }
}
