//! InvoiceAuditService: lines in, pages of findings out, each page at a slot.

use super::door::Place;
use super::release_service::caller_of;
use super::status::{self, Invalid};
use super::{convert, reply};
use crate::audit::{Audit, Line, PAGE_LINES_MAX, Page};
use crate::gateway::Gateway;
use crate::gather::Caller;
use crate::in_flight::Delivery;
use crate::operation::ending::Stage;
use sluis_core::claim::Finding;
use sluis_core::released::ReleasedItem;
use sluis_proto::v1;
use sluis_proto::v1::ErrorReason;
use sluis_proto::v1::audit_invoice_request::Message as Sent;
use sluis_proto::v1::audit_invoice_response::Message as Reply;
use sluis_proto::v1::invoice_audit_service_server::InvoiceAuditService;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};

/// Pages waiting for a slow reader; then judging waits too.
const PAGES_WAITING_MAX: usize = 2;

/// InvoiceAuditService over a gateway.
pub struct Audits {
    /// The gateway.
    pub gateway: Arc<Gateway>,
    /// A stream on which nothing arrives, or nothing is read, for this long is ended.
    pub idle: Duration,
}

type Sending = Result<v1::AuditInvoiceResponse, Status>;
type Replies = mpsc::Sender<Waiting>;

/// A message that waits for HTTP/2 to ask for it; given up before that, its page was not delivered.
struct Waiting {
    message: Sending,
    delivery: Option<Delivery>,
}

impl Waiting {
    const fn alone(message: Sending) -> Self {
        Self { message, delivery: None }
    }

    /// From here on it is the transport's.
    fn taken(self) -> Sending {
        if let Some(delivery) = self.delivery {
            delivery.handed_over();
        }
        self.message
    }
}

#[tonic::async_trait]
impl InvoiceAuditService for Audits {
    type AuditInvoiceStream = Pin<Box<dyn Stream<Item = Sending> + Send>>;

    async fn audit_invoice(
        &self,
        request: Request<Streaming<v1::AuditInvoiceRequest>>,
    ) -> Result<Response<Self::AuditInvoiceStream>, Status> {
        let (caller, transaction_id) = caller_of(&self.gateway, &request)?;
        let (replies, stream) = mpsc::channel(PAGES_WAITING_MAX);
        let place = request.extensions().get::<Place>().cloned();
        let gateway = Arc::clone(&self.gateway);
        let desk = Desk { gateway, idle: self.idle, caller, transaction_id, replies, _place: place };
        let lines = request.into_inner();
        tokio::spawn(async move {
            let replies = desk.replies.clone();
            let sent = Incoming { messages: lines, idle: desk.idle, lines: 0 };
            if let Err(status) = desk.run(sent).await {
                // The reader may be gone; then nobody is left to be told.
                let _ = replies.send(Waiting::alone(Err(status))).await;
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream).map(Waiting::taken))))
    }
}

struct Desk {
    gateway: Arc<Gateway>,
    idle: Duration,
    caller: Caller,
    transaction_id: uuid::Uuid,
    replies: Replies,
    _place: Option<Place>,
}

impl Desk {
    async fn run(self, mut sent: Incoming) -> Result<(), Status> {
        let Some(Sent::Opening(opening)) = sent.next().await? else {
            return Err(out_of_order("the first message must be the opening"));
        };
        let agb = &opening.provider_agb;
        let mut audit = self.open(&opening).await?;
        let ending = self.gateway.ending.reached(Stage::StreamsEnd);
        tokio::pin!(ending);
        let (mut more, mut told_to_end) = (true, false);
        while more && !told_to_end {
            // Lines that were read and are not judged yet when the end comes are judged by nobody: the totals say so.
            let (page, last) = tokio::select! {
                biased;
                () = &mut ending => { told_to_end = true; continue }
                collected = self.collect(&mut sent, agb) => collected?,
            };
            more = !last;
            if !page.is_empty() {
                let arrival = self.gateway.slots.arrival();
                let page = audit.page(&page, reply::serialize_extract).await.map_err(|e| status::fault(&e))?;
                self.gateway.slots.wait(arrival).await;
                let (message, delivery) = self.page(page);
                self.send(Reply::Page(message), Some(delivery)).await?;
            }
        }
        let (totals, receipt) = audit.close().await.map_err(|e| status::fault(&e))?;
        if told_to_end {
            // The log says how far it came. A closing on the wire would look like the end of all lines.
            return Err(status::ending());
        }
        let closed = Reply::Closed(v1::AuditClosed {
            lines: totals.lines(),
            agrees: totals.agrees,
            differs: totals.differs,
            not_confirmed: totals.not_confirmed,
            receipt: Some(reply::receipt(&receipt, self.transaction_id)),
        });
        self.send(closed, None).await
    }

