//! `either RULE and RULE or RULE …`: alternatives, of which one has to hold.
//!
//! ```text
//! check if FACT(POINTER, $v1), FACT(POINTER, $v2), CONDITION, CONDITION or FACT(POINTER, $v1), CONDITION
//! ```
//!
//! Each alternative is a query: the facts of its rules, then their conditions, and the variable of the rule at place N is
//! `$vN`. What they mean does not depend on the order, so a token may have them in any; they are written sorted.

use hallpass_vocabulary::ToolName;

use super::builder::InvalidArgumentCaveat;
use super::failing::Failing;
use super::looks::Looks;
use super::rule::{ArgumentRule, Rule};
use crate::caveat::Caveat;
use crate::datalog::{Operation, Query, Term};
use crate::limits::{ALTERNATIVES_MAX, EITHER_TEXT_BYTES_MAX, RULES_PER_ALTERNATIVE_MAX};
use crate::names::NameSet;

/// The variables of the rules of an alternative, by their place.
const VARIABLES: [&str; RULES_PER_ALTERNATIVE_MAX] = ["v1", "v2", "v3", "v4"];

/// Two to [`ALTERNATIVES_MAX`] alternatives, each of one to [`RULES_PER_ALTERNATIVE_MAX`] rules; both sorted by their words
/// and none twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alternatives(Vec<Vec<Rule>>);

impl Caveat {
    /// For calls of these tools (`None`: of all), at least one alternative holds, with all of its rules.
    ///
    /// What is given twice counts once. What it cannot say, it refuses: [`Caveat::any_of`] combines more.
    /// - A rule with `each`: its check looks at every element and cannot stand beside others.
    /// - An `either` inside: multiply it out.
    /// - Caveats that are on no arguments: the time, services, tools and blocks have no rule.
    ///
    /// ```
    /// use hallpass_token::{ArgumentRule, Caveat};
    ///
    /// let rule = |words: &str| -> Result<ArgumentRule, Box<dyn std::error::Error>> {
    ///     match words.parse()? {
    ///         Caveat::Argument(caveat) => Ok(caveat.rule()),
    ///         other => Err(format!("`{other}` is on no argument").into()),
    ///     }
    /// };
    /// let low = vec![rule("/priority one of low, normal")?];
    /// let own = vec![rule("/team==support")?, rule("/priority==high")?];
    /// let caveat = Caveat::either(None, [low, own])?;
    /// let words = "either /priority one of low, normal or /priority==high and /team==support";
    /// assert_eq!(caveat.to_string(), words);
    /// assert_eq!(caveat, words.parse()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidArgumentCaveat::Alternatives`], [`AlternativeRules`](InvalidArgumentCaveat::AlternativeRules),
    /// [`EachInEither`](InvalidArgumentCaveat::EachInEither), [`EitherInEither`](InvalidArgumentCaveat::EitherInEither) and
    /// [`EitherTooLarge`](InvalidArgumentCaveat::EitherTooLarge).
    pub fn either(
        tools: Option<NameSet<ToolName>>,
        alternatives: impl IntoIterator<Item = Vec<ArgumentRule>>,
    ) -> Result<Self, InvalidArgumentCaveat> {
        let rules = |rules: Vec<ArgumentRule>| rules.into_iter().map(|rule| rule.0).collect();
        let alternatives = alternatives.into_iter().map(rules).collect();
        let rule = Rule::Either(Alternatives::new(alternatives)?);
        Ok(Self::on_arguments(tools, ArgumentRule(rule)))
    }
}

impl Alternatives {
    /// The alternatives, sorted.
    fn new(alternatives: Vec<Vec<Rule>>) -> Result<Self, InvalidArgumentCaveat> {
        let alternatives = alternatives.into_iter().map(|mut rules| {
            sort(&mut rules, Rule::to_string);
            rules
        });
        let mut alternatives: Vec<Vec<Rule>> = alternatives.collect();
        sort(&mut alternatives, |rules| words(rules));
        Self::checked(alternatives)
    }

    /// The alternatives as they stand, if they can be.
    fn checked(alternatives: Vec<Vec<Rule>>) -> Result<Self, InvalidArgumentCaveat> {
        if !(2..=ALTERNATIVES_MAX).contains(&alternatives.len()) {
            return Err(InvalidArgumentCaveat::Alternatives);
        }
        for rules in &alternatives {
            if !(1..=RULES_PER_ALTERNATIVE_MAX).contains(&rules.len()) {
                return Err(InvalidArgumentCaveat::AlternativeRules);
            }
            for rule in rules {
                match rule {
                    Rule::Either(_) => return Err(InvalidArgumentCaveat::EitherInEither),
                    Rule::Test(test) if test.each => {
                        return Err(InvalidArgumentCaveat::EachInEither);
                    }
                    Rule::Only(_) | Rule::Test(_) => {}
                }
            }
        }
        let alternatives = Self(alternatives);
        if alternatives.text_bytes() > EITHER_TEXT_BYTES_MAX {
            return Err(InvalidArgumentCaveat::EitherTooLarge);
        }
        Ok(alternatives)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[Rule]> {
        self.0.iter().map(Vec::as_slice)
    }

    pub(super) fn queries(&self) -> Vec<Query<'_>> {
        self.0.iter().map(|rules| query(rules)).collect()
    }

