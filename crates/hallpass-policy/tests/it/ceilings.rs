//! Each ceiling holds what it says, and not one more.

use std::fmt::Write;

use hallpass_keys::{Purpose, SigningKey};
use hallpass_policy::{
    BOUND_ROLES_PER_ROUTE_MAX, CAVEATS_MAX, CLAIMS_PER_CLIENT_MAX, CLIENTS_PER_POLICY_MAX,
    CLIENTS_PER_ROUTE_MAX, FAULTS_PER_FILE_MAX, GROUPS_PER_POLICY_MAX, INCLUDE_DEPTH_MAX,
    ISSUERS_PER_POLICY_MAX, KEYS_PER_OPERATOR_MAX, MEMBERS_PER_GROUP_MAX, OPERATORS_PER_POLICY_MAX,
    Policy, PolicyFiles, ROLES_PER_ISSUER_MAX, ROLES_PER_POLICY_MAX, ROLES_PER_ROUTE_MAX,
    ROUTES_PER_POLICY_MAX, TOOLS_PER_ROUTE_MAX,
};

const CLIENT: &str = "[clients.c]\nsummary=\"s\"\nactors=\"agent:*\"\n";
const ROUTE: &str = "summary=\"s\"\nclients=[\"c\"]\ntenants=[\"t\"]\nactors=\"agent:*\"\nttl_seconds=60\nproof=\"always\"\n";

fn parse(text: &str) -> Result<Policy, String> {
    Policy::parse(&PolicyFiles::from([("p.toml", text)])).map_err(|errors| errors.to_string())
}

/// A policy of as many is accepted, and one more is refused with these words.
fn holds(max: usize, refused: &str, policy: impl Fn(usize) -> String) {
    if let Err(errors) = parse(&policy(max)) {
        panic!("{refused}: {errors}");
    }
    let told = parse(&policy(max + 1)).unwrap_err();
    assert!(told.contains(refused), "{refused}: {told}");
    assert_eq!(told.lines().count(), 1, "{told}");
}

fn tools(count: usize) -> String {
    (0..count).fold(CLIENT.to_owned(), |mut text, n| {
        write!(
            text,
            "[tools.\"t.n{n}\"]\naudience=\"a\"\nimpact=\"read\"\nsummary=\"s\"\n"
        )
        .unwrap();
        text
    })
}

fn listed(count: usize, name: impl Fn(usize) -> String) -> String {
    let names: Vec<String> = (0..count).map(|n| format!("{:?}", name(n))).collect();
    format!("[{}]", names.join(","))
}

fn tool(n: usize) -> String {
    format!("t.n{n}")
}

#[test]
fn sections() {
    let each = |start: &'static str, end: &'static str| {
        move |count| {
            (0..count).fold(CLIENT.to_owned(), |mut text, n| {
                writeln!(
                    text,
                    "[{}]\n{}",
                    start.replace('N', &n.to_string()),
                    end.replace('N', &n.to_string())
                )
                .unwrap();
                text
            })
        }
    };
    let clients = each("clients.cN", "summary=\"s\"\nactors=\"agent:*\"");
    // One client stands in every policy here.
    holds(
        CLIENTS_PER_POLICY_MAX - 1,
        "more than 1000 clients",
        clients,
    );
    holds(
        ROLES_PER_POLICY_MAX,
        "more than 1000 roles",
        each("roles.rN", "summary=\"s\""),
    );
    holds(
        ROUTES_PER_POLICY_MAX,
        "more than 1000 routes",
        each("routes.\"/rN\"", ROUTE),
    );
    let issuer = "issuer=\"https://iN\"\naudience=\"a\"\nalgorithms=[\"EdDSA\"]\nfor=[\"clients\"]";
    holds(
        ISSUERS_PER_POLICY_MAX,
        "more than 32 issuers",
        each("issuers.iN", issuer),
    );
}

#[test]
fn operators_and_groups() {
    let key = |n: usize| {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&n.to_le_bytes());
        let key = SigningKey::from_seed(Purpose::Operator, "dev".parse().unwrap(), seed);
        key.verifying_key().to_string()
    };
    let operators = |count: usize| {
        (0..count).fold(String::new(), |mut text, n| {
            let key = key(n);
            writeln!(
                text,
                "[operators.\"op:o{n}\"]\nperson=\"p\"\nkeys=[\"{key}\"]\nroles=[\"auditor\"]"
            )
            .unwrap();
            text
        })
    };
    holds(
        OPERATORS_PER_POLICY_MAX,
        "more than 256 operators",
        operators,
    );
    holds(
        KEYS_PER_OPERATOR_MAX,
        "more than 8 keys of one operator",
        |count| {
            format!(
                "[operators.\"op:o\"]\nperson=\"p\"\nkeys={}\nroles=[\"auditor\"]\n",
                listed(count, key)
            )
        },
    );
    holds(
        MEMBERS_PER_GROUP_MAX,
        "more than 64 members of one group",
        |count| {
            let members = listed(count, |n| format!("op:o{n}"));
            operators(count) + &format!("[groups.g]\nsummary=\"s\"\nmembers={members}\n")
        },
    );
    holds(GROUPS_PER_POLICY_MAX, "more than 256 groups", |count| {
        (0..count).fold(operators(1), |mut text, n| {
            writeln!(text, "[groups.g{n}]\nsummary=\"s\"\nmembers=[\"op:o0\"]").unwrap();
            text
        })
    });
}

