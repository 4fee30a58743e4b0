//! The rules of the house, as data: floors, banned calls, limits, licences. Change a rule here, with its reason.

/// Which packages of the workspace a package may depend on.
pub const FLOORS: &[(&str, &[&str])] = &[
    ("sluis-proto", &[]),
    ("sluis-core", &[]),
    ("sluis-adapters", &["sluis-core"]),
    ("sluis", &["sluis-core", "sluis-proto", "sluis-adapters"]),
    ("sluis-tests", &["sluis-core", "sluis-proto", "sluis-adapters", "sluis"]),
];

/// Everything the core may depend on: its purity is this list. No runtime, no driver, no clock, no randomness.
pub const CORE_DEPENDENCIES: &[&str] = &[
    "async-trait",
    "aws-lc-rs",
    "data-encoding",
    "jiff",
    "serde",
    "serde_json",
    "thiserror",
    "toml",
    "uuid",
    "zeroize",
];

/// What a package never depends on, however useful.
pub const NEVER: &[(&str, &[&str])] = &[
    ("sluis-adapters", &["tonic", "prost", "axum", "hyper", "tower", "clap"]),
    ("sluis-proto", &["rusqlite", "axum", "jsonwebtoken"]),
];

/// Packages that are not built, on any path.
pub const BANNED_PACKAGES: &[(&str, &str)] = &[
    ("ring", "one library for cryptography: aws-lc-rs"),
    ("openssl", "one library for cryptography: aws-lc-rs"),
    ("openssl-sys", "one library for cryptography: aws-lc-rs"),
    ("native-tls", "one TLS: rustls"),
];

/// Cryptography and trees of others that ours are held against: in tests, and never in what is delivered.
pub const TESTS_ONLY: &[&str] = &["ct-merkle", "curve25519-dalek", "ed25519-dalek", "signed_note"];

/// Licences that may be linked. A dependency under `A OR B` needs one of them, under `A AND B` both.
pub const LICENCES: &[&str] = &[
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "ISC",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
    "CC0-1.0",
    "EUPL-1.2",
    "CDLA-Permissive-2.0", // data: the list of public authorities that comes with sqlx's TLS
];

/// Packages that are built in two versions, and why that must be borne for now.
pub const DUPLICATES: &[(&str, &str)] = &[
    ("base64", "pem 4 moved on, tonic and jsonwebtoken did not"),
    ("block-buffer", "follows digest"),
    ("cpufeatures", "follows sha2"),
    ("crypto-common", "follows digest"),
    ("digest", "follows sha2"),
    ("foldhash", "follows hashbrown"),
    ("hashbrown", "hashlink (of rusqlite), indexmap and petgraph (of prost-build) each pin one"),
    ("pem", "jsonwebtoken 11 lags behind rcgen"),
    ("sha2", "sqlx-core lags behind sqlx-postgres"),
    ("rand_core", "signed_note (tests only) lags behind rand"),
    ("thiserror", "signed_note (tests only) lags behind"),
    ("thiserror-impl", "follows thiserror"),
    ("syn", "the derive macros are moving from 2 to 3, one by one"),
    ("synstructure", "asn1-rs-derive (of x509-parser) lags behind yoke-derive (of url, of sqlx)"),
    ("untrusted", "aws-lc-rs lags behind rustls-webpki"),
    ("unicode-width", "miette (of protox, tests only) lags behind indicatif"),
];

/// Something that may not be written, where, and why.
pub struct Ban {
    /// The words, as they stand in code without comments and strings.
    pub words: &'static str,
    /// Path prefixes where the ban holds.
    pub within: &'static [&'static str],
    /// Path prefixes inside it where it does not.
    pub except: &'static [&'static str],
    /// Whether `#[cfg(test)]` modules are free.
    pub tests_may: bool,
    /// What to do instead.
    pub because: &'static str,
}

/// Rooms of the gateway that speak to the outside. Everything else under `gateway/src/` is conduct.
pub const SURFACES: &[&str] = &[
    "gateway/src/main.rs",
    "gateway/src/compose",
    "gateway/src/grpc",
    "gateway/src/transport",
    "gateway/src/token",
    "gateway/src/console",
    "gateway/src/client",
    "gateway/src/cli",
    "gateway/src/demo",
];

const ALL: &[&str] = &["gateway/", "adapters/", "proto/", "tests/"];
const CORE: &[&str] = &["gateway/core/src/"];
const SYSTEM: &[&str] = &["adapters/src/system.rs"];
const MEASURING: &[&str] = &[
    "adapters/src/system.rs",
    "gateway/src/slot.rs",
    "gateway/src/grpc/audit_service.rs",
    "gateway/src/operation/stopwatch.rs",
    "gateway/src/transport/",
    "gateway/src/demo/",
    "gateway/src/cli/",
    "tests/",
];

