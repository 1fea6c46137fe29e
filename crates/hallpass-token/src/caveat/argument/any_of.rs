//! The union of several grants of a tool, as caveats.

use hallpass_vocabulary::ToolName;

use super::alternatives::sort;
use super::builder::InvalidArgumentCaveat;
use super::rule::{ArgumentRule, Rule};
use crate::caveat::Caveat;
use crate::limits::ALTERNATIVES_MAX;
use crate::names::NameSet;

/// Grants that the multiplying out of `either` may come to: those that include another are left out afterwards.
const GRANTS_MAX: usize = ALTERNATIVES_MAX * ALTERNATIVES_MAX;

impl Caveat {
    /// The caveats under which tools can be called (`None`: all) that several grants allow, each under its own rules: a call
    /// satisfies all of these caveats exactly when it satisfies every rule of at least one grant.
    ///
    /// - A grant without rules frees the tools: there are no caveats.
    /// - A grant that has all the rules of another and more allows nothing the other does not, and is left out.
    /// - Rules that every grant has are caveats of their own, sorted by their words. What is left, if anything, is one
    ///   [`Caveat::either`] behind them.
    /// - An `either` among the rules of a grant is multiplied out.
    ///
    /// What cannot be combined is refused: more than eight alternatives, more than four rules in one, or one with `each`, after
    /// all of that. A policy then has to say it more simply, or in two tools.
    ///
    /// ```
    /// use hallpass_token::{ArgumentRule, Caveat};
    ///
    /// let rules = |words: &[&str]| -> Vec<ArgumentRule> {
    ///     let rules = words.iter().map(|words| match words.parse() {
    ///         Ok(Caveat::Argument(caveat)) => caveat.rule(),
    ///         other => panic!("{other:?}"),
    ///     });
    ///     rules.collect()
    /// };
    /// let reader = rules(&["/limit<=10", "each /tags one of public"]);
    /// let support = rules(&["/limit<=100", "/team==support", "each /tags one of public"]);
    /// let caveats = Caveat::any_of(None, [reader, support])?;
    /// let words: Vec<String> = caveats.iter().map(ToString::to_string).collect();
    /// assert_eq!(
    ///     words,
    ///     ["each /tags one of public", "either /limit<=10 or /limit<=100 and /team==support"]
    /// );
    /// # Ok::<(), hallpass_token::InvalidArgumentCaveat>(())
    /// ```
    ///
    /// # Errors
    /// As [`Caveat::either`], and [`InvalidArgumentCaveat::Alternatives`] without any grant.
    pub fn any_of(
        tools: Option<NameSet<ToolName>>,
        grants: impl IntoIterator<Item = Vec<ArgumentRule>>,
    ) -> Result<Vec<Self>, InvalidArgumentCaveat> {
        let rules = |rules: Vec<ArgumentRule>| rules.into_iter().map(|rule| rule.0).collect();
        let grants: Vec<Vec<Rule>> = grants.into_iter().map(rules).collect();
        if grants.is_empty() {
            return Err(InvalidArgumentCaveat::Alternatives);
        }
        let (common, grants) = factored(grants);
        let (common_too, grants) = factored(multiplied_out(&grants)?);
        let on_arguments = |rule| Self::on_arguments(tools.clone(), ArgumentRule(rule));
        let mut common: Vec<Rule> = common.into_iter().chain(common_too).collect();
        sort(&mut common, Rule::to_string);
        let mut caveats: Vec<Self> = common.into_iter().map(on_arguments).collect();
        if !grants.is_empty() {
            let rules = |rules: Vec<Rule>| rules.into_iter().map(ArgumentRule).collect();
            let alternatives: Vec<Vec<ArgumentRule>> = grants.into_iter().map(rules).collect();
            caveats.push(Self::either(tools, alternatives)?);
        }
        Ok(caveats)
    }
}

/// The rules that every grant has, and what each has besides; nothing when that is nothing for one of them.
fn factored(grants: Vec<Vec<Rule>>) -> (Vec<Rule>, Vec<Vec<Rule>>) {
    let mut least: Vec<Vec<Rule>> = Vec::new();
    for grant in grants {
        if least.iter().any(|known| includes(&grant, known)) {
            continue;
        }
        least.retain(|known| !includes(known, &grant));
        least.push(grant);
    }
    let in_all = |rule: &Rule| least.iter().all(|rules| rules.contains(rule));
    let mut common: Vec<Rule> = Vec::new();
    for rule in least.first().into_iter().flatten() {
        if in_all(rule) && !common.contains(rule) {
            common.push(rule.clone());
        }
    }
    for rules in &mut least {
        rules.retain(|rule| !common.contains(rule));
    }
    if least.iter().any(Vec::is_empty) {
        least.clear();
    }
    (common, least)
}

/// Whether a grant has all the rules of another, and so allows nothing besides.
fn includes(grant: &[Rule], other: &[Rule]) -> bool {
    other.iter().all(|rule| grant.contains(rule))
}

