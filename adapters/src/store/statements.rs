//! SQL by name, and the list of all of it, so that a test can prepare every statement on its own engine.

/// Defines named statements and the list of all of them.
macro_rules! statements {
    ($(#[$meta:meta])* $all:ident { $($name:ident = $sql:literal;)+ }) => {
        $(pub(super) const $name: &str = $sql;)+
        $(#[$meta])*
        pub const $all: &[(&str, &str)] = &[$((stringify!($name), $name)),+];
    };
}

pub(crate) use statements;