    /// The alternatives of these queries, in whatever order; `None` unless they are exactly the template.
    pub(super) fn read(queries: &[Query<'_>]) -> Option<Self> {
        if queries.len() > ALTERNATIVES_MAX {
            return None;
        }
        let rules = |query: &Query<'_>| -> Option<Vec<Rule>> {
            let places = query.body.iter().zip(VARIABLES);
            let rules = places.map(|(fact, variable)| {
                let of_rule = |steps: &&Vec<Operation<'_>>| names(steps, variable);
                let mut alone = Query::new([fact.clone()]);
                alone.expressions = query.expressions.iter().filter(of_rule).cloned().collect();
                Rule::read(&alone)
            });
            rules.collect()
        };
        let written: Option<Vec<Vec<Rule>>> = queries.iter().map(rules).collect();
        let written = Self::checked(written?).ok()?;
        if written.queries() != queries {
            return None;
        }
        let count = |alternatives: &Self| -> usize { alternatives.iter().map(<[Rule]>::len).sum() };
        let rules = count(&written);
        let sorted = Self::new(written.0).ok()?;
        // What stands twice is another way to write the same.
        (sorted.0.len() == queries.len() && count(&sorted) == rules).then_some(sorted)
    }

    pub(super) fn hold_with<'a>(&'a self, looks: &mut Looks<'a>) -> bool {
        self.0
            .iter()
            .any(|rules| rules.iter().all(|rule| rule.holds_with(looks)))
    }

    /// What fails each alternative; `None` when one holds.
    pub(super) fn failing<'a>(&'a self, looks: &mut Looks<'a>) -> Option<Failing> {
        let failing = self
            .0
            .iter()
            .map(|rules| rules.iter().find_map(|rule| rule.failing(looks)));
        failing
            .collect::<Option<Vec<_>>>()
            .map(Failing::Alternatives)
    }

    /// Bytes held beside the value itself, at most.
    pub(super) fn bytes_held(&self) -> usize {
        let rules = self.0.iter().flatten();
        rules
            .map(|rule| rule.bytes_held().saturating_add(size_of::<Rule>()))
            .fold(ALTERNATIVES_MAX * 32, usize::saturating_add)
    }

    /// The bytes of its pointers, texts and names, each as often as it stands.
    fn text_bytes(&self) -> usize {
        fn of_term(term: &Term<'_>) -> usize {
            match term {
                Term::Set(elements) => elements.iter().map(of_term).sum(),
                Term::Text(text) => text.len(),
                _ => 0,
            }
        }
        let of_query = |query: &Query<'_>| -> usize {
            let facts = query.body.iter().flat_map(|fact| &fact.terms).map(of_term);
            let steps = query.expressions.iter().flatten();
            let operands = steps.map(|step| match step {
                Operation::Value(term) => of_term(term),
                _ => 0,
            });
            facts.chain(operands).sum()
        };
        self.queries().iter().map(of_query).sum()
    }
}

fn query(rules: &[Rule]) -> Query<'_> {
    let places = rules.iter().zip(VARIABLES);
    places.fold(Query::new([]), |query, (rule, variable)| {
        rule.conjoined(query, variable)
    })
}

/// Sorts by words, and leaves out what is there twice: two rules of the same words are the same.
pub(super) fn sort<T>(items: &mut Vec<T>, words: impl Fn(&T) -> String) {
    let mut keyed: Vec<(String, T)> = items.drain(..).map(|item| (words(&item), item)).collect();
    keyed.sort_by(|(one, _), (other, _)| one.cmp(other));
    keyed.dedup_by(|(one, _), (other, _)| one == other);
    items.extend(keyed.into_iter().map(|(_, item)| item));
}

fn words(rules: &[Rule]) -> String {
    let words: Vec<String> = rules.iter().map(Rule::to_string).collect();
    words.join(crate::caveat::words::AND)
}

/// Whether an expression has this variable.
fn names(steps: &[Operation<'_>], variable: &str) -> bool {
    steps
        .iter()
        .any(|step| matches!(step, Operation::Value(Term::Variable(name)) if *name == variable))
}
