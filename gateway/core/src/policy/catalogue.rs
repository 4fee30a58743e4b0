//! The field catalogue as a text, checked against the compiled one: they must be equal, or nothing loads.

use super::fault::Faults;
use super::read::{self, Item, Section};
use crate::field::{Field, FieldClass};

/// The format of the text.
const FORMAT: &str = "sluis-catalog/1";

/// Reads the catalogue and gives its version, when it equals the fields of this program exactly.
pub(super) fn read(source: &str, faults: &mut Faults<'_>) -> Option<u64> {
    let table = read::parse(source, faults)?;
    let mut root = Section::root(&table);
    let version = root.required("catalog", faults).and_then(|item| header(&item, faults));
    let mut seen = Vec::new();
    for item in root.list("field", faults) {
        if let Some(field) = entry(&item, faults) {
            if seen.contains(&field) {
                faults.add(&item.path, format!("`{}` stands here twice: keep one", field.code()));
            }
            seen.push(field);
        }
    }
    for field in Field::ALL.iter().filter(|f| !seen.contains(f)) {
        faults.add("field", format!("field `{}`, bit {}, is missing: add it", field.code(), *field as u8));
    }
    root.finish(faults);
    version.filter(|_| faults.is_empty())
}

fn header(item: &Item<'_>, faults: &mut Faults<'_>) -> Option<u64> {
    let mut section = item.section(faults)?;
    let format = section.text("format", faults);
    if format.is_some_and(|f| f != FORMAT) {
        faults.add(&section.path("format"), format!("this program reads `{FORMAT}` only"));
    }
    let version = section.number("version", faults);
    section.finish(faults);
    version
}

fn entry(item: &Item<'_>, faults: &mut Faults<'_>) -> Option<Field> {
    let mut section = item.section(faults)?;
    let code = section.text("code", faults);
    let bit = section.required("bit", faults).and_then(|item| item.count(faults));
    let class = section.text("class", faults);
    section.text("title_nl", faults);
    section.text("title_en", faults);
    let field = code.and_then(Field::from_code);
    match (code, field) {
        (Some(code), None) => {
            faults.add(&section.path("code"), format!("this program has no field `{code}`: remove the entry"));
        }
        (_, Some(field)) => {
            if bit.is_some_and(|b| b != u64::from(field as u8)) {
                let reason = format!("the bit of `{}` is frozen: write {}", field.code(), field as u8);
                faults.add(&section.path("bit"), reason);
            }
            if class.is_some_and(|c| c != class_code(field.class())) {
                let reason = format!("`{}` is of class `{}`: write that", field.code(), class_code(field.class()));
                faults.add(&section.path("class"), reason);
            }
        }
        (None, None) => {}
    }
    section.finish(faults);
    field
}

/// The name of a class in texts.
pub(super) const fn class_code(class: FieldClass) -> &'static str {
    match class {
        FieldClass::Identity => "identity",
        FieldClass::Bsn => "bsn",
        FieldClass::Location => "location",
        FieldClass::Contact => "contact",
        FieldClass::Administration => "administration",
        FieldClass::Content => "content",
        FieldClass::ThirdParty => "third-party",
        FieldClass::Sealed => "sealed",
    }
}
