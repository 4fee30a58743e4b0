//! Lines of an invoice: a finding does not tell why a line could not be confirmed.

use super::{hidden, shape, world};
use crate::world::raw::Raw;
use prost::Message;
use sluis::demo::organisations::THE_HAGUE;
use sluis_proto::v1;
use sluis_proto::v1::audit_invoice_request::Message as Sent;
use sluis_proto::v1::audit_invoice_response::Message as Reply;

/// The one page of an audit.
fn page(raw: &Raw) -> v1::FindingPage {
    let pages = raw.messages::<v1::AuditInvoiceResponse>().into_iter().filter_map(|reply| match reply.message {
        Some(Reply::Page(page)) => Some(page),
        _ => None,
    });
    let mut pages: Vec<_> = pages.collect();
    assert_eq!(pages.len(), 1, "{}", raw.metadata);
    pages.remove(0)
}

/// What may differ is made equal, after its length was noted.
fn normal(mut page: v1::FindingPage) -> (Vec<usize>, v1::FindingPage) {
    let finding = &mut page.findings[0];
    let lengths = vec![finding.salt.len(), finding.item_text.len(), finding.encoded_len()];
    finding.salt.clear();
    finding.item_text.clear();
    page.receipt = None;
    (lengths, page)
}

/// Restricted, elsewhere and unknown: each line agrees with what is billed, where anything is.
#[tokio::test]
async fn a_municipality_cannot_tell_why_a_line_is_not_confirmed() {
    let world = world().await;
    let desk = world.desk(&THE_HAGUE).await;
    let mut seen = Vec::new();
    for (name, client) in hidden().into_iter().filter(|(_, c)| [2, 3, 8].contains(&c.n)) {
        let provider_agb = client.provider_agb();
        let opening = v1::AuditOpening { declaration_number: "D1".into(), provider_agb, actor: "controller-7".into() };
        let line = v1::ClaimLine { reference: "R1".to_owned(), ..client.claim() };
        let sent = [Sent::Opening(opening), Sent::Line(line)].map(|m| v1::AuditInvoiceRequest { message: Some(m) });
        let page = page(&desk.raw("/sluis.v1.InvoiceAuditService/AuditInvoice", &sent).await);
        assert_eq!(page.findings[0].finding(), v1::Finding::NotConfirmed, "{name}");
        let mut leaf = shape(&world.leaf_text(page.receipt.as_ref().unwrap().index).await);
        // Commitments and the id of the audit, random and of one length.
        for key in ["sr", "bc", "bid"] {
            assert!(leaf.remove(key).is_some(), "{name}: {key}");
        }
        seen.push((name, normal(page), leaf));
    }
    for (name, page, leaf) in &seen {
        assert_eq!((page, leaf), (&seen[0].1, &seen[0].2), "{name}");
    }
}