const fn ban(
    words: &'static str,
    within: &'static [&'static str],
    except: &'static [&'static str],
    because: &'static str,
) -> Ban {
    Ban { words, within, except, tests_may: true, because }
}

const fn always(mut ban: Ban) -> Ban {
    ban.tests_may = false;
    ban
}

/// Every ban.
pub const BANS: &[Ban] = &[
    always(ban("#[allow(", ALL, &["proto/src/gen/"], "use #[expect(…, reason = …)]")),
    always(ban("#![allow(", ALL, &["proto/src/gen/"], "use #![expect(…, reason = …)]")),
    always(ban("unsafe", ALL, &["proto/src/gen/"], "nothing here needs it")),
    ban("SystemTime::now", ALL, SYSTEM, "take the time from the Clock port"),
    ban("Timestamp::now", ALL, SYSTEM, "take the time from the Clock port"),
    ban("Zoned::now", ALL, SYSTEM, "take the time from the Clock port"),
    ban("Uuid::now_v7", ALL, SYSTEM, "make ids from the Clock and Entropy ports"),
    ban("Uuid::new_v4", ALL, SYSTEM, "make ids from the Entropy port"),
    ban("Instant::now", ALL, MEASURING, "a duration is measured only in the files of this list"),
    ban("rand::fill", ALL, &["adapters/src/system.rs", "gateway/src/demo/"], "take randomness from the Entropy port"),
    ban("std::fs", CORE, &[], "the core performs no IO"),
    ban("std::io", CORE, &[], "the core performs no IO"),
    ban("std::env", CORE, &[], "the core performs no IO"),
    ban("std::net", CORE, &[], "the core performs no IO"),
    ban("std::process", CORE, &[], "the core performs no IO"),
    ban("std::thread", CORE, &[], "the core is called, it does not run"),
    ban("std::time", CORE, &[], "time is an argument"),
    ban("rand::", CORE, &[], "randomness is an argument"),
    ban("tokio::", CORE, &[], "the core has no runtime"),
    ban(
        ".committed(",
        ALL,
        &["adapters/src/sqlite/", "adapters/src/postgres/", "gateway/core/src/log/"],
        "only a driver whose COMMIT returned success may say that a batch is durable",
    ),
    ban("Permit {", ALL, &["gateway/core/src/decide"], "only decide makes a permit"),
    ban("tonic::", &["gateway/src/"], SURFACES, "conduct does not see the wire"),
    ban("prost::", &["gateway/src/"], SURFACES, "conduct does not see the wire"),
    ban("sluis_proto::", &["gateway/src/"], SURFACES, "conduct does not see the wire"),
    ban("rusqlite::", &["gateway/src/"], &["gateway/src/demo", "gateway/src/compose"], "engines live in adapters"),
];

/// Which modules of a crate a room may name. The first row whose path fits decides.
pub struct Sight {
    /// Path prefix.
    pub within: &'static str,
    /// The crate, as it is written in code.
    pub of: &'static str,
    /// Its modules that may be named; `*` is any.
    pub may: &'static [&'static str],
}

const fn sight(within: &'static str, of: &'static str, may: &'static [&'static str]) -> Sight {
    Sight { within, of, may }
}

/// Every line of sight that is limited.
pub const SIGHTS: &[Sight] = &[
    sight("gateway/src/main.rs", "sluis_adapters", &["*"]),
    sight("gateway/src/compose", "sluis_adapters", &["*"]),
    sight("gateway/src/demo", "sluis_adapters", &["*"]),
    sight("gateway/src/client", "sluis_adapters", &["ijw", "cbs", "export"]),
    sight("gateway/src/cli", "sluis_adapters", &["ijw", "cbs", "export", "signer", "system"]),
    sight("gateway/src/", "sluis_adapters", &[]),
    sight(
        "gateway/src/client",
        "sluis_core",
        &["claim", "enrolment", "field", "log", "organisation", "ports", "standing", "subject"],
    ),
    sight("gateway/src/client", "crate", &["client", "token", "transport"]),
    sight("adapters/", "sluis_adapters", &["*"]),
];

/// Lines of code in one Rust file, without comments, blank lines and test modules.
pub const FILE_LINES_MAX: usize = 300;
/// Lines of one function, all told.
pub const FUNCTION_LINES_MAX: usize = 70;

/// What an auditor must read to believe our verifier: `tests/verify.py`, all lines.
pub const VERIFIER: (&str, usize) = ("tests/verify.py", 400);

/// Generated code: nobody writes it, nobody counts it.
pub const GENERATED: &[&str] = &["proto/src/gen/"];

/// What no file of the repository says: places of one machine, and hosts that a build asks anyway.
/// Written in halves, so that this file does not say them either.
pub const UNSAID: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("..", "/shared"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("static.", "crates.io"),
    concat!("index.", "crates.io"),
    concat!("py", "pi.org"),
    concat!("files.", "pythonhosted"),
    concat!("registry.", "npmjs"),
];