#[test]
fn lists() {
    holds(
        CLIENTS_PER_ROUTE_MAX,
        "more than 64 clients of one route",
        |count| {
            let clients = listed(count, |n| format!("c{n}"));
            (0..count).fold(
                format!("[routes.\"/r\"]\n{}", ROUTE.replace("[\"c\"]", &clients)),
                |mut text, n| {
                    writeln!(text, "[clients.c{n}]\nsummary=\"s\"\nactors=\"agent:*\"").unwrap();
                    text
                },
            )
        },
    );
    let issuer = "[issuers.i]\nissuer=\"https://i\"\naudience=\"a\"\nalgorithms=[\"EdDSA\"]\nfor=[\"clients\",\"subjects\"]\n";
    let members = |count: usize, value: &str| {
        let members: Vec<String> = (0..count).map(|n| format!("k{n}=\"{value}\"")).collect();
        members.join(",")
    };
    holds(
        CLAIMS_PER_CLIENT_MAX,
        "more than 16 claims of one client",
        |count| {
            let claims = members(count, "v");
            format!("{CLIENT}issuer=\"i\"\nsubject=\"s\"\nclaims={{{claims}}}\n{issuer}")
        },
    );
    holds(
        ROLES_PER_ISSUER_MAX,
        "more than 256 claim values of one issuer",
        |count| {
            let roles = members(count, "r");
            format!("[roles.r]\nsummary=\"s\"\n{issuer}roles_claim=\"g\"\nroles={{{roles}}}\n")
        },
    );
    holds(CAVEATS_MAX, "more than 16 caveats of one grant", |count| {
        let caveats = listed(count, |n| format!("/a{n}==1"));
        tools(1) + &format!("[routes.\"/r\"]\n{ROUTE}allow=[\"t.n0\"]\ncaveats={caveats}\n")
    });
}

#[test]
fn includes() {
    holds(
        INCLUDE_DEPTH_MAX,
        "includes roles over more than 8 steps",
        |steps| {
            (0..steps).fold(
                format!("[roles.r{steps}]\nsummary=\"s\"\n"),
                |mut text, n| {
                    writeln!(
                        text,
                        "[roles.r{n}]\nsummary=\"s\"\nincludes=[\"r{}\"]",
                        n + 1
                    )
                    .unwrap();
                    text
                },
            )
        },
    );
    // A longer way to a role that is nearer too is no deeper.
    let nine_steps = |first: &str| {
        let steps = INCLUDE_DEPTH_MAX + 1;
        (1..steps).fold(
            format!(
                "[roles.r{steps}]\nsummary=\"s\"\n[roles.r0]\nsummary=\"s\"\nincludes={first}\n"
            ),
            |mut text, n| {
                writeln!(
                    text,
                    "[roles.r{n}]\nsummary=\"s\"\nincludes=[\"r{}\"]",
                    n + 1
                )
                .unwrap();
                text
            },
        )
    };
    assert!(parse(&nine_steps("[\"r1\"]")).is_err());
    assert!(parse(&nine_steps("[\"r1\", \"r8\"]")).is_ok());
}

#[test]
fn what_a_route_comes_to_with_all_its_roles() {
    // One role gives some, another the rest: neither is too much alone.
    let two_roles = |count: usize, more: &str| {
        let (left, right) = (count / 2, count - count / 2);
        let first = listed(left, tool);
        let second = listed(right, |n| tool(n + left));
        tools(count)
            + &format!(
                "[roles.a]\nsummary=\"s\"\nallow={first}\n[roles.b]\nsummary=\"s\"\nallow={second}\n\
                 [routes.\"/r\"]\n{ROUTE}roles=[\"a\"]\nsubject_roles=[\"b\"]\n{more}"
            )
    };
    holds(TOOLS_PER_ROUTE_MAX, "more than 64 tools", |count| {
        two_roles(count, "")
    });
    // What is denied is not counted.
    assert!(parse(&two_roles(TOOLS_PER_ROUTE_MAX + 1, "deny=[\"t.n0\"]\n")).is_ok());

    let one_role = |count: usize| {
        tools(count) + &format!("[roles.a]\nsummary=\"s\"\nallow={}\n", listed(count, tool))
    };
    holds(TOOLS_PER_ROUTE_MAX, "more than 64 tools", one_role);

    holds(ROLES_PER_ROUTE_MAX, "more than 16 roles", |count| {
        // All but one are included.
        let includes = listed(count - 1, |n| format!("r{n}"));
        (0..count - 1).fold(
            format!("{CLIENT}[roles.all]\nsummary=\"s\"\nincludes={includes}\n[routes.\"/r\"]\n{ROUTE}subject_roles=[\"all\"]\n"),
            |mut text, n| {
                writeln!(text, "[roles.r{n}]\nsummary=\"s\"").unwrap();
                text
            },
        )
    });
}

