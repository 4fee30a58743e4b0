//! How the text of a field is made of columns: one of them, several together, or a fixed text.

use super::date::DateForm;
use super::form::{Cell, Form, Money, Told};
use super::name::{Alias, Reference};
use super::written::TextOr;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Between the lines of a field that is made of several persons.
pub(super) const LINE_GLUE: &str = "; ";

/// One column and how its value is read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "TextOr<Written>")]
pub(super) struct Part {
    /// Which.
    pub(super) column: Reference,
    /// How.
    pub(super) form: Form,
}

impl Part {
    /// Takes one cell and reads it.
    pub(super) fn read<'a>(&self, cells: &mut impl Iterator<Item = Cell<'a>>) -> Told {
        cells.next().map_or(Told::Unreadable, |cell| self.form.read(cell))
    }

    /// Its column, when a row of a joined table that is missing or not the only one would be an answer: `""` is a code.
    pub(super) fn answers_without_row(&self) -> Option<&Reference> {
        let answers = matches!(&self.form, Form::Codes(codes) if codes.contains_key(""));
        (answers && matches!(self.column.at, Alias::Joined(_))).then_some(&self.column)
    }

    /// Reads as `form` where the map does not say how.
    pub(super) fn or_form(&mut self, form: Form) {
        if self.form == Form::Text {
            self.form = form;
        }
    }
}

/// How the text of a field is made.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "TextOr<Written>")]
pub(super) enum Value {
    /// The same for everybody.
    Fixed(String),
    /// The columns that have a value, joined by a space.
    Join(Vec<Part>),
    /// First and last day, as `first/last`; no value unless both are there.
    Span([Part; 2]),
    /// One line per list of columns, joined by `; `.
    Lines(Vec<Vec<Part>>),
}

impl Value {
    /// The columns it reads, in the order in which [`Self::read`] takes their cells.
    pub(super) fn parts(&self) -> Vec<&Part> {
        match self {
            Self::Fixed(_) => Vec::new(),
            Self::Join(parts) => parts.iter().collect(),
            Self::Span(parts) => parts.iter().collect(),
            Self::Lines(lines) => lines.iter().flatten().collect(),
        }
    }

    /// Its column, when it is the value of one column as a whole.
    pub(super) fn alone(&self) -> Option<&Part> {
        match self {
            Self::Join(parts) => parts.first().filter(|_| parts.len() == 1),
            Self::Fixed(_) | Self::Span(_) | Self::Lines(_) => None,
        }
    }

    /// The whole values that the map itself writes: a fixed one, or what codes are translated to.
    pub(super) fn written(&self) -> Vec<&str> {
        match (self, self.alone().map(|part| &part.form)) {
            (Self::Fixed(text), _) => vec![text],
            (_, Some(Form::Codes(codes))) => codes.values().map(String::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// The first of its columns by which a row that is not there would be an answer.
    pub(super) fn answers_without_row(&self) -> Option<&Reference> {
        self.parts().into_iter().find_map(Part::answers_without_row)
    }

    /// The same as [`Self::parts`], to be resolved.
    pub(super) fn parts_mut(&mut self) -> Vec<&mut Part> {
        match self {
            Self::Fixed(_) => Vec::new(),
            Self::Join(parts) => parts.iter_mut().collect(),
            Self::Span(parts) => parts.iter_mut().collect(),
            Self::Lines(lines) => lines.iter_mut().flatten().collect(),
        }
    }

    /// Reads the text from the cells of its columns. One part that does not read makes the whole unreadable.
    pub(super) fn read<'a>(&self, cells: &mut impl Iterator<Item = Cell<'a>>) -> Told {
        match self {
            Self::Fixed(text) => Told::Value(text.clone()),
            Self::Join(parts) => joined(parts, cells),
            Self::Span([first, last]) => match (first.read(cells), last.read(cells)) {
                (Told::Value(first), Told::Value(last)) => Told::Value(format!("{first}/{last}")),
                (Told::Unreadable, _) | (_, Told::Unreadable) => Told::Unreadable,
                _ => Told::Absent,
            },
            Self::Lines(lines) => {
                let told: Vec<Told> = lines.iter().map(|parts| joined(parts, cells)).collect();
                together(told, LINE_GLUE)
            }
        }
    }
}

fn joined<'a>(parts: &[Part], cells: &mut impl Iterator<Item = Cell<'a>>) -> Told {
    together(parts.iter().map(|part| part.read(cells)).collect(), " ")
}

/// Those that have a value, with glue between them.
pub(super) fn together(told: Vec<Told>, glue: &str) -> Told {
    if told.contains(&Told::Unreadable) {
        return Told::Unreadable;
    }
    let values: Vec<String> = told.into_iter().filter_map(Told::value).collect();
    if values.is_empty() { Told::Absent } else { Told::Value(values.join(glue)) }
}

/// The keys with which a value is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    column: Option<Reference>,
    codes: Option<BTreeMap<String, String>>,
    date: Option<DateForm>,
    money: Option<Money>,
    #[serde(default)]
    whole: bool,
    fixed: Option<String>,
    join: Option<Vec<Part>>,
    span: Option<[Part; 2]>,
    lines: Option<Vec<Vec<Part>>>,
}

