//! When one rule demands all that another does, as far as that is plain.

use super::condition::{Bounds, Condition, Constant, Values};
use super::rule::{ArgumentRule, Rule};

impl ArgumentRule {
    /// Whether every call that satisfies this rule satisfies the other. Only what is plain from the two: `false` promises
    /// nothing.
    ///
    /// ```
    /// use hallpass_token::Caveat;
    ///
    /// let rule = |words: &str| match words.parse() {
    ///     Ok(Caveat::Argument(caveat)) => caveat.rule(),
    ///     _ => unreachable!("it is on an argument"),
    /// };
    /// assert!(rule("/limit<=10").demands(&rule("/limit<=100")));
    /// assert!(!rule("/limit<=100").demands(&rule("/limit<=10")));
    /// assert!(!rule("/limit<=10").demands(&rule("/offset<=10")));
    /// ```
    pub fn demands(&self, other: &Self) -> bool {
        rule(&self.0, &other.0)
    }
}

fn rule(more: &Rule, less: &Rule) -> bool {
    if more == less {
        return true;
    }
    match (more, less) {
        // Whichever alternative holds, it demands the other.
        (Rule::Either(alternatives), less) => alternatives
            .iter()
            .all(|rules| rules.iter().any(|more| rule(more, less))),
        // One of the alternatives is demanded whole.
        (more, Rule::Either(alternatives)) => alternatives
            .iter()
            .any(|rules| rules.iter().all(|less| rule(more, less))),
        (Rule::Only(fewer), Rule::Only(names)) => fewer.is_subset(names),
        (Rule::Test(more), Rule::Test(less)) => {
            more.is_alike(less) && condition(&more.condition, &less.condition)
        }
        (Rule::Only(_), Rule::Test(_)) | (Rule::Test(_), Rule::Only(_)) => false,
    }
}

fn condition(more: &Condition, less: &Condition) -> bool {
    use Condition::{Contains, EndsWith, Is, NoneOf, OneOf, StartsWith, Within};
    match (more, less) {
        (Is(Constant::Integer(value)), less) => integer(*value, less),
        (Is(Constant::Text(value)), less) => text(value, less),
        (OneOf(Values::Integers(values)), less) => values.iter().all(|value| integer(*value, less)),
        (OneOf(Values::Texts(values)), less) => values.iter().all(|value| text(value, less)),
        (NoneOf(Values::Integers(more)), NoneOf(Values::Integers(less))) => {
            less.iter().all(|value| more.contains(value))
        }
        (NoneOf(Values::Texts(more)), NoneOf(Values::Texts(less))) => {
            less.iter().all(|value| more.contains(value.as_ref()))
        }
        (Within(inner), Within(outer)) => within(*inner, *outer),
        (StartsWith(longer), StartsWith(start)) => longer.starts_with(start.as_ref()),
        (EndsWith(longer), EndsWith(end)) => longer.ends_with(end.as_ref()),
        (StartsWith(longer) | EndsWith(longer) | Contains(longer), Contains(part)) => {
            longer.contains(part.as_ref())
        }
        _ => false,
    }
}

fn integer(value: i64, less: &Condition) -> bool {
    match less {
        Condition::Is(Constant::Integer(other)) => value == *other,
        Condition::OneOf(Values::Integers(values)) => values.contains(&value),
        Condition::NoneOf(Values::Integers(values)) => !values.contains(&value),
        Condition::Within(bounds) => within(
            Bounds {
                low: Some(value),
                high: Some(value),
            },
            *bounds,
        ),
        _ => false,
    }
}

fn text(value: &str, less: &Condition) -> bool {
    match less {
        Condition::Is(Constant::Text(other)) => value == other.as_ref(),
        Condition::OneOf(Values::Texts(values)) => values.contains(value),
        Condition::NoneOf(Values::Texts(values)) => !values.contains(value),
        Condition::StartsWith(start) => value.starts_with(start.as_ref()),
        Condition::EndsWith(end) => value.ends_with(end.as_ref()),
        Condition::Contains(part) => value.contains(part.as_ref()),
        _ => false,
    }
}

fn within(inner: Bounds, outer: Bounds) -> bool {
    let low = outer
        .low
        .is_none_or(|low| inner.low.is_some_and(|it| it >= low));
    let high = outer
        .high
        .is_none_or(|high| inner.high.is_some_and(|it| it <= high));
    low && high
}

#[cfg(test)]
mod tests {
    use hallpass_args::Arguments;
    use hallpass_vocabulary::Timestamp;

    use crate::caveat::Caveat;
    use crate::caveat::argument::looks::Looks;
    use crate::decide::CallFacts;