/// A route that admits so many roles, each with its tools and caveats.
fn admitting(count: usize, role: impl Fn(usize) -> String, tool_count: usize) -> String {
    (0..count).fold(
        tools(tool_count)
            + &format!(
                "[routes.\"/r\"]\n{ROUTE}subject_roles={}\n",
                listed(count, |n| format!("r{n}"))
            ),
        |mut text, n| {
            writeln!(text, "[roles.r{n}]\nsummary=\"s\"\n{}", role(n)).unwrap();
            text
        },
    )
}

#[test]
fn the_caveats_of_a_token() {
    let bound = |n: usize| format!("allow=[\"t.n0\"]\ncaveats=[\"/a=={n}\"]");
    holds(
        BOUND_ROLES_PER_ROUTE_MAX,
        "more than 8 roles with caveats",
        |count| admitting(count, bound, 1),
    );

    // Two roles, each on tools of its own: together 16 caveats, and 17.
    holds(CAVEATS_MAX, "more than 16 caveats", |count| {
        let of = |n: usize| {
            let caveats = if n == 0 { count / 2 } else { count - count / 2 };
            format!(
                "allow=[\"t.n{n}\"]\ncaveats={}",
                listed(caveats, |c| format!("/a{n}_{c}==1"))
            )
        };
        admitting(2, of, 2)
    });

    // More alternatives than a caveat has: nine, of which only two roles have more than one.
    let many = |n: usize| {
        let alternatives: Vec<String> = (0..5).map(|c| format!("/a==1{n}{c}")).collect();
        format!(
            "allow=[\"t.n0\"]\ncaveats=[\"either {}\"]",
            alternatives.join(" or ")
        )
    };
    assert!(parse(&admitting(1, many, 1)).is_ok());
    let told = parse(&admitting(2, many, 1)).unwrap_err();
    assert!(
        told.contains("`t.n0` is given by several grants whose caveats cannot be said"),
        "{told}"
    );
    // A role without caveats frees the tool, but a subject may lack it.
    let freeing = admitting(2, many, 1).replace(
        "subject_roles=[\"r0\",\"r1\"]",
        "subject_roles=[\"r0\",\"r1\",\"free\"]",
    ) + "[roles.free]\nsummary=\"s\"\nallow=[\"t.n0\"]\n";
    assert!(parse(&freeing).is_err());
    let freed = freeing
        .replace("\"free\"]", "]\nroles=[\"free\"]")
        .replace(",]", "]");
    assert!(parse(&freed).is_ok(), "{:?}", parse(&freed));
}

#[test]
fn the_words_and_the_size_of_a_token() {
    let texts = |count: usize, length: usize| {
        let texts: Vec<String> = (0..count).map(|n| format!("{n:x>length$}")).collect();
        let words = format!("/note one of {}", texts.join(", "));
        tools(1) + &format!("[routes.\"/r\"]\n{ROUTE}allow=[\"t.n0\"]\ncaveats=[\"{words}\"]\n")
    };
    assert!(parse(&texts(16, 200)).is_ok());
    // As many words as a record holds, beside the longest names of as many tools as a token has.
    let named = |n: usize| format!("t.{n:n>62}");
    let long_tools = (0..TOOLS_PER_ROUTE_MAX).fold(String::new(), |mut text, n| {
        let name = named(n);
        writeln!(
            text,
            "[tools.\"{name}\"]\naudience=\"a\"\nimpact=\"read\"\nsummary=\"s\""
        )
        .unwrap();
        text
    });
    let all = listed(TOOLS_PER_ROUTE_MAX, named);
    let much = texts(23, 200).replace("allow=[\"t.n0\"]", &format!("allow={all}"));
    let much = much.replace("\"/note", &format!("\"for {}: /note", named(0)));
    let told = parse(&(long_tools + &much)).unwrap_err();
    assert!(
        told.contains("could not be minted: the token would have"),
        "{told}"
    );
    let many = |n: usize| {
        format!(
            "/a{n} one of {}",
            (0..64)
                .map(|c| format!("\\\"{c:é>60}\\\""))
                .collect::<Vec<_>>()
                .join(", ")
        )
    };
    let caveats: Vec<String> = (0..8).map(|n| format!("\"{}\"", many(n))).collect();
    let told = parse(
        &(tools(1)
            + &format!(
                "[routes.\"/r\"]\n{ROUTE}allow=[\"t.n0\"]\ncaveats=[{}]\n",
                caveats.join(",")
            )),
    )
    .unwrap_err();
    assert!(told.contains("more than 5120 bytes of words"), "{told}");
}

#[test]
fn no_more_faults_are_told_of_a_file_than_anybody_reads() {
    let text = (0..FAULTS_PER_FILE_MAX * 2).fold(String::new(), |mut text, n| {
        writeln!(text, "[roles.r{n}]\nsummary=\"\"").unwrap();
        text
    });
    assert_eq!(
        parse(&text).unwrap_err().lines().count(),
        FAULTS_PER_FILE_MAX
    );
}