    async fn open(&self, opening: &v1::AuditOpening) -> Result<Audit, Status> {
        let malformed = |field: &str, text: &str| {
            status::invalid(&Invalid::new(format!("opening.{field}"), ErrorReason::ClaimMalformed, text))
        };
        let number = &opening.declaration_number;
        if !(1..=12).contains(&number.len()) || !number.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(malformed("declaration_number", "1 to 12 letters and digits"));
        }
        if opening.provider_agb.len() != 8 || !opening.provider_agb.bytes().all(|b| b.is_ascii_digit()) {
            return Err(malformed("provider_agb", "eight digits"));
        }
        let actor = convert::actor(&opening.actor, "opening.actor").map_err(|e| status::invalid(&e))?;
        let said = serde_json::json!({ "declaration_number": number, "provider_agb": opening.provider_agb });
        let (gateway, caller) = (Arc::clone(&self.gateway), self.caller.clone());
        let opened = Audit::open(gateway, caller, actor, self.transaction_id, &said).await;
        let (audit, receipt) = opened.map_err(|e| status::fault(&e))?;
        let receipt = Some(reply::receipt(&receipt, self.transaction_id));
        self.send(Reply::Opened(v1::AuditOpened { audit_id: audit.id(), receipt }), None).await?;
        Ok(audit)
    }

    /// Lines for one page: as many as have arrived when the first of them has waited for one slot; and whether
    /// the stream has ended.
    async fn collect(&self, sent: &mut Incoming, agb: &str) -> Result<(Vec<Line>, bool), Status> {
        let mut page = Vec::new();
        let mut until = None;
        while page.len() < PAGE_LINES_MAX {
            let message = match until {
                None => sent.next().await?,
                Some(at) => match tokio::time::timeout_at(at, sent.next()).await {
                    Ok(message) => message?,
                    Err(_) => return Ok((page, false)),
                },
            };
            match message {
                None => return Ok((page, true)),
                Some(Sent::Opening(_)) => return Err(out_of_order("the opening may come once")),
                Some(Sent::Line(line)) => {
                    page.push(sent.line(&line, agb, self.gateway.test_numbers)?);
                    until = until.or_else(|| Some(tokio::time::Instant::now() + crate::slot::SLOT));
                }
            }
        }
        Ok((page, false))
    }

    fn page(&self, page: Page) -> (v1::FindingPage, Delivery) {
        let findings = page.lines.into_iter().zip(0u32..).map(|(line, item)| v1::LineFinding {
            reference: line.reference,
            finding: match line.finding {
                Finding::Agrees => v1::Finding::Agrees,
                Finding::Differs => v1::Finding::Differs,
                Finding::NotConfirmed => v1::Finding::NotConfirmed,
            } as i32,
            differing: reply::field_numbers(line.differing),
            body: line.released.map_or_else(Vec::new, ReleasedItem::into_body).into(),
            salt: line.salt.to_vec().into(),
            item,
            item_text: line.item.text,
            item_proof: line.item.hashes.into_iter().map(|h| h.to_vec().into()).collect(),
        });
        let message = v1::FindingPage {
            number: page.number,
            findings: findings.collect(),
            receipt: Some(reply::receipt(&page.receipt, self.transaction_id)),
        };
        (message, page.delivery)
    }

    async fn send(&self, message: Reply, delivery: Option<Delivery>) -> Result<(), Status> {
        let reply = Waiting { message: Ok(v1::AuditInvoiceResponse { message: Some(message) }), delivery };
        let slow = |_| status::idle("findings were not read", self.idle);
        let sent = tokio::time::timeout(self.idle, self.replies.send(reply)).await.map_err(slow)?;
        sent.map_err(|_| Status::cancelled("the reader is gone"))
    }
}

/// What the municipality sends, and how far it came.
struct Incoming {
    messages: Streaming<v1::AuditInvoiceRequest>,
    /// Silence that ends the audit.
    idle: Duration,
    /// Lines that were good, over all pages: the number of the next one.
    lines: u64,
}

impl Incoming {
    async fn next(&mut self) -> Result<Option<Sent>, Status> {
        let idle = |_| status::idle("nothing arrived", self.idle);
        let message = tokio::time::timeout(self.idle, self.messages.message()).await.map_err(idle)?;
        let message = message.map_err(|e| status::unreadable(&e).unwrap_or(e))?;
        match message {
            None => Ok(None),
            Some(v1::AuditInvoiceRequest { message: Some(sent) }) => Ok(Some(sent)),
            Some(v1::AuditInvoiceRequest { message: None }) => Err(out_of_order("a message without content")),
        }
    }

    /// The next line as the gateway knows it. An error names it by its number among all lines of the audit, from 0: the
    /// answer to a stream says by itself nothing of which message it is about.
    fn line(&mut self, line: &v1::ClaimLine, agb: &str, test_numbers: bool) -> Result<Line, Status> {
        let (bsn, claim) = convert::claim_line(line, agb, test_numbers).map_err(|mut invalid| {
            invalid.field = format!("lines[{}].{}", self.lines, invalid.field);
            status::invalid(&invalid)
        })?;
        self.lines += 1;
        Ok(Line { bsn, claim })
    }
}

fn out_of_order(text: &str) -> Status {
    status::invalid(&Invalid::new("message", ErrorReason::AuditOutOfOrder, text))
}