    const RULES: [&str; 40] = [
        "/n==1",
        "/n==5",
        "/n<=1",
        "/n<=5",
        "/n>=1",
        "/n in 1..5",
        "/n in 2..4",
        "/n one of 1, 5",
        "/n one of 1",
        "/n not one of 1",
        "/n not one of 1, 5",
        "/n<=1.5",
        "/s==ab",
        "/s one of ab, b",
        "/s one of ab",
        "/s not one of ab",
        "/s not one of ab, b",
        "/s starts with a",
        "/s starts with ab",
        "/s ends with b",
        "/s ends with ab",
        "/s contains b",
        "/s contains ab",
        "/s length<=1",
        "/s length<=2",
        "/s under /w",
        "/s under /w/x",
        "/u url host a.example",
        "/u url host a.example, b.example",
        "each /l<=1",
        "each /l<=5",
        "/l count<=1",
        "/l count<=2",
        "only arguments n",
        "only arguments n, s",
        "no arguments",
        "either /n==1 or /s==ab",
        "either /n==1 or /s==ab and /n<=5",
        "either /n<=5 or /s starts with a",
        "/b==true",
    ];

    const CALLS: [&str; 16] = [
        "{}",
        r#"{"n":1}"#,
        r#"{"n":3}"#,
        r#"{"n":5}"#,
        r#"{"n":6}"#,
        r#"{"n":1.2}"#,
        r#"{"n":1,"s":"ab"}"#,
        r#"{"s":"b"}"#,
        r#"{"s":"abb"}"#,
        r#"{"s":"/w/x/y"}"#,
        r#"{"s":"/w/a"}"#,
        r#"{"u":"https://a.example/"}"#,
        r#"{"u":"https://b.example/"}"#,
        r#"{"l":[1]}"#,
        r#"{"l":[1,5]}"#,
        r#"{"b":true}"#,
    ];

    #[test]
    fn what_demands_another_never_allows_what_that_denies() {
        let caveats: Vec<Caveat> = RULES
            .iter()
            .map(|words| {
                words
                    .parse()
                    .unwrap_or_else(|error| panic!("{words}: {error}"))
            })
            .collect();
        let rule = |caveat: &Caveat| match caveat {
            Caveat::Argument(argument) => argument.rule(),
            other => panic!("{other}"),
        };
        let calls: Vec<Arguments> = CALLS
            .iter()
            .map(|text| Arguments::parse(text.as_bytes()).unwrap())
            .collect();
        let holds = |caveat: &Caveat, arguments: &Arguments| {
            let facts = CallFacts {
                now: Timestamp::from_unix_seconds(0),
                audience: &"a".parse().unwrap(),
                environment: &"dev".parse().unwrap(),
                tool: &"a.b".parse().unwrap(),
                arguments,
            };
            caveat.holds(&facts, 1, &mut Looks::at(arguments))
        };
        let mut found = 0;
        for more in &caveats {
            assert!(rule(more).demands(&rule(more)), "{more}");
            for less in &caveats {
                let allows_more = calls
                    .iter()
                    .any(|call| holds(more, call) && !holds(less, call));
                if rule(more).demands(&rule(less)) {
                    found += usize::from(more != less);
                    assert!(!allows_more, "{more} demands {less}");
                }
            }
        }
        assert!(found > 40, "{found}");
    }

    #[test]
    fn what_is_plain_is_seen() {
        let rule = |words: &str| match words.parse() {
            Ok(Caveat::Argument(argument)) => argument.rule(),
            other => panic!("{other:?}"),
        };
        for (more, less) in [
            ("/n in 2..4", "/n<=5"),
            ("/n one of 1, 5", "/n in 1..5"),
            ("/n not one of 1, 5", "/n not one of 1"),
            ("/s one of ab", "/s ends with b"),
            ("/s under /w/x", "/s under /w"),
            ("only arguments n", "only arguments n, s"),
            ("each /l<=1", "each /l<=5"),
            ("/n==1", "either /n<=5 or /s==ab"),
            ("either /n==1 or /n==2", "/n<=5"),
        ] {
            assert!(rule(more).demands(&rule(less)), "{more} demands {less}");
            assert!(!rule(less).demands(&rule(more)), "{less} demands {more}");
        }
        // Another argument, another kind of value, or every element instead of the argument.
        for (one, other) in [
            ("/n<=1", "/m<=1"),
            ("/n<=1", "/n<=1.5"),
            ("/l<=1", "each /l<=1"),
        ] {
            assert!(!rule(one).demands(&rule(other)), "{one} {other}");
        }
    }
}
