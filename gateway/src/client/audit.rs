//! Audits a declaration: streams its lines, checks every page against its receipt, gives findings in order.

use super::connection::{CallError, Connection};
use super::receipts::{self, ReceiptFault};
use prost::Message;
use sluis_core::log::leaf::Key;
use sluis_core::log::page::verify_item;
use sluis_core::log::receipt::verify_text;
use sluis_proto::v1;
use sluis_proto::v1::audit_invoice_request::Message as Sent;
use sluis_proto::v1::audit_invoice_response::Message as Reply;
use tokio_stream::wrappers::ReceiverStream;

/// Lines on their way to the gateway at once.
const LINES_UNDERWAY_MAX: usize = 1000;

/// Why an audit did not end well.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The gateway did not answer, or with an error.
    #[error(transparent)]
    Call(#[from] CallError),
    /// A page or closing does not verify against its receipt.
    #[error("page {page} does not verify: {text}")]
    Page {
        /// Which page.
        page: u32,
        /// What is wrong.
        text: String,
    },
    /// The gateway ended the audit before its closing.
    #[error("the audit ended before all lines were judged")]
    Unfinished,
}

/// A finding on one line, verified.
#[derive(Debug, Clone)]
pub struct LineResult {
    /// Reference of the line.
    pub reference: String,
    /// The finding.
    pub finding: v1::Finding,
    /// In what the billing record differs.
    pub differing: Vec<i32>,
    /// What was released with it.
    pub extract: Option<v1::Extract>,
    /// Index of the page's entry.
    pub index: u64,
}

/// A finished audit.
#[derive(Debug)]
pub struct Finished {
    /// Findings in the order of the lines.
    pub lines: Vec<LineResult>,
    /// Every receipt: opening, pages, closing.
    pub receipts: Vec<v1::Receipt>,
    /// Id of the audit.
    pub audit_id: String,
}

impl Connection {
    /// Audits lines under an opening. `seen` is called with the number of findings so far.
    ///
    /// # Errors
    /// [`AuditError`]; findings that came before are lost to the caller but stand in the log.
    pub async fn audit(
        &self,
        opening: v1::AuditOpening,
        lines: Vec<v1::ClaimLine>,
        verifier_key: &str,
        mut seen: impl FnMut(usize),
    ) -> Result<Finished, AuditError> {
        let (out, stream) = tokio::sync::mpsc::channel(LINES_UNDERWAY_MAX);
        tokio::spawn(async move {
            let messages = std::iter::once(Sent::Opening(opening)).chain(lines.into_iter().map(Sent::Line));
            for message in messages {
                if out.send(v1::AuditInvoiceRequest { message: Some(message) }).await.is_err() {
                    return; // the gateway ended the stream; its status says why
                }
            }
        });
        let request = self.request(ReceiverStream::new(stream), self.transaction()).await?;
        let mut replies = self.audits().audit_invoice(request).await.map_err(CallError::from)?.into_inner();
        let mut finished = Finished { lines: Vec::new(), receipts: Vec::new(), audit_id: String::new() };
        while let Some(reply) = replies.message().await.map_err(CallError::from)? {
            match reply.message {
                Some(Reply::Opened(opened)) => {
                    finished.audit_id = opened.audit_id;
                    keep(&mut finished, opened.receipt, verifier_key)?;
                }
                Some(Reply::Page(page)) => {
                    finished.lines.extend(checked(&page, verifier_key)?);
                    keep(&mut finished, page.receipt, verifier_key)?;
                    seen(finished.lines.len());
                }
                Some(Reply::Closed(closed)) => {
                    keep(&mut finished, closed.receipt, verifier_key)?;
                    return Ok(finished);
                }
                None => return Err(CallError::Reply("an empty message").into()),
            }
        }
        Err(AuditError::Unfinished)
    }
}

fn keep(finished: &mut Finished, receipt: Option<v1::Receipt>, verifier_key: &str) -> Result<(), AuditError> {
    let receipt = receipt.ok_or(CallError::Reply("no receipt"))?;
    let page = u32::try_from(finished.receipts.len()).unwrap_or(u32::MAX);
    receipts::verify_bare(&receipt, verifier_key)
        .map_err(|e: ReceiptFault| AuditError::Page { page, text: e.to_string() })?;
    finished.receipts.push(receipt);
    Ok(())
}

/// Checks each item of a page against the sub-root in the page's entry, and each body against its item.
fn checked(page: &v1::FindingPage, verifier_key: &str) -> Result<Vec<LineResult>, AuditError> {
    let wrong = |text: String| AuditError::Page { page: page.number, text };
    let receipt = page.receipt.as_ref().ok_or_else(|| wrong("no receipt".to_owned()))?;
    let verified = verify_text(&receipt.proof, verifier_key).map_err(|e| wrong(e.to_string()))?;
    let root = verified.leaf.text(Key::Sr).ok_or_else(|| wrong("its entry has no items".to_owned()))?;
    let count = page.findings.len() as u64;
    let mut lines = Vec::with_capacity(page.findings.len());
    for finding in &page.findings {
        let proof: Option<Vec<[u8; 32]>> = finding.item_proof.iter().map(|h| h.as_ref().try_into().ok()).collect();
        let proof = proof.ok_or_else(|| wrong("a proof with a hash of another length".to_owned()))?;
        if !verify_item(&finding.item_text, u64::from(finding.item), count, &proof, root) {
            return Err(wrong(format!("line {} is not under the page's root", finding.reference)));
        }
        if !commits(finding) {
            return Err(wrong(format!("the body of line {} is not the one in the log", finding.reference)));
        }
        let extract = (!finding.body.is_empty()).then(|| v1::Extract::decode(finding.body.clone())).transpose();
        lines.push(LineResult {
            reference: finding.reference.clone(),
            finding: finding.finding(),
            differing: finding.differing.clone(),
            extract: extract.map_err(|_| wrong("a body that is no extract".to_owned()))?,
            index: receipt.index,
        });
    }
    Ok(lines)
}

fn commits(finding: &v1::LineFinding) -> bool {
    let Some(item) = sluis_core::log::page::Item::decode(&finding.item_text) else { return false };
    let Ok(salt) = <[u8; 32]>::try_from(finding.salt.as_ref()) else { return false };
    match item.body {
        None => finding.body.is_empty(),
        Some(bc) => sluis_core::log::commitment::body(&salt, &finding.body) == bc,
    }
}
