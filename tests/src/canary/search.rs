//! Searches a reply for values: what may be there must be there, and nothing else.

use super::cases::{Asked, Case};
use crate::world::people::Client;
use crate::world::raw::Raw;
use prost::Message;
use sluis_proto::v1;
use std::collections::BTreeSet;

/// Bytes as text that can be searched quickly; what is no text becomes something that is in no value.
pub fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// Every value of these clients that is anywhere in a reply, as `client n: table.column`.
pub fn seen(raw: &Raw, everyone: &[&Client]) -> BTreeSet<String> {
    let whole = format!("{}{}", raw.metadata, text(&raw.body));
    let values = everyone.iter().flat_map(|c| c.values().into_iter().map(|(place, value)| (c.n, place, value)));
    values.filter(|(.., value)| whole.contains(value)).map(|(n, place, _)| named(n, &place)).collect()
}

fn named(n: u32, place: &str) -> String {
    format!("client {n}: {place}")
}

/// The columns that a field is made of.
fn columns(field: &str) -> Vec<String> {
    let text = match field {
        "name" => "client.first_name client.prefix client.last_name",
        "address" => "client.street client.house_number",
        "parents_contact" => "parent.first_name parent.prefix parent.last_name parent.phone parent.email",
        "parents_authority" => "parent.first_name parent.prefix parent.last_name client_parent.authority",
        "period" => "billing.period_begin billing.period_end",
        // Two digits, which cannot be told from chance, and the one insurer of everybody: the fields of the extract are
        // compared instead.
        "product_category" | "unit" | "insurer_id" => "",
        "provider_agb" | "allocation_number" | "product_code" | "volume" | "tariff" | "amount" | "start_date"
        | "end_date" | "referring_doctor" | "decision_number" | "measure_type" => {
            return vec![format!("billing.{field}")];
        }
        _ => return vec![format!("client.{field}")],
    };
    text.split_whitespace().map(str::to_owned).collect()
}

/// What is wrong with a reply to a case under a mask.
pub fn findings(case: &Case, mask: Option<v1::Field>, raw: &Raw, everyone: &[&Client]) -> Vec<String> {
    let code = |f: v1::Field| f.as_str_name().trim_start_matches("FIELD_").to_lowercase();
    let mask = mask.map(code);
    let due: Vec<&str> = case.fields.split_whitespace().filter(|f| mask.as_deref().is_none_or(|m| m == *f)).collect();
    let what = format!("{} [{}]", case.name, mask.as_deref().unwrap_or("all"));
    let places: BTreeSet<_> = due.iter().flat_map(|f| columns(f)).map(|p| named(case.client.n, &p)).collect();
    let found = seen(raw, everyone);
    let mut wrong: Vec<_> = found.difference(&places).map(|p| format!("{what}: leaked {p}")).collect();
    wrong.extend(places.difference(&found).map(|p| format!("{what}: missing {p}")));
    let fields: BTreeSet<_> = extract(case, raw).iter().flat_map(|e| &e.values).map(|v| code(v.field())).collect();
    if fields != due.iter().map(ToString::to_string).collect() {
        wrong.push(format!("{what}: the extract has {fields:?}"));
    }
    wrong
}

/// The extracts in a reply.
fn extract(case: &Case, raw: &Raw) -> Vec<v1::Extract> {
    let bodies: Vec<_> = if matches!(case.asked, Asked::Release(_)) {
        let replies = raw.messages::<v1::ReleaseResponse>();
        replies.into_iter().filter_map(|r| r.outcome).filter_map(released).collect()
    } else {
        let replies = raw.messages::<v1::AuditInvoiceResponse>();
        assert_eq!(replies.len(), 3, "{}: opened, page, closed: {}", case.name, raw.metadata);
        replies.into_iter().filter_map(|r| r.message).flat_map(bodies).collect()
    };
    bodies.into_iter().filter(|b| !b.is_empty()).map(|b| v1::Extract::decode(b).unwrap()).collect()
}

fn released(outcome: v1::release_response::Outcome) -> Option<bytes::Bytes> {
    match outcome {
        v1::release_response::Outcome::Released(r) => Some(r.body),
        _ => None,
    }
}

fn bodies(message: v1::audit_invoice_response::Message) -> Vec<bytes::Bytes> {
    match message {
        v1::audit_invoice_response::Message::Page(page) => page.findings.into_iter().map(|f| f.body).collect(),
        _ => Vec::new(),
    }
}