impl Written {
    fn form(&mut self) -> Result<Form, String> {
        let forms = [
            self.codes.take().map(Form::Codes),
            self.date.map(Form::Date),
            self.money.map(Form::Money),
            self.whole.then_some(Form::Whole),
        ];
        let mut forms = forms.into_iter().flatten();
        match (forms.next(), forms.next()) {
            (form, None) => Ok(form.unwrap_or(Form::Text)),
            _ => Err("a column is read in one way: keep one of `codes`, `date`, `money` and `whole`".to_owned()),
        }
    }
}

impl TryFrom<TextOr<Written>> for Part {
    type Error = String;

    fn try_from(written: TextOr<Written>) -> Result<Self, String> {
        match Value::try_from(written)? {
            Value::Join(mut parts) if parts.len() == 1 => parts.pop().ok_or_else(String::new),
            _ => Err("one column is needed here: a name, or { column = \"…\" } with how it is read".to_owned()),
        }
    }
}

impl TryFrom<TextOr<Written>> for Value {
    type Error = String;

    fn try_from(written: TextOr<Written>) -> Result<Self, String> {
        let mut written = match written {
            TextOr::Text(name) => {
                return Ok(Self::Join(vec![Part { column: Reference::try_from(name)?, form: Form::Text }]));
            }
            TextOr::Table(written) => written,
        };
        let form = written.form()?;
        let is_read = form != Form::Text;
        let values = [
            written.column.map(|column| Self::Join(vec![Part { column, form }])),
            written.fixed.map(Self::Fixed),
            written.join.map(Self::Join),
            written.span.map(Self::Span),
            written.lines.map(Self::Lines),
        ];
        let with_column = values.first().is_some_and(Option::is_some);
        let mut values = values.into_iter().flatten();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err("write one of `column`, `fixed`, `join`, `span` and `lines`".to_owned());
        };
        if is_read && !with_column {
            return Err(
                "`codes`, `date`, `money` and `whole` say how a `column` is read: write them with it".to_owned()
            );
        }
        match &value {
            Self::Fixed(text) if text.trim().is_empty() => Err("`fixed` needs a text".to_owned()),
            Self::Join(parts) if parts.is_empty() => Err("`join` needs a column".to_owned()),
            Self::Lines(lines) if lines.is_empty() || lines.iter().any(Vec::is_empty) => {
                Err("`lines` needs lists of columns".to_owned())
            }
            _ => Ok(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct One {
        v: Value,
    }

    fn value(text: &str) -> Value {
        toml::from_str::<One>(&format!("v = {text}")).unwrap().v
    }

    fn read(text: &str, cells: &[Cell<'_>]) -> Told {
        value(text).read(&mut cells.iter().copied())
    }

    #[test]
    fn one_part_that_does_not_read_withholds_the_whole() {
        let joined = r#"{ join = ["a", { column = "b", codes = { J = "yes" } }, "c"] }"#;
        let cells = |code| [Cell::Text("x"), Cell::Text(code), Cell::Null];
        assert_eq!(read(joined, &cells("J")), Told::Value("x yes".to_owned()));
        assert_eq!(read(joined, &cells("?")), Told::Unreadable);
        let span = r#"{ span = [{ column = "a", date = "DD-MM-YYYY" }, "b"] }"#;
        assert_eq!(read(span, &[Cell::Text("01-02-2026"), Cell::Text("z")]), Told::Value("2026-02-01/z".to_owned()));
        assert_eq!(read(span, &[Cell::Text("01-02-2026"), Cell::Null]), Told::Absent);
        assert_eq!(read(span, &[Cell::Text("1-2-2026"), Cell::Null]), Told::Unreadable);
        let lines = r#"{ lines = [["a", "b"], ["c"]] }"#;
        assert_eq!(read(lines, &[Cell::Text("x"), Cell::Text("y"), Cell::Text("z")]), Told::Value("x y; z".to_owned()));
        assert_eq!(read(lines, &[Cell::Null, Cell::Null, Cell::Text("z")]), Told::Value("z".to_owned()));
        assert_eq!(read(r#"{ fixed = "41410001" }"#, &[]), Told::Value("41410001".to_owned()));
    }

    #[test]
    fn there_is_one_way_to_write_a_thing() {
        let fault = |text: &str| toml::from_str::<One>(&format!("v = {text}")).unwrap_err().to_string();
        for (text, said) in [
            (r#"{ sql = "a" }"#, "unknown field `sql`"),
            (r#"{ column = "a", fixed = "b" }"#, "write one of"),
            ("{}", "write one of"),
            (r#"{ column = "a", date = "YYYY-MM-DD", whole = true }"#, "read in one way"),
            (r#"{ join = ["a"], money = "euros" }"#, "say how a `column` is read"),
            (r#"{ column = "a", date = "MM-DD-YYYY" }"#, "MM-DD-YYYY"),
            (r#"{ join = [] }"#, "needs a column"),
            (r#"{ join = [{ fixed = "x" }] }"#, "one column is needed"),
            (r#"{ span = ["a"] }"#, "invalid length 1"),
            (r#"{ fixed = " " }"#, "needs a text"),
            (r#""a; drop table b""#, "is not a table or column name"),
        ] {
            assert!(fault(text).contains(said), "{text}: {}", fault(text));
        }
    }
}