/// The same grants without `either`: one for each way through the alternatives.
fn multiplied_out(grants: &[Vec<Rule>]) -> Result<Vec<Vec<Rule>>, InvalidArgumentCaveat> {
    let mut plain: Vec<Vec<Rule>> = Vec::new();
    for grant in grants {
        let mut ways: Vec<Vec<Rule>> = vec![Vec::new()];
        for rule in grant {
            let longer = ways.iter().flat_map(|way| {
                rule.alternatives()
                    .map(|rules| [way.as_slice(), rules].concat())
            });
            ways = longer.take(GRANTS_MAX + 1).collect();
        }
        plain.append(&mut ways);
        if plain.len() > GRANTS_MAX {
            return Err(InvalidArgumentCaveat::Alternatives);
        }
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(words: &str) -> ArgumentRule {
        match words.parse().unwrap() {
            Caveat::Argument(caveat) => caveat.rule(),
            other => panic!("{other}"),
        }
    }

    fn any_of(grants: &[&[&str]]) -> Result<Vec<String>, InvalidArgumentCaveat> {
        let rules = |words: &&[&str]| words.iter().map(|words| rule(words)).collect();
        let caveats = Caveat::any_of(None, grants.iter().map(rules))?;
        Ok(caveats.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn grants_are_combined_to_the_fewest_caveats() {
        for (grants, caveats) in [
            (&[&[][..]][..], &[][..]),
            (&[&["/n<=1"], &[]], &[]),
            (&[&["/n<=1"]], &["/n<=1"]),
            (&[&["/n<=1"], &["/n<=1", "/m==2"]], &["/n<=1"]),
            (
                &[&["/n<=1", "/m==2"], &["/m==2", "/n<=1"]],
                &["/m==2", "/n<=1"],
            ),
            (&[&["/n<=1"], &["/m==2"]], &["either /m==2 or /n<=1"]),
            (
                &[&["/n<=1", "each /x<=1"], &["/m==2", "each /x<=1"]],
                &["each /x<=1", "either /m==2 or /n<=1"],
            ),
            (
                &[&["either /a==1 or /b==1", "/c==1"], &["/d==1"]],
                &["either /a==1 and /c==1 or /b==1 and /c==1 or /d==1"],
            ),
            (
                &[&["either /a==1 or /b==1", "each /x<=1"]],
                &["each /x<=1", "either /a==1 or /b==1"],
            ),
            // Multiplied out, one grant has the other.
            (
                &[&["either /a==1 or /b==1"], &["/a==1"]],
                &["either /a==1 or /b==1"],
            ),
            (
                &[&["either /a==1 or /b==1"], &["/b==1", "/c==1"]],
                &["either /a==1 or /b==1"],
            ),
            (
                &[&["/n==1", "/n==1"], &["/n==2"], &["/n==1"]],
                &["either /n==1 or /n==2"],
            ),
        ] {
            assert_eq!(any_of(grants).unwrap(), caveats, "{grants:?}");
        }
    }

    #[test]
    fn what_cannot_be_combined_is_refused() {
        use InvalidArgumentCaveat as Invalid;
        let nine: Vec<String> = (0..9).map(|n| format!("/n=={n}")).collect();
        let nine: Vec<[&str; 1]> = nine.iter().map(|words| [words.as_str()]).collect();
        let nine: Vec<&[&str]> = nine.iter().map(<[&str; 1]>::as_slice).collect();
        let many = ["/a==1", "/b==1", "/c==1", "/d==1", "/e==1"];
        let ways: Vec<String> = (0..7)
            .map(|n| format!("either /a=={n} or /b=={n}"))
            .collect();
        let ways: Vec<&str> = ways.iter().map(String::as_str).collect();
        for (grants, error) in [
            (&[][..], Invalid::Alternatives),
            (&nine, Invalid::Alternatives),
            (&[&ways[..], &["/n==1"]], Invalid::Alternatives),
            (&[&many[..], &["/n==1"]], Invalid::AlternativeRules),
            (&[&["each /x<=1"], &["/n==1"]], Invalid::EachInEither),
        ] {
            assert_eq!(any_of(grants), Err(error), "{grants:?}");
        }
    }

    #[test]
    fn every_caveat_is_for_the_tools() {
        let tools = NameSet::new(["kb.search".parse().unwrap()]).unwrap();
        let grants = [
            vec![rule("/m==0"), rule("/n==1")],
            vec![rule("/m==0"), rule("/n==2")],
        ];
        let caveats = Caveat::any_of(Some(tools), grants).unwrap();
        let words: Vec<String> = caveats.iter().map(ToString::to_string).collect();
        assert_eq!(
            words,
            [
                "for kb.search: /m==0",
                "for kb.search: either /n==1 or /n==2"
            ]
        );
    }
}
