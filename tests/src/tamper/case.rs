//! One way to change a database, and who notices.

use super::stage::{Dialect, Of};

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// Columns get another value; their names with spaces between.
    Flip(&'static str),
    /// A row, or some, are taken away.
    Delete,
    /// A row that nobody wrote.
    Insert,
    /// Two rows change places.
    Swap,
    /// A row that was written, once more.
    Duplicate,
    /// Every row is taken away.
    Truncate,
    /// The table as it was earlier.
    PutBack,
}

/// A case of the table.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    pub of: Of,
    pub table: &'static str,
    pub op: Op,
    /// What is done, for people.
    pub what: &'static str,
    sql: &'static str,
    postgres: &'static str,
    /// The engine that has such a table or column; both when absent.
    pub only: Option<Dialect>,
    /// Whether the log is halted before.
    pub halted: bool,
    /// Whether two keys that nothing was sealed with were erased before.
    pub erased: bool,
    /// Who notices, in alphabetical order; empty: nobody.
    pub by: &'static str,
    /// Why nobody does, and what that costs; empty where somebody does.
    pub because: &'static str,
}

/// A case on a table of the log.
pub const fn log(table: &'static str, op: Op, what: &'static str, sql: &'static str) -> Case {
    Case {
        of: Of::Log,
        table,
        op,
        what,
        sql,
        postgres: "",
        only: None,
        halted: false,
        erased: false,
        by: "",
        because: "",
    }
}

/// A case on a table of the key database.
pub const fn keys(table: &'static str, op: Op, what: &'static str, sql: &'static str) -> Case {
    Case { of: Of::Keys, ..log(table, op, what, sql) }
}

impl Case {
    /// Who notices.
    pub const fn by(self, by: &'static str) -> Self {
        Self { by, ..self }
    }

    /// Nobody notices, and why that is borne.
    pub const fn nobody(self, because: &'static str) -> Self {
        Self { because, ..self }
    }

    /// Another statement on PostgreSQL.
    pub const fn postgres(self, sql: &'static str) -> Self {
        Self { postgres: sql, ..self }
    }

    /// There is such a thing on one engine only.
    pub const fn only(self, dialect: Dialect) -> Self {
        Self { only: Some(dialect), ..self }
    }

    /// The log was halted before.
    pub const fn halted(self) -> Self {
        Self { halted: true, ..self }
    }

    /// Keys were erased before.
    pub const fn erased(self) -> Self {
        Self { erased: true, ..self }
    }

    /// Whether it is tried on this engine.
    pub fn is_for(&self, dialect: Dialect) -> bool {
        self.only.is_none_or(|only| only == dialect)
    }

    /// The statements on this engine.
    pub fn sql(&self, dialect: Dialect) -> String {
        let table = self.table;
        match (self.op, self.sql, self.postgres, dialect) {
            (Op::Truncate, "", ..) => format!("DELETE FROM {table}"),
            (Op::PutBack, "", ..) => format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM before_{table}"),
            (_, _, postgres, Dialect::Postgres) if !postgres.is_empty() => dialect.spell(postgres),
            (_, sql, ..) => dialect.spell(sql),
        }
    }

    /// The columns it changes by themselves.
    pub fn columns(&self) -> impl Iterator<Item = &'static str> {
        let columns = if let Op::Flip(columns) = self.op { columns } else { "" };
        columns.split_whitespace()
    }
}
